//! Early-exit policies and everything that can be computed from recorded logits.
