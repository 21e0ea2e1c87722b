//! A policy as text: parse and print are inverse.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::parts::Parts;
use super::{Ensemble, Policy, PolicyError, PolicyKind, Threshold};
use crate::named::Named;

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threshold = self.threshold().map(|threshold| ("threshold", threshold.to_string()));
        let ensemble = (self.ensemble != Ensemble::None).then(|| ("ensemble", self.ensemble.name().to_owned()));
        let parts = threshold.into_iter().chain(self.rule.parts()).chain(ensemble);
        let parts: Vec<String> = parts.map(|(key, value)| format!("{key}={value}")).collect();
        let name = self.name();
        if parts.is_empty() { f.write_str(name) } else { write!(f, "{name}({})", parts.join(", ")) }
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
    let mut parts = Parts::read(inside)?;
    let ensemble = parts.named("ensemble")?.unwrap_or_default();
    let rule = PolicyKind::read(name)?.rule(&mut parts)?;
    let threshold = if rule.has_threshold() { parts.threshold()? } else { Threshold::Never };
    match parts.left() {
        Some(key) => Err(format!("`{name}` has no part `{key}`")),
        None => Ok(Policy { rule, threshold, ensemble }),
    }
}

/// As its text. A policy of the caller's own is refused: its text cannot be read back.
impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.check_storable().map_err(ser::Error::custom)?;
        serializer.collect_str(self)
    }
}

/// Writes any policy as its text, for results that are read by people and not loaded again.
pub(crate) fn serialize_text<S: Serializer>(policy: &Policy, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(policy)
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
    use crate::policy::rules::{Divergence, Elbert, FPabee, Outputs};

    /// A setting of every policy, with every part.
    const FORMS: [&str; 24] = [
        "full",
        "fixed(exit=3)",
        "entropy(threshold=0.1)",
        "entropy(threshold=[0.1, never, 0.25])",
        "patience(patience=4)",
        "patience(patience=never)",
        "epee(threshold=0.1, patience=6)",
        "epee(threshold=never, patience=6)",
        "epee(threshold=0.25, patience=never)",
        "epee(threshold=never, patience=never)",
        "epee(threshold=[0.1, 0.2], patience=2, ensemble=run-mean)",
        "branchynet(threshold=[0.3, 0.1])",
        "shallow-deep(threshold=0.9)",
        "deebert(threshold=0.5)",
        "pabee(patience=3)",
        "pabee(patience=3, distance=0.5)",
        "pcee(threshold=0.2, patience=2)",
        "fpabee(threshold=0.01, divergence=js, patience=2)",
        "fpabee(threshold=0.01, divergence=reverse-kl, patience=2, outputs=sigmoid)",
        "berxit(threshold=0.2)",
        "elbert(threshold=0.1, window=3)",
        "elbert(threshold=0.1, window=3, margin=0.2)",
        "voting(threshold=3, ensemble=all-mean)",
        "margin(threshold=0.5)",
    ];

    #[test]
    fn every_form_reads_and_prints() {
        for text in FORMS {
            let policy: Policy = text.parse().unwrap();
            assert_eq!(policy.to_string(), text);
            let json = serde_json::to_string(&policy).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
        }
        for kind in PolicyKind::ALL {
            assert!(FORMS.iter().any(|text| text.parse::<Policy>().unwrap().kind() == Some(kind)), "{kind}");
            assert!(!kind.about().is_empty() && !kind.source().is_empty());
        }
    }

    #[test]
    fn spaces_and_order_are_free() {
        let policy: Policy = " epee( patience = 6 ,threshold=1e-1 ) ".parse().unwrap();
        assert_eq!(policy.to_string(), "epee(threshold=0.1, patience=6)");
        assert_eq!("full()".parse::<Policy>().unwrap(), Policy::full());
        let list: Policy = "entropy(threshold=[ 0.1,never ])".parse().unwrap();
        assert_eq!(list, Policy::entropy(Threshold::PerExit(vec![Some(0.1), None])));
        let fpabee: Policy = "fpabee(threshold=1, patience=2)".parse().unwrap();
        let (divergence, outputs) = (Divergence::JensenShannon, Outputs::Softmax);
        assert_eq!(fpabee, Policy::new(FPabee { divergence, patience: 2, outputs }, 1.0));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let names = "expected full, fixed, entropy, patience, epee, branchynet, shallow-deep, deebert, pabee, pcee, fpabee, \
                     berxit, elbert, voting or margin";
        for (text, problem) in [
            ("", names),
            ("beem(threshold=3)", names),
            ("epee(threshold=0.1)", "expected a part `patience`"),
            ("entropy(threshold=0.1", "expected `)` at the end"),
            ("entropy(threshold=nan)", "`threshold`: expected a number, got `nan`"),
            ("entropy(threshold=[0.1, x])", "`threshold`: expected a number, got `x`"),
            ("entropy(threshold=[0.1, 0.2)", "`threshold`: expected `]` at the end of the list"),
            ("entropy(threshold=0.1, patience=3)", "`entropy` has no part `patience`"),
            ("patience(patience=2.5)", "`patience`: expected a whole number, got `2.5`"),
            ("patience(patience=-1)", "`patience`: expected a whole number, got `-1`"),
            ("fixed(3)", "expected `name=value`, got `3`"),
            ("fixed(exit=3, exit=4)", "`exit` is given twice"),
            ("full(ensemble=mean)", "`ensemble`: expected none, run-mean or all-mean, got `mean`"),
        ] {
            let error = text.parse::<Policy>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("policy `{text}`: {problem}\nhint: ")), "{error}");
        }
    }

    fn any_policy() -> impl Strategy<Value = Policy> {
        let finite = || any::<f64>().prop_filter("finite", |x| x.is_finite());
        let threshold = move || {
            prop_oneof![
                Just(Threshold::Never),
                finite().prop_map(Threshold::All),
                prop::collection::vec(proptest::option::of(finite()), 0..5).prop_map(Threshold::PerExit),
            ]
        };
        let ensemble = prop::sample::select(vec![Ensemble::None, Ensemble::RunMean, Ensemble::AllMean]);
        let form = prop::sample::select(FORMS.to_vec()).prop_map(|text| text.parse::<Policy>().unwrap());
        let policy = prop_oneof![
            (form, threshold()).prop_map(|(policy, threshold)| policy.with_threshold(threshold)),
            (threshold(), proptest::option::of(any::<usize>())).prop_map(|(t, p)| Policy::epee(t, p)),
            (threshold(), any::<usize>(), finite()).prop_map(|(threshold, window, margin)| {
                Policy::new(Elbert { window, margin: if margin == 0.0 { 0.0 } else { margin } }, threshold)
            }),
        ];
        (policy, ensemble).prop_map(|(policy, ensemble)| policy.with_ensemble(ensemble))
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
