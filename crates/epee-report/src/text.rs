//! Text for readers and for XML: numbers, foreign text, and its width.

use std::fmt::Write;

/// Text for XML: markup is escaped, and characters that XML forbids are replaced.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let legal =
        |c: char| matches!(c, '\t' | '\n' | ' '..) && !matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    let clean: String = text.chars().map(|c| if legal(c) { c } else { '\u{fffd}' }).collect();
    // Writing to a string does not fail.
    let _ = maud::Escaper::new(&mut out).write_str(&clean);
    out
}

/// A number with some decimals; a dash if it is not finite.
pub(crate) fn decimal(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{value:.decimals$}");
    // No negative zero.
    if text.trim_start_matches('-').chars().all(|c| matches!(c, '0' | '.')) {
        return text.trim_start_matches('-').to_owned();
    }
    text.replacen('-', "−", 1)
}

/// A number that may be missing.
pub(crate) fn maybe(value: Option<f64>, decimals: usize) -> String {
    decimal(value.unwrap_or(f64::NAN), decimals)
}

/// A share as a percentage.
pub(crate) fn percent(share: f64, decimals: usize) -> String {
    if share.is_finite() { format!("{}\u{a0}%", decimal(100.0 * share, decimals)) } else { "–".to_owned() }
}

/// A count with a comma between thousands.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Letters, digits and single hyphens: a part of a file name, an anchor.
pub(crate) fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    let plain = out.trim_end_matches('-');
    if plain.is_empty() { "trace".to_owned() } else { plain.to_owned() }
}

/// The rough width of a text, in its font size. Sans-serif fonts differ by a tenth.
pub(crate) fn width(text: &str) -> f64 {
    let one = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '!' | '\'' => 0.27,
        't' | 'f' | 'r' | ' ' | '(' | ')' | '-' | '/' | '·' => 0.36,
        'm' | 'w' | 'M' | 'W' | '%' => 0.86,
        'A'..='Z' | '=' | '<' | '>' | '≤' | '≥' => 0.66,
        _ => 0.56,
    };
    text.chars().map(one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_illegal_characters_are_gone() {
        assert_eq!(escape("<b a=\"1\">&\u{0}\u{1b}é"), "&lt;b a=&quot;1&quot;&gt;&amp;\u{fffd}\u{fffd}é");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(decimal(-0.00001, 3), "0.000");
        assert_eq!(decimal(-0.25, 2), "−0.25");
        assert_eq!(
            (decimal(f64::NAN, 3), maybe(None, 1), percent(0.4537, 1)),
            ("–".into(), "–".into(), "45.4\u{a0}%".into())
        );
        assert_eq!([0, 999, 1000, 1234567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn slugs_are_plain() {
        assert_eq!(slug("../Phee (dev)<script>"), "phee-dev-script");
        assert_eq!(slug("日本"), "trace");
    }
}
