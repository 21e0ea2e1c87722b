//! A bound on what a compressed file unfolds to.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that any file may unfold to, 64 MiB, and how many times its own length more: deflated images and texts are far below.
const FREE: u64 = 1 << 26;
const MAX_RATIO: u64 = 200;

/// The memory that a file's content may take in all, shared by threads. A zip of two megabytes can state, and hold, two
/// gigabytes.
#[derive(Debug)]
pub(crate) struct Budget {
    file: u64,
    left: AtomicU64,
}

impl Budget {
    /// For a file of so many bytes.
    pub(crate) fn of(file: u64) -> Budget {
        Budget { file, left: AtomicU64::new(FREE.saturating_add(file.saturating_mul(MAX_RATIO))) }
    }

    /// Takes the bytes of one part.
    ///
    /// # Errors
    /// The parts are larger than the file allows.
    pub(crate) fn take(&self, bytes: u64) -> Result<(), String> {
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        taken
            .map(drop)
            .map_err(|_| format!("the {} bytes of the file unfold to more than {MAX_RATIO} times as many", self.file))
    }
}
