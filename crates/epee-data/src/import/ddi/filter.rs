//! Pairs that the literature leaves out before a model sees them, as hardly any of them interact.
//!
//! The rules of Chowdhury and Lavelli (2013), Liu et al. (2016) and others, who describe them in
//! words: what stands here is our reading. They look at names and sentence, never at the class, so
//! they hold of test as well, and a few interacting pairs go with the others.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::xml::{Entity, Pair};

/// A reason to leave a pair out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Both drugs have the same name, ignoring case.
    SameName,
    /// The second stands in brackets behind the first: its abbreviation or its brand.
    Abbreviation,
    /// Between them stands no more than `such as`, `including`, `e.g.`: one is a case of the other.
    SpecialCase,
    /// Both belong to a list of at least three drugs, joined by commas, `and`, `or` and the like.
    List,
    /// The two mentions share characters.
    Overlap,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::SameName, Self::Abbreviation, Self::SpecialCase, Self::List, Self::Overlap];
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SameName => "same-name",
            Self::Abbreviation => "abbreviation",
            Self::SpecialCase => "special-case",
            Self::List => "list",
            Self::Overlap => "overlap",
        })
    }
}

/// The rules to apply; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NegativeFilter(BTreeSet<Rule>);

impl NegativeFilter {
    /// Every rule.
    pub fn all() -> Self {
        Self(Rule::ALL.into())
    }

    /// Whether this rule is one of them.
    pub fn has(&self, rule: Rule) -> bool {
        self.0.contains(&rule)
    }
}

impl fmt::Display for NegativeFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(Rule::to_string).collect();
        f.pad(
            match names.len() {
                0 => "none".to_owned(),
                n if n == Rule::ALL.len() => "all".to_owned(),
                _ => names.join(","),
            }
            .as_str(),
        )
    }
}

impl FromStr for NegativeFilter {
    type Err = String;

    /// Reads `none`, `all` or names such as `same-name,list`.
    fn from_str(text: &str) -> Result<Self, String> {
        let rule = |name: &str| {
            let rule = Rule::ALL.into_iter().find(|rule| rule.to_string() == name.trim());
            rule.ok_or_else(|| {
                let names = Rule::ALL.map(|rule| rule.to_string()).join(", ");
                format!("expected none, all or some of {names}, got `{name}`")
            })
        };
        match text {
            "none" => Ok(Self::default()),
            "all" => Ok(Self::all()),
            _ => text.split(',').map(rule).collect::<Result<_, _>>().map(Self),
        }
    }
}

/// The rules that hold of a pair.
pub(super) fn rules(pair: &Pair) -> Vec<Rule> {
    let entities = &pair.sentence.entities;
    let (first, second) = (&entities[pair.first], &entities[pair.second]);
    let (first, second) = if start(first) <= start(second) { (first, second) } else { (second, first) };
    let holds = |rule: &Rule| match rule {
        Rule::SameName => first.name.to_lowercase() == second.name.to_lowercase(),
        Rule::Abbreviation => is_in_brackets(pair, first, second),
        Rule::SpecialCase => between(pair, first, second).is_some_and(|words| words.is_special_case()),
        Rule::List => is_list(pair, first, second),
        Rule::Overlap => overlap(first, second),
    };
    Rule::ALL.into_iter().filter(holds).collect()
}

fn start(entity: &Entity) -> usize {
    entity.pieces.iter().map(|piece| piece.0).min().unwrap_or(0)
}

fn end(entity: &Entity) -> usize {
    entity.pieces.iter().map(|piece| piece.1).max().unwrap_or(0)
}

fn overlap(a: &Entity, b: &Entity) -> bool {
    a.pieces.iter().any(|p| b.pieces.iter().any(|q| p.0 < q.1 && q.0 < p.1))
}

fn is_in_brackets(pair: &Pair, first: &Entity, second: &Entity) -> bool {
    let text = &pair.sentence.text;
    let between: String = text.get(end(first)..start(second)).unwrap_or_default().iter().collect();
    let behind = text.get(end(second)..).unwrap_or_default().iter().find(|c| !c.is_whitespace());
    matches!((between.trim(), behind), ("(", Some(')')) | ("[", Some(']')))
}

/// What joins two drugs, the drugs between them taken out.
struct Joint {
    words: Vec<String>,
    /// True where signs other than those of a list occur.
    other_signs: bool,
    full_stop: bool,
}

/// `None` where the second does not start behind the first.
fn between(pair: &Pair, first: &Entity, second: &Entity) -> Option<Joint> {
    let text = &pair.sentence.text;
    let (from, to) = (end(first), start(second));
    let plain: String = (from..=to)
        .take(to.checked_sub(from)?)
        .map(|at| {
            let drug = pair.sentence.entities.iter().any(|e| e.pieces.iter().any(|p| (p.0..p.1).contains(&at)));
            if drug { ' ' } else { text[at] }
        })
        .collect();
    let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let sign = |c: char| !c.is_alphanumeric() && !c.is_whitespace() && !",;/()[]:&+.".contains(c);
    Some(Joint {
        words: words.map(str::to_lowercase).collect(),
        other_signs: plain.contains(sign),
        full_stop: plain.contains('.'),
    })
}

impl Joint {
    fn is_list(&self) -> bool {
        !self.other_signs
            && !self.full_stop
            && self.words.iter().all(|word| ["and", "or", "nor"].contains(&word.as_str()))
    }

    fn is_special_case(&self) -> bool {
        const CUES: [&[&str]; 8] = [
            &["such", "as"],
            &["including"],
            &["include"],
            &["e", "g"],
            &["for", "example"],
            &["like"],
            &["namely"],
            &["i", "e"],
        ];
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let cued = CUES.iter().any(|cue| words.windows(cue.len()).any(|window| window == *cue));
        let known = |word: &&str| ["and", "or", "other"].contains(word) || CUES.iter().any(|cue| cue.contains(word));
        cued && !self.other_signs && words.iter().all(known)
    }
}

/// Whether both stand in one run of at least three drugs.
fn is_list(pair: &Pair, first: &Entity, second: &Entity) -> bool {
    let joined = |a: &Entity, b: &Entity| between(pair, a, b).is_some_and(|joint| joint.is_list());
    if !joined(first, second) {
        return false;
    }
    let others = pair.sentence.entities.iter().filter(|e| !std::ptr::eq(*e, first) && !std::ptr::eq(*e, second));
    others.into_iter().any(|other| {
        if start(other) < start(first) {
            joined(other, first)
        } else if start(other) > start(second) {
            joined(second, other)
        } else {
            !overlap(other, first) && !overlap(other, second)
        }
    })
}
