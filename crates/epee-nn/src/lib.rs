//! The blocks a transformer is made of, each with forward and backward.
