//! The section of one trace.

use maud::{Markup, html};

use super::figure::figure;
use crate::data::{ChosenSetting, LateSamples, TraceReport};
use crate::figure::Figure;
use crate::text::{decimal, percent};

/// Headline, figures, the samples that leave last, and the facts of the run.
pub(super) fn section(anchor: &str, report: &TraceReport, figures: &[Figure]) -> Markup {
    html! {
        section.trace id=(anchor) {
            h2 { (report.name) }
            @if let Some(choice) = &report.choice { (headline(choice)) }
            @for note in &report.notes { p.note { (note) } }
            div.figures {
                @for drawn in figures { (figure(anchor, drawn)) }
            }
            @if let Some(late) = &report.late { (samples(anchor, late)) }
            @if !report.facts.is_empty() {
                section.facts id={ (anchor) "-facts" } {
                    h3 { "Model, data and run" }
                    dl { @for (name, value) in &report.facts { div { dt { (name) } dd { (value) } } } }
                }
            }
        }
    }
}

fn headline(choice: &ChosenSetting) -> Markup {
    html! {
        p.says {
            @if choice.met {
                "With " code { (choice.setting) } " it computes " strong { (percent(1.0 - choice.saving, 1)) }
                " of the layers and saves " strong { (percent(choice.saving, 1)) } ", " (cost(choice)) ". "
            } @else {
                "No setting meets the goal, so full depth is the choice. "
            }
            (choice.rule) "."
        }
    }
}

/// The cost of a choice, in words.
pub(super) fn cost(choice: &ChosenSetting) -> Markup {
    let lost = 100.0 * (choice.full - choice.value);
    let of = html! { (choice.metric) " (" (decimal(choice.value, 4)) ", full depth " (decimal(choice.full, 4)) ")" };
    html! {
        @if lost.abs() < 0.005 { "with no loss of " (of) }
        @else if lost > 0.0 { "for a loss of " (decimal(lost / 100.0, 4)) " of " (of) }
        @else { "with a gain of " (decimal(-lost / 100.0, 4)) " of " (of) }
    }
}

fn samples(anchor: &str, late: &LateSamples) -> Markup {
    let texts = late.rows.iter().any(|row| row.text.is_some());
    let tokens = late.rows.iter().any(|row| row.tokens.is_some());
    html! {
        section.late id={ (anchor) "-late" } {
            h3 { "Samples that leave last" }
            p {
                (late.samples) " samples leave at exit " (late.exit)
                @if let Some((mean, all)) = late.mean_tokens {
                    "; they are " (decimal(mean, 1)) " tokens long on average, all samples " (decimal(all, 1))
                }
                ". "
                @if late.rows.len() < late.samples { "The " (late.rows.len()) " least certain of them:" }
                @else { "The least certain first:" }
            }
            div.scroll {
                table.samples {
                    thead {
                        tr {
                            th { "id" }
                            @if tokens { th.n { "tokens" } }
                            th { "label" } th { "answer" } th.n { "entropy" }
                            @if texts { th { "text" } }
                        }
                    }
                    tbody {
                        @for row in &late.rows {
                            @let label = row.label.as_deref().unwrap_or("–");
                            tr {
                                td { code { (row.id) } }
                                @if tokens { td.n { @match row.tokens { Some(n) => (n), None => "–" } } }
                                td { (label) }
                                td { (row.answer) @if row.label.as_ref().is_some_and(|label| *label != row.answer) { " " span.wrong title="not the label" { "✗" } } }
                                td.n { (decimal(row.entropy, 3)) }
                                @if texts { td.text { (row.text.as_deref().unwrap_or("–")) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
