//! The text that `epee data` prints about a dataset.

use std::collections::BTreeSet;
use std::iter::once;

use epee_data::{Input, Inspection, SplitReport};

use crate::ui::table;

pub(super) fn text(report: &Inspection) -> String {
    let head = format!(
        "{}: {}, {} classes\nsource   {}\nlicence  {}",
        report.name,
        report.task,
        report.labels.len(),
        report.source,
        report.licence,
    );
    let mut lines = vec![head];
    lines.extend(report.notes.iter().map(|note| format!("note     {note}")));
    if let Some(paper) = paper(report) {
        lines.extend([String::new(), paper]);
    }
    lines.extend([String::new(), classes(report), String::new(), lengths(report)]);
    if let Some(grades) = grades(report) {
        lines.extend([String::new(), grades]);
    }
    lines.push(String::new());
    lines.extend(repeats(report));
    for split in report.splits.iter().filter(|split| !split.examples.is_empty()) {
        lines.push(format!("\nexamples of {}", split.name));
        for sample in &split.examples {
            let text = match sample.image {
                Some([height, width, channels]) => format!("{height} x {width} pixels, {}", channel_name(channels)),
                None => one_line(sample.text.expose()),
            };
            lines.push(format!("  {} [{}] {text}", sample.id, sample.label));
            lines.extend(sample.pair.iter().map(|pair| format!("    and {}", one_line(pair.expose()))));
        }
    }
    lines.join("\n")
}

/// The counts beside those of the paper's Table 1, of a dataset that stands there.
fn paper(report: &Inspection) -> Option<String> {
    let paper = report.paper?;
    let of_paper = [("train", paper.train), ("dev", paper.dev), ("test", paper.test)];
    let mut rows: Vec<Vec<String>> = Vec::new();
    for split in &report.splits {
        let there = of_paper.iter().find(|(name, _)| *name == split.name);
        let there = there.map_or_else(String::new, |(_, rows)| rows.to_string());
        rows.push(vec![split.name.clone(), split.rows.to_string(), there]);
    }
    rows.push(vec!["classes".to_owned(), report.labels.len().to_string(), paper.classes.to_string()]);
    Some(table(["", "here", "paper"], rows))
}

/// Rows of each class in each split, and the share of the largest.
pub(super) fn classes(report: &Inspection) -> String {
    let row = |name: &str, cells: &dyn Fn(&SplitReport) -> [String; 2]| {
        once(name.to_owned()).chain(report.splits.iter().flat_map(cells)).collect::<Vec<_>>()
    };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (class, label) in report.labels.iter().enumerate() {
        rows.push(row(label, &|split| {
            let count = &split.classes[class];
            [count.rows.to_string(), format!("{:.3}", count.share)]
        }));
    }
    if report.splits.iter().any(|split| split.unlabelled > 0) {
        rows.push(row("(no label)", &|split| [split.unlabelled.to_string(), String::new()]));
    }
    rows.push(row("all", &|split| [split.rows.to_string(), String::new()]));
    rows.push(row("largest class", &|split| [String::new(), format!("{:.3}", split.majority_share)]));
    let header = report.splits.iter().flat_map(|split| [split.name.clone(), "share".to_owned()]);
    table(once("class".to_owned()).chain(header), rows)
}

fn lengths(report: &Inspection) -> String {
    let rows = report.splits.iter().flat_map(|split| {
        let [height, width] = [split.images.map(|sizes| sizes.height), split.images.map(|sizes| sizes.width)];
        let units = [("words", split.words), ("tokens", split.tokens), ("height", height), ("width", width)];
        units.into_iter().filter_map(|(unit, l)| {
            let l = l?;
            let mut row = vec![format!("{unit}, {}", split.name), l.min.to_string()];
            row.push(format!("{:.1}", l.mean));
            row.extend([l.p50, l.p90, l.p99, l.max].iter().map(usize::to_string));
            Some(row)
        })
    });
    let head = if report.input == Input::Image { "pixels" } else { "length in" };
    table([head, "min", "mean", "50 %", "90 %", "99 %", "max"], rows)
}

fn grades(report: &Inspection) -> Option<String> {
    let splits = &report.splits;
    let grades: BTreeSet<u32> = splits.iter().flat_map(|split| split.grades.keys().copied()).collect();
    if grades.is_empty() {
        return None;
    }
    let rows = grades.into_iter().map(|grade| {
        let count = |split: &SplitReport| split.grades.get(&grade).copied().unwrap_or(0);
        let counts = splits.iter().map(|split| count(split).to_string());
        once(grade.to_string()).chain(counts).collect()
    });
    let names = splits.iter().map(|split| split.name.clone());
    Some(table(once("grade".to_owned()).chain(names), rows))
}

fn channel_name(channels: usize) -> &'static str {
    if channels == 1 { "grey" } else { "RGB" }
}

fn repeats(report: &Inspection) -> Vec<String> {
    let inputs = if report.input == Input::Image { "images" } else { "texts" };
    let mut lines = Vec::new();
    for (split, sizes) in report.splits.iter().filter_map(|split| Some((split, split.images?))) {
        lines.push(format!("{}: {} grey, {} RGB", split.name, sizes.grey, sizes.rgb));
    }
    for split in report.splits.iter().filter(|split| split.repeated > 0) {
        let (name, rows) = (&split.name, split.rows);
        lines.push(format!("{} of {rows} rows of {name} repeat an earlier one", split.repeated));
    }
    for overlap in &report.overlaps {
        let (first, second) = (&overlap.first, &overlap.second);
        lines.push(format!("{} {inputs} occur in both {first} and {second}", overlap.inputs));
    }
    if report.splits.len() > 1 && report.overlaps.is_empty() {
        lines.push(format!("no {} occurs in two splits", inputs.trim_end_matches('s')));
    }
    lines
}

/// The text without line breaks, at most 160 characters of it.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
