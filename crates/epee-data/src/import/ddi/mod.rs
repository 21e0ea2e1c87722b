//! DDI 2013: does a sentence state an interaction of two of its drugs, and of which type?
//!
//! The corpus is a zip, or the folder unpacked from it: an XML document each, `Train` and `Test`,
//! each with parts `DrugBank` and `MedLine`. Of the two test folders the one for the extraction of
//! interactions is read. Every pair of drugs in a sentence is a row; dev is cut from train by document.

mod corpus;
mod filter;
mod present;
#[cfg(test)]
mod tests;
mod xml;

use std::collections::BTreeMap;
use std::path::Path;

use self::filter::rules;
pub use self::filter::{NegativeFilter, Rule};
use self::present::present;
use self::xml::{Class, Pair};
use super::rows::{Part, Row, Unit, assemble};
use super::{Options, PaperCounts, Preset};
use crate::dataset::{Draft, Task};
use crate::error::Result;
use crate::partition::partition;

pub(super) const PRESET: Preset = Preset {
    name: "ddi",
    title: "interactions of two drugs of a sentence",
    task: Task::RelationExtraction,
    paper: PAPER,
    expects: "DDICorpus-2013.zip, or the folder unpacked from it",
    source: "DDI corpus 2013 (Herrero-Zazo et al. 2013), github.com/isegura/DDICorpus",
    licence: "CC BY-NC 4.0",
    takes: &["entities", "negative-filter"],
    read,
};

const PAPER: PaperCounts = PaperCounts { train: 11556, dev: 1285, test: 3020, classes: 5 };

/// The classes: none, and the corpus's four types.
const LABELS: [&str; 5] = ["negative", "mechanism", "effect", "advise", "int"];

/// What the filters and the untyped pairs come to in one split.
#[derive(Default)]
struct Tally {
    pairs: usize,
    by_part: BTreeMap<String, usize>,
    untyped: usize,
    /// Pairs each rule holds of.
    rules: BTreeMap<Rule, usize>,
    /// Pairs that any rule holds of.
    any: usize,
    /// Pairs dropped by the rules chosen, and how many of these state an interaction.
    dropped: [usize; 2],
}

fn read(from: &Path, options: &Options) -> Result<Draft> {
    let [train, test] = corpus::read(from)?;
    let mut rows = Vec::new();
    let mut tallies = Vec::new();
    for documents in [&train, &test] {
        let mut tally = Tally::default();
        let mut kept: Vec<(Row, &str)> = Vec::new();
        for document in documents {
            for pair in xml::pairs(&document.path, &document.text)? {
                *tally.by_part.entry(document.part.clone()).or_default() += 1;
                if let Some(label) = choose(&pair, options, &mut tally) {
                    let text = present(&pair, options.entities);
                    let row = Row { at: tally.pairs as u64, id: pair.id, text, pair: None, label: label.to_owned() };
                    kept.push((row, &document.name));
                }
            }
        }
        rows.push(kept);
        tallies.push(tally);
    }
    let part = |split, rows: Vec<Row>| Part { split, path: from.to_path_buf(), unit: Unit::Entry, rows };
    let test = part("test", rows.pop().unwrap_or_default().into_iter().map(|(row, _)| row).collect());
    let [train, dev] = cut_documents(rows.pop().unwrap_or_default(), options);
    let parts: Vec<Part> = [part("train", train), part("dev", dev), test]
        .into_iter()
        .filter(|p| p.split != "dev" || !p.rows.is_empty())
        .collect();
    let mut draft = assemble(&parts, Some(&LABELS))?;
    draft.notes.extend(notes(&tallies, options));
    Ok(draft)
}

/// The pair's label, unless it leaves; counts it either way.
fn choose(pair: &Pair, options: &Options, tally: &mut Tally) -> Option<&'static str> {
    tally.pairs += 1;
    let rules = rules(pair);
    for &rule in &rules {
        *tally.rules.entry(rule).or_default() += 1;
    }
    tally.any += usize::from(!rules.is_empty());
    let label = match pair.class {
        Class::Untyped => {
            tally.untyped += 1;
            return None;
        }
        Class::Negative => LABELS[0],
        Class::Typed(place) => LABELS[place],
    };
    if rules.iter().any(|&rule| options.negative_filter.has(rule)) {
        tally.dropped[0] += 1;
        tally.dropped[1] += usize::from(pair.class != Class::Negative);
        return None;
    }
    Some(label)
}

/// Train and dev: documents stay whole.
fn cut_documents(rows: Vec<(Row, &str)>, options: &Options) -> [Vec<Row>; 2] {
    let documents: Vec<&str> = rows.iter().map(|(_, document)| *document).collect();
    let class = |row: &Row| LABELS.iter().position(|&label| label == row.label).unwrap_or_default();
    let classes: Vec<usize> = rows.iter().map(|(row, _)| class(row)).collect();
    let cut = partition(&documents, &classes, options.fractions.without_test(), options.seed);
    let mut rows: Vec<Option<Row>> = rows.into_iter().map(|(row, _)| Some(row)).collect();
    [cut.train, cut.dev].map(|places| places.into_iter().filter_map(|place| rows[place].take()).collect())
}

fn notes(tallies: &[Tally], options: &Options) -> Vec<String> {
    let each = |count: &dyn Fn(&Tally) -> usize| {
        let counts: Vec<String> = tallies.iter().map(|tally| count(tally).to_string()).collect();
        counts.join(" and ")
    };
    let parts: Vec<String> = tallies
        .iter()
        .zip(["train", "test"])
        .flat_map(|(tally, split)| tally.by_part.iter().map(move |(part, pairs)| format!("{pairs} {split} of {part}")))
        .collect();
    let seed = options.seed;
    let mut notes = vec![
        format!("{} pairs in train and test: {}", each(&|t| t.pairs), parts.join(", ")),
        format!("dev cut from train with seed {seed}, by document"),
    ];
    let untyped: usize = tallies.iter().map(|tally| tally.untyped).sum();
    if untyped > 0 {
        notes.push(format!("{untyped} interacting pairs without a type left out: their class is not known"));
    }
    let rules = Rule::ALL
        .map(|rule| format!("{rule} leaves {}", each(&|t| t.pairs - t.rules.get(&rule).copied().unwrap_or(0))));
    notes.push(format!(
        "negative filters, pairs left in train with dev and in test: {}, all leave {}; the paper has {} and {}",
        rules.join(", "),
        each(&|t| t.pairs - t.any),
        PAPER.train + PAPER.dev,
        PAPER.test,
    ));
    notes.push(format!(
        "negative filter {}: {} pairs of train and test dropped, {} of them interacting; entities {}",
        options.negative_filter,
        each(&|t| t.dropped[0]),
        each(&|t| t.dropped[1]),
        options.entities,
    ));
    notes
}
