//! Early-exit transformer classifiers.
