//! The one place where other people's decoders run on untrusted bytes: a panic of theirs becomes an error.
//!
//! `tokenizers` and `png` panic on some damaged files (`docs/upstream.md`). A panic inside [`guarded`] is caught, and its
//! message is not printed: it may quote a text. Panics elsewhere, on other threads too, are reported as ever.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::Once;

/// The libraries, with the versions that errors name.
pub(crate) const TOKENIZERS: &str = "tokenizers 0.23.2";
pub(crate) const PNG: &str = "png 0.18.1";
pub(crate) const ZUNE_JPEG: &str = "zune-jpeg 0.5.15";

/// A panic inside a library. The message names the library and the line of its source, never the input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the library {library} fails on it ({place}): it is damaged, or the library has a fault")]
pub struct LibraryFault {
    /// Name and version.
    pub library: &'static str,
    /// File and line of the source.
    pub place: String,
}

thread_local! {
    /// `Some` while this thread is inside a guard; a panic leaves its place there.
    static GUARDED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs a library on untrusted input.
///
/// The first call wraps the process's panic hook in one that is silent inside of a guard. What `work` changes outside of
/// itself may be half changed after an error; callers drop it.
///
/// # Errors
/// The library panicked.
pub(crate) fn guarded<T>(library: &'static str, work: impl FnOnce() -> T) -> Result<T, LibraryFault> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let outer = take_hook();
        set_hook(Box::new(move |info| {
            if !note(info) {
                outer(info);
            }
        }));
    });
    let before = GUARDED.replace(Some(String::new()));
    let done = catch_unwind(AssertUnwindSafe(work));
    let place = GUARDED.replace(before).unwrap_or_default();
    done.map_err(|_| LibraryFault { library, place })
}

/// Notes where a guarded thread panics; false on any other thread.
fn note(info: &PanicHookInfo<'_>) -> bool {
    GUARDED
        .try_with(|guarded| match guarded.try_borrow_mut().ok()?.as_mut() {
            None => None,
            Some(place) => {
                if let Some(at) = info.location() {
                    let file = Path::new(at.file()).file_name().unwrap_or_default().to_string_lossy();
                    *place = format!("{file}:{}", at.line());
                }
                Some(())
            }
        })
        .is_ok_and(|noted| noted.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_names_the_library_and_the_line() {
        let text = "takes zinc";
        let fault = guarded(PNG, || text[..99].len()).unwrap_err();
        assert_eq!((fault.library, fault.place.split_once(':').unwrap().0), (PNG, "guard.rs"));
        assert!(!fault.to_string().contains("zinc"), "{fault}");
        assert_eq!(guarded(PNG, || 7), Ok(7));
    }

    #[test]
    fn a_guard_inside_a_guard_leaves_the_outer_one_in_place() {
        let fault = guarded(TOKENIZERS, || {
            assert!(guarded(PNG, || panic!("inner")).is_err());
            panic!("outer");
        });
        assert_eq!(fault.unwrap_err().library, TOKENIZERS);
        assert!(GUARDED.take().is_none(), "the guard ends with the call");
    }

    /// Versions in errors are those that are compiled in.
    #[test]
    fn the_versions_are_those_of_the_lock_file() {
        let Ok(lock) = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")) else {
            println!("skipped: the_versions_are_those_of_the_lock_file needs the workspace's Cargo.lock");
            return;
        };
        for library in [TOKENIZERS, PNG, ZUNE_JPEG] {
            let (name, version) = library.split_once(' ').unwrap();
            assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"")), "{library}");
        }
    }
}
