//! Text for a terminal: foreign text cannot control it.

use std::borrow::Cow;

/// The same text with control characters and marks of writing direction written as `\u{1b}`. Lines stay lines.
///
/// Labels, ids, paths and errors come from files. An escape sequence in them could move the cursor, rewrite lines, set the title or
/// make the terminal answer; a direction mark could show a name backwards.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && c != '\t')
}

/// As [`plain`], for text that must stay on one line.
pub(crate) fn plain_line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| true)
}

fn escaped(text: &str, unless: fn(char) -> bool) -> Cow<'_, str> {
    let acts = |c: char| {
        let direction =
            matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (c.is_control() || direction) && unless(c)
    };
    if !text.contains(acts) {
        return text.into();
    }
    text.chars()
        .fold(String::with_capacity(text.len() + 16), |mut all, c| {
            if acts(c) {
                all.extend(c.escape_unicode())
            } else {
                all.push(c)
            }
            all
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_written_out() {
        for (text, expected) in [
            ("a\tb\nzinc – 1 µg 🙂", "a\tb\nzinc – 1 µg 🙂"),
            ("\u{1b}[2J\u{7}", "\\u{1b}[2J\\u{7}"),
            ("a\r\u{8}b\u{7f}", "a\\u{d}\\u{8}b\\u{7f}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("exe\u{202e}gnp", "exe\\u{202e}gnp"),
            ("\u{2066}\u{200f}\u{61c}\u{2028}", "\\u{2066}\\u{200f}\\u{61c}\\u{2028}"),
        ] {
            assert_eq!(plain(text), expected);
        }
        assert_eq!(plain_line("a\tb\nc"), "a\\u{9}b\\u{a}c");
        assert!(matches!(plain("as it is"), Cow::Borrowed(_)));
    }
}
