//! Times a sweep.
fn main() {}
