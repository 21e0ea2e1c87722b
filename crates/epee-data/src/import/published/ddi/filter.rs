//! Rules for pairs that the literature leaves out before training, because hardly any of them interact.
//!
//! The rules are those of Chowdhury and Lavelli (2013), Liu et al. (2016) and others, who describe them in words; this is
//! our reading. They look at names and sentence, never at the class, so they also apply to test. They drop a few
//! interacting pairs too.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::xml::{Entity, Pair};
use crate::error::{Error, Result};
use crate::named::named;

named! {
    /// A reason to leave a pair out.
    Rule {
        /// Both drugs have the same name, ignoring case.
        SameName = "same-name",
        /// The second follows the first in brackets: its abbreviation or its brand.
        Abbreviation = "abbreviation",
        /// Only `such as`, `including` or `e.g.` is between them: one is a case of the other.
        SpecialCase = "special-case",
        /// Both belong to a list of at least three drugs, joined by commas, `and`, `or` and the like.
        List = "list",
        /// The two mentions share characters.
        Overlap = "overlap",
    }
}

/// The rules to apply; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NegativeFilter(BTreeSet<Rule>);

impl NegativeFilter {
    /// Every rule.
    pub fn all() -> Self {
        Self(Rule::ALL.into())
    }

    /// True if this rule is one of them.
    pub fn has(&self, rule: Rule) -> bool {
        self.0.contains(&rule)
    }
}

impl fmt::Display for NegativeFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|rule| rule.name()).collect();
        f.pad(match names.len() {
            0 => "none",
            n if n == Rule::ALL.len() => "all",
            _ => return f.pad(&names.join(",")),
        })
    }
}

impl FromStr for NegativeFilter {
    type Err = Error;

    /// Reads `none`, `all` or names such as `same-name,list`.
    fn from_str(text: &str) -> Result<Self> {
        let rule = |name: &str| {
            name.trim().parse().map_err(|_| {
                let names = Rule::ALL.map(Rule::name).join(", ");
                Error::Invalid(format!("expected none, all or some of {names}, got `{name}`"))
            })
        };
        match text {
            "none" => Ok(Self::default()),
            "all" => Ok(Self::all()),
            _ => text.split(',').map(rule).collect::<Result<_>>().map(Self),
        }
    }
}

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

/// The text between two drugs, other drugs removed.
struct Joint {
    words: Vec<String>,
    /// True if signs other than those of a list occur.
    other_signs: bool,
    full_stop: bool,
}

/// `None` if the second does not start after the first.
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
        const CUES: [&str; 8] = ["such as", "including", "include", "e g", "for example", "like", "namely", "i e"];
        let words = format!(" {} ", self.words.join(" "));
        let cued = CUES.iter().any(|cue| words.contains(&format!(" {cue} ")));
        let part_of = |word: &str| CUES.iter().any(|cue| cue.split(' ').any(|part| part == word));
        let known = |word: &String| ["and", "or", "other"].contains(&word.as_str()) || part_of(word);
        cued && !self.other_signs && self.words.iter().all(known)
    }
}

/// True if both are in one list of at least three drugs.
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
