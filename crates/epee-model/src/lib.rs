//! Multi-exit transformers.
