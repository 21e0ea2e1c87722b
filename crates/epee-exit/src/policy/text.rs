//! A policy as text: parse and print are inverse.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Policy, PolicyError};

/// The name of a policy, without a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// Full depth.
    Full,
    /// One exit for every sample.
    Fixed,
    /// Entropy alone.
    Entropy,
    /// Patience alone.
    Patience,
    /// Entropy or patience.
    Epee,
}

impl PolicyKind {
    /// All of them, from the simplest.
    pub const ALL: [PolicyKind; 5] =
        [PolicyKind::Full, PolicyKind::Fixed, PolicyKind::Entropy, PolicyKind::Patience, PolicyKind::Epee];

    /// Its name in settings: `full`, `fixed`, `entropy`, `patience` or `epee`.
    pub fn name(self) -> &'static str {
        match self {
            PolicyKind::Full => "full",
            PolicyKind::Fixed => "fixed",
            PolicyKind::Entropy => "entropy",
            PolicyKind::Patience => "patience",
            PolicyKind::Epee => "epee",
        }
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for PolicyKind {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let found = PolicyKind::ALL.into_iter().find(|kind| kind.name() == text);
        found.ok_or_else(|| PolicyError::Syntax {
            text: text.to_owned(),
            problem: "expected full, fixed, entropy, patience or epee".to_owned(),
        })
    }
}

/// A part of a setting, or `never`.
struct OrNever<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for OrNever<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("never"),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Policy::Full => f.write_str("full"),
            Policy::Fixed { exit } => write!(f, "fixed(exit={exit})"),
            Policy::Entropy { threshold } => write!(f, "entropy(threshold={threshold})"),
            Policy::Patience { patience } => write!(f, "patience(patience={patience})"),
            Policy::Epee { threshold, patience } => {
                let (threshold, patience) = (OrNever(*threshold), OrNever(*patience));
                write!(f, "epee(threshold={threshold}, patience={patience})")
            }
        }
    }
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        parse(text.trim()).map_err(|problem| PolicyError::Syntax { text: text.to_owned(), problem })
    }
}

fn parse(text: &str) -> Result<Policy, String> {
    let (name, inside) = match text.split_once('(') {
        None => (text, ""),
        Some((name, rest)) => {
            let inside = rest.strip_suffix(')').ok_or("expected `)` at the end")?;
            (name.trim_end(), inside)
        }
    };
    let mut args = Args::parse(inside)?;
    let policy = match name {
        "full" => Policy::Full,
        "fixed" => Policy::Fixed { exit: args.count("exit")? },
        "entropy" => Policy::Entropy { threshold: args.number("threshold")? },
        "patience" => Policy::Patience { patience: args.count("patience")? },
        "epee" => Policy::Epee {
            threshold: args.unless_never("threshold", Args::number)?,
            patience: args.unless_never("patience", Args::count)?,
        },
        _ => return Err("expected full, fixed, entropy, patience or epee".to_owned()),
    };
    match args.0.first() {
        Some((key, _)) => Err(format!("`{name}` has no part `{key}`")),
        None => Ok(policy),
    }
}

/// The `key=value` pairs of a setting that no one has asked for yet.
struct Args<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Args<'a> {
    fn parse(inside: &'a str) -> Result<Self, String> {
        let mut args = Vec::new();
        if inside.trim().is_empty() {
            return Ok(Args(args));
        }
        for pair in inside.split(',') {
            let (key, value) =
                pair.split_once('=').ok_or_else(|| format!("expected `name=value`, got `{}`", pair.trim()))?;
            let key = key.trim();
            if args.iter().any(|(seen, _)| *seen == key) {
                return Err(format!("`{key}` is given twice"));
            }
            args.push((key, value.trim()));
        }
        Ok(Args(args))
    }

    fn take(&mut self, key: &str) -> Result<&'a str, String> {
        let at = self.0.iter().position(|(found, _)| *found == key);
        at.map(|at| self.0.remove(at).1).ok_or_else(|| format!("expected a part `{key}`"))
    }

    fn number(&mut self, key: &str) -> Result<f64, String> {
        let text = self.take(key)?;
        let value = text.parse().ok().filter(|value: &f64| value.is_finite());
        value.ok_or_else(|| format!("`{key}`: expected a number, got `{text}`"))
    }

    fn count(&mut self, key: &str) -> Result<usize, String> {
        let text = self.take(key)?;
        text.parse().map_err(|_| format!("`{key}`: expected a whole number, got `{text}`"))
    }

    fn unless_never<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Self, &str) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        if self.0.contains(&(key, "never")) {
            self.take(key)?;
            return Ok(None);
        }
        read(self, key).map(Some)
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_reads_and_prints() {
        for text in [
            "full",
            "fixed(exit=3)",
            "entropy(threshold=0.1)",
            "patience(patience=4)",
            "epee(threshold=0.1, patience=6)",
            "epee(threshold=never, patience=6)",
            "epee(threshold=0.25, patience=never)",
            "epee(threshold=never, patience=never)",
        ] {
            let policy: Policy = text.parse().unwrap();
            assert_eq!(policy.to_string(), text);
            let json = serde_json::to_string(&policy).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
        }
    }

    #[test]
    fn spaces_and_order_are_free() {
        let policy: Policy = " epee( patience = 6 ,threshold=1e-1 ) ".parse().unwrap();
        assert_eq!(policy.to_string(), "epee(threshold=0.1, patience=6)");
        assert_eq!("full()".parse::<Policy>().unwrap(), Policy::Full);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (text, problem) in [
            ("", "expected full, fixed, entropy, patience or epee"),
            ("pabee(patience=3)", "expected full, fixed, entropy, patience or epee"),
            ("epee(threshold=0.1)", "expected a part `patience`"),
            ("entropy(threshold=0.1", "expected `)` at the end"),
            ("entropy(threshold=nan)", "`threshold`: expected a number, got `nan`"),
            ("entropy(threshold=0.1, patience=3)", "`entropy` has no part `patience`"),
            ("patience(patience=2.5)", "`patience`: expected a whole number, got `2.5`"),
            ("patience(patience=-1)", "`patience`: expected a whole number, got `-1`"),
            ("fixed(3)", "expected `name=value`, got `3`"),
            ("fixed(exit=3, exit=4)", "`exit` is given twice"),
        ] {
            let error = text.parse::<Policy>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("policy `{text}`: {problem}\nhint: ")), "{error}");
        }
    }

    fn any_policy() -> impl Strategy<Value = Policy> {
        let finite = || any::<f64>().prop_filter("finite", |x| x.is_finite());
        prop_oneof![
            Just(Policy::Full),
            any::<usize>().prop_map(|exit| Policy::Fixed { exit }),
            finite().prop_map(|threshold| Policy::Entropy { threshold }),
            any::<usize>().prop_map(|patience| Policy::Patience { patience }),
            (proptest::option::of(finite()), proptest::option::of(any::<usize>()))
                .prop_map(|(threshold, patience)| Policy::Epee { threshold, patience }),
        ]
    }

    proptest! {
        #[test]
        fn print_then_parse_is_the_identity(policy in any_policy()) {
            prop_assert_eq!(policy.to_string().parse::<Policy>().unwrap(), policy);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<Policy>();
        }
    }
}
