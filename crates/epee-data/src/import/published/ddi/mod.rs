//! DDI 2013: interactions between two drugs of a sentence, of four types or none.
//!
//! The corpus is a zip, or the folder unpacked from it, of XML documents: `Train` and `Test`, each with parts `DrugBank`
//! and `MedLine`. Of the two test folders the one for the extraction of interactions is read. Every pair of drugs in a
//! sentence is a row; dev is cut from train by document.

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
use super::{Entities, Options, PaperCounts, Preset};
use crate::dataset::{Draft, Task};
use crate::error::Result;
use crate::import::rows::{Part, Row, Unit, assemble};
use crate::partition::{Cut, partition};

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

const PAPER: PaperCounts = PaperCounts::new(11556, 1285, 3020, 5);

/// The classes: none, and the corpus's four types.
const LABELS: [&str; 5] = ["negative", "mechanism", "effect", "advise", "int"];

/// Counts of the filters and of the untyped pairs in one split.
#[derive(Default)]
struct Tally {
    pairs: usize,
    by_part: BTreeMap<String, usize>,
    untyped: usize,
    rules: BTreeMap<Rule, usize>,
    any: usize,
    /// Pairs dropped by the rules chosen, and how many of these state an interaction.
    dropped: [usize; 2],
}

fn read(from: &Path, options: &Options, settings: &Cut) -> Result<Draft> {
    let entities = options.entities.unwrap_or_default();
    let filter = options.negative_filter.clone().unwrap_or_default();
    let [train, test] = corpus::read(from)?;
    let mut rows = Vec::new();
    let mut tallies = Vec::new();
    for documents in [&train, &test] {
        let mut tally = Tally::default();
        let mut kept: Vec<(Row, &str)> = Vec::new();
        for document in documents {
            for pair in xml::pairs(&document.path, &document.text)? {
                *tally.by_part.entry(document.part.clone()).or_default() += 1;
                if let Some(label) = choose(&pair, &filter, &mut tally) {
                    let text = present(&pair, entities);
                    kept.push((Row::text(tally.pairs as u64, pair.id, text, label), &document.name));
                }
            }
        }
        rows.push(kept);
        tallies.push(tally);
    }
    let part = |split, rows: Vec<Row>| Part::new(split, from, Unit::Entry, rows);
    let test = part("test", rows.pop().unwrap_or_default().into_iter().map(|(row, _)| row).collect());
    let [train, dev] = cut_documents(rows.pop().unwrap_or_default(), settings);
    let parts: Vec<Part> = [part("train", train), part("dev", dev), test]
        .into_iter()
        .filter(|p| p.split != "dev" || !p.rows.is_empty())
        .collect();
    let mut draft = assemble(parts, Some(&LABELS))?;
    draft.notes.extend(notes(&tallies, settings.seed));
    draft.notes.push(filtered(&tallies, &filter, entities));
    Ok(draft)
}

/// The pair's label, or `None` if the pair is left out; counts it either way.
fn choose(pair: &Pair, filter: &NegativeFilter, tally: &mut Tally) -> Option<&'static str> {
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
    if rules.iter().any(|&rule| filter.has(rule)) {
        tally.dropped[0] += 1;
        tally.dropped[1] += usize::from(pair.class != Class::Negative);
        return None;
    }
    Some(label)
}

/// Train and dev: documents stay whole.
fn cut_documents(rows: Vec<(Row, &str)>, cut: &Cut) -> [Vec<Row>; 2] {
    let documents: Vec<&str> = rows.iter().map(|(_, document)| *document).collect();
    let class = |row: &Row| LABELS.iter().position(|&label| label == row.label).unwrap_or_default();
    let classes: Vec<usize> = rows.iter().map(|(row, _)| class(row)).collect();
    let cut = partition(&documents, &classes, cut.fractions.without_test(), cut.seed);
    let mut rows: Vec<Option<Row>> = rows.into_iter().map(|(row, _)| Some(row)).collect();
    [cut.train, cut.dev].map(|places| places.into_iter().filter_map(|place| rows[place].take()).collect())
}

fn each(tallies: &[Tally], count: impl Fn(&Tally) -> usize) -> String {
    tallies.iter().map(|tally| count(tally).to_string()).collect::<Vec<_>>().join(" and ")
}

fn notes(tallies: &[Tally], seed: u64) -> Vec<String> {
    let parts: Vec<String> = tallies
        .iter()
        .zip(["train", "test"])
        .flat_map(|(tally, split)| tally.by_part.iter().map(move |(part, pairs)| format!("{pairs} {split} of {part}")))
        .collect();
    let mut notes = vec![
        format!("{} pairs in train and test: {}", each(tallies, |t| t.pairs), parts.join(", ")),
        format!("dev cut from train with seed {seed}, by document"),
    ];
    let untyped: usize = tallies.iter().map(|tally| tally.untyped).sum();
    if untyped > 0 {
        notes.push(format!("{untyped} interacting pairs without a type left out: their class is not known"));
    }
    let rules = Rule::ALL
        .map(|rule| format!("{rule} leaves {}", each(tallies, |t| t.pairs - t.rules.get(&rule).copied().unwrap_or(0))));
    notes.push(format!(
        "negative filters, pairs left in train with dev and in test: {}, all leave {}; the paper has {} and {}",
        rules.join(", "),
        each(tallies, |t| t.pairs - t.any),
        PAPER.train + PAPER.dev,
        PAPER.test,
    ));
    notes
}

fn filtered(tallies: &[Tally], filter: &NegativeFilter, entities: Entities) -> String {
    format!(
        "negative filter {filter}: {} pairs of train and test dropped, {} of them interacting; entities {entities}",
        each(tallies, |t| t.dropped[0]),
        each(tallies, |t| t.dropped[1]),
    )
}
