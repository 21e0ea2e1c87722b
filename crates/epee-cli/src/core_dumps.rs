//! Core dumps: off, since the dump of a crash would hold texts.

use std::sync::atomic::{AtomicBool, Ordering};

/// The flag that leaves them on.
pub(crate) const FLAG: &str = "--allow-core-dumps";

static FORBIDDEN: AtomicBool = AtomicBool::new(false);

/// Forbids core dumps of this process and of those it starts. A system that refuses is left as it is.
pub(crate) fn forbid() {
    FORBIDDEN.store(true, Ordering::Relaxed);
    // A dump that is piped to a program ignores the limit, so the process is marked too.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
    #[cfg(unix)]
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
}

/// True unless they are forbidden.
pub(crate) fn allowed() -> bool {
    !FORBIDDEN.load(Ordering::Relaxed)
}
