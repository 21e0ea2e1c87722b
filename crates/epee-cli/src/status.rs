//! Exit statuses of `epee`: 0 success, 1 error, 2 wrong usage (from clap), 3 stopped, 130 interrupted.

/// The run was stopped by Ctrl-C or SIGTERM and wrote a checkpoint to resume from.
pub(crate) const STOPPED: u8 = 3;

/// A second Ctrl-C ended the process at once, without a checkpoint.
pub(crate) const INTERRUPTED: i32 = 130;

/// The error that ends a stopped run with the status [`STOPPED`].
#[derive(Debug)]
pub(crate) struct Stopped(pub(crate) String);

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Stopped {}
