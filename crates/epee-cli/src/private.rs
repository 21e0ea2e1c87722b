//! Texts on the command line and in panics: neither clap nor a panic may print them.

use std::panic::PanicHookInfo;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::ui::{Format, Ui};

/// Words of a command line are shorter, and have no blank in them.
const LONGEST_WORD: usize = 40;

/// A usage error without the text that it quotes: a text in the wrong place, or one that begins with a dash, is taken for a
/// subcommand or a flag.
pub(crate) fn without_texts(mut error: clap::Error) -> clap::Error {
    if !matches!(error.kind(), ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument) {
        return error;
    }
    for kind in [ContextKind::InvalidSubcommand, ContextKind::InvalidArg] {
        let Some(ContextValue::String(word)) = error.get(kind) else { continue };
        if word.len() <= LONGEST_WORD && !word.contains(char::is_whitespace) {
            continue;
        }
        let shown = format!("(a text of {} bytes)", word.len());
        error.insert(kind, ContextValue::String(shown));
        // Advice such as "to pass '…' as a value, use '-- …'".
        error.remove(ContextKind::Suggested);
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::SuggestedCommand);
    }
    error
}

/// Replaces the panic hook: a message that is put together may hold text (that of a string cut within a character holds the
/// string), so it is left out. The place is shown, and so is a message that is a literal of the source.
pub(crate) fn hide_panic_messages() {
    std::panic::set_hook(Box::new(|info| Ui { format: Format::Table }.note(panic_text(info))));
}

fn panic_text(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let literal = info.payload().downcast_ref::<&'static str>().map_or_else(String::new, |text| format!(": {text}"));
    let backtrace = std::backtrace::Backtrace::capture();
    let backtrace = match backtrace.status() {
        std::backtrace::BacktraceStatus::Captured => format!("\n{backtrace}"),
        _ => "\nRUST_BACKTRACE=1 shows how it got there.".to_owned(),
    };
    format!("epee panicked at {place}{literal}: this is a fault of epee, please report it.{backtrace}")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use clap::CommandFactory;

    use super::*;

    fn usage(arguments: &[&str]) -> String {
        let error = crate::Cli::command().try_get_matches_from(arguments).unwrap_err();
        without_texts(error).to_string()
    }

    #[test]
    fn a_text_taken_for_a_flag_or_a_subcommand_is_not_shown() {
        for arguments in [
            &["epee", "Stopped zinc CANARY."][..],
            &["epee", "predict", "--model", "m", "--stopped zinc CANARY"],
            &["epee", "predict", "--model", "m", "- stopped zinc CANARY"],
            &["epee", "predict", "--model", "m", "-Stopped zinc CANARY"],
            &["epee", "predict", "--model", "m", "text", "--stopped=zinc CANARY"],
            &["epee", "data", "zinc CANARY"],
            &["epee", "info", "a", "zinc CANARY"],
        ] {
            let text = usage(arguments);
            assert!(text.starts_with("error: ") && !text.contains("CANARY"), "{text}");
        }
        let text = usage(&["epee", "predict", "--modle", "m", "x"]);
        assert!(text.contains("'--modle'") && text.contains("'--model'"), "{text}");
        assert!(usage(&["epee", "predcit"]).contains("'predict'"));
    }

    #[test]
    fn a_panic_shows_its_place_and_no_text() {
        let seen = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&seen);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if let Ok(mut seen) = kept.lock() {
                seen.push_str(&panic_text(info));
            }
        }));
        let text = "é CANARY".to_owned();
        let cut = std::panic::catch_unwind(|| text[1..].len());
        let literal = std::panic::catch_unwind(|| panic!("a literal"));
        std::panic::set_hook(before);
        assert!(cut.is_err() && literal.is_err());
        let seen = seen.lock().unwrap();
        assert!(seen.contains("private.rs:") && seen.contains(": a literal: "), "{seen}");
        assert!(!seen.contains("CANARY"), "{seen}");
    }
}
