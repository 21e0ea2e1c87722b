//! The section of a grid of training runs.

use maud::{Markup, html};

use super::figure::figure;
use crate::data::TrainingGrid;
use crate::figure::Figure;
use crate::text::{decimal, maybe};

/// The id of the section.
pub(super) const ANCHOR: &str = "training";

pub(super) fn title(grid: &TrainingGrid) -> String {
    format!("Training runs: {}", grid.name)
}

/// The figure, and a row per run.
pub(super) fn training(grid: &TrainingGrid, drawn: Option<&Figure>) -> Markup {
    html! {
        section.trace id=(ANCHOR) {
            h2 { (title(grid)) }
            @for note in &grid.notes { p.note { (note) } }
            @if let Some(drawn) = drawn { div.figures { (figure(ANCHOR, drawn)) } }
            section.late id={ (ANCHOR) "-runs" } {
                h3 { "All runs" }
                p { "Runs are compared by " (grid.score) " on dev, each at its best epoch." }
                div.scroll tabindex="0" role="group" aria-label="All runs" {
                    table {
                        thead {
                            tr {
                                @for key in &grid.keys { th { (key) } }
                                th { "epoch" } th { "score" } th { "macro-F1 by exit" } th { "" }
                            }
                        }
                        tbody {
                            @for run in &grid.runs {
                                tr {
                                    @for value in &run.values { td { (value) } }
                                    td { @match run.epoch { Some(epoch) => (epoch), None => "–" } }
                                    td { @if run.best { strong { (maybe(run.score, 4)) } } @else { (maybe(run.score, 4)) } }
                                    td { (run.macro_f1.iter().map(|value| decimal(value.unwrap_or(f64::NAN), 3)).collect::<Vec<_>>().join(" ")) }
                                    td { @if run.best { strong { "best" } " " } (run.remark) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
