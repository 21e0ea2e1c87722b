//! The page: one file that opens offline, prints, and fetches nothing.

mod figure;
mod section;
mod training;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::data::{TraceReport, TrainingGrid};
use crate::figure::Figure;
use crate::figures::{figures, training_figure};
use crate::style::{Colours, figure_css, variables};
use crate::text::{percent, slug};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Nothing may be fetched; style and script are in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// The report of some traces, and of a grid of training runs if there is one, as one HTML page. The same input gives the same
/// bytes.
pub fn html(reports: &[TraceReport], grid: Option<&TrainingGrid>) -> String {
    let sections: Vec<Section<'_>> = reports
        .iter()
        .enumerate()
        .map(|(at, report)| (format!("t{}-{}", at + 1, slug(&report.name)), report, figures(report)))
        .collect();
    let title = match reports {
        [one] => format!("Early exit on {}", one.name),
        many => format!("Early exit on {} traces", many.len()),
    };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(concat!("epee ", env!("CARGO_PKG_VERSION")));
                link rel="icon" href="data:,";
                title { (title) " – epee report" }
                style { (PreEscaped(style())) }
            }
            body {
                header.top {
                    p.kind { "epee report" }
                    h1 { (title) }
                    p.lead {
                        "The saving of an early-exit classifier and its cost in quality, for every setting, replayed from recorded \
                         logits. "
                        strong { "Saving" }
                        " is the share of layers not computed, over all samples."
                    }
                }
                (headlines(&sections))
                (contents(&sections, grid))
                main {
                    @for (anchor, report, figures) in &sections { (section::section(anchor, report, figures)) }
                    @if let Some(grid) = grid { (training::training(grid, training_figure(grid).as_ref())) }
                }
                footer {
                    "Written by epee " (env!("CARGO_PKG_VERSION")) ". The page is one file and fetches nothing. To read a figure's values, \
                     point at it, or focus it and press ← →, or open the table below it."
                }
                div #tip role="status" aria-live="polite" hidden {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn style() -> String {
    format!(
        ":root{{{}}}@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}{STYLE}{}",
        variables(false),
        variables(true),
        figure_css(Colours::Variables)
    )
}

type Section<'a> = (String, &'a TraceReport, Vec<Figure>);

/// A headline per trace: its saving and the cost.
fn headlines(sections: &[Section<'_>]) -> Markup {
    html! {
        section.headlines aria-label="Headlines" {
            @for (anchor, report, _) in sections {
                a.headline href={ "#" (anchor) } {
                    @match &report.choice {
                        Some(choice) if choice.met => {
                            span.number { (percent(choice.saving, 1)) }
                            span.what { strong { (report.name) } " saves this share of its layers, " (section::cost(choice)) }
                        }
                        Some(choice) => {
                            span.number { "0 %" }
                            span.what { strong { (report.name) } ": no setting saves layers for a loss of at most 0.01 of " (choice.metric) }
                        }
                        None => {
                            span.number { "–" }
                            span.what { strong { (report.name) } ": no labels, so the cost of saving is unknown" }
                        }
                    }
                }
            }
        }
    }
}

fn contents(sections: &[Section<'_>], grid: Option<&TrainingGrid>) -> Markup {
    html! {
        nav.contents aria-label="Contents" {
            h2 { "Contents" }
            ol {
                @for (anchor, report, figures) in sections {
                    li {
                        a href={ "#" (anchor) } { (report.name) }
                        ul {
                            @for figure in figures { li { a href={ "#" (anchor) "-" (figure.slug) } { (figure.title) } } }
                            @if report.late.is_some() { li { a href={ "#" (anchor) "-late" } { "Samples that leave last" } } }
                            @if !report.facts.is_empty() { li { a href={ "#" (anchor) "-facts" } { "Model, data and run" } } }
                        }
                    }
                }
                @if let Some(grid) = grid { li { a href={ "#" (training::ANCHOR) } { (training::title(grid)) } } }
            }
        }
    }
}
