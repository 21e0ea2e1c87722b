//! The page: one file that opens offline, prints, and fetches nothing.

mod figure;
mod section;
mod training;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::data::{TraceReport, TrainingGrid};
use crate::error::ReportError;
use crate::figures::{figures, training as training_figure};
use crate::style::{Colours, figure_css, variables};
use crate::text::{percent, slug};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Nothing may be fetched; style and script are in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'";

/// The report of some traces as one HTML page. The same reports give the same bytes.
///
/// # Errors
/// A figure that cannot be drawn.
pub fn html(reports: &[TraceReport]) -> Result<String, ReportError> {
    html_with(reports, None)
}

/// The same with a grid of training runs after them.
///
/// # Errors
/// A figure that cannot be drawn.
pub fn html_with(reports: &[TraceReport], grid: Option<&TrainingGrid>) -> Result<String, ReportError> {
    let grid = grid.map(|grid| Ok((grid, training_figure(grid)?))).transpose()?;
    let mut sections = Vec::new();
    for (at, report) in reports.iter().enumerate() {
        let anchor = format!("t{}-{}", at + 1, slug(&report.name));
        sections.push((anchor, report, figures(report)?));
    }
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
                        "What an early-exit classifier saves and what that costs, setting by setting, replayed from its recorded \
                         logits. "
                        strong { "Saving" }
                        " is the share of layers not computed, over all samples."
                    }
                }
                (headlines(&sections))
                (contents(&sections, grid.as_ref().map(|(grid, _)| *grid)))
                main {
                    @for (anchor, report, figures) in &sections { (section::section(anchor, report, figures)) }
                    @if let Some((grid, figure)) = &grid { (training::training(grid, figure.as_ref())) }
                }
                footer {
                    "Written by epee " (env!("CARGO_PKG_VERSION")) ". One file, nothing fetched. Point at a figure, or focus it \
                     and press ← →, to read its values; the tables under the figures hold them too."
                }
                div #tip role="status" aria-live="polite" hidden {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(page.into_string())
}

fn style() -> String {
    format!(
        ":root{{{}}}@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}{STYLE}{}",
        variables(false),
        variables(true),
        figure_css(Colours::Variables)
    )
}

type Section<'a> = (String, &'a TraceReport, Vec<crate::figure::Figure>);

/// A line per trace: the number, and what it is.
fn headlines(sections: &[Section<'_>]) -> Markup {
    html! {
        section.headlines aria-label="What this says" {
            @for (anchor, report, _) in sections {
                a.headline href={ "#" (anchor) } {
                    @match &report.choice {
                        Some(choice) if choice.met => {
                            span.number { (percent(choice.saving, 1)) }
                            span.what { strong { (report.name) } " saves this share of its layers " (section::cost(choice)) }
                        }
                        Some(choice) => {
                            span.number { "0 %" }
                            span.what { strong { (report.name) } ": no setting saves anything for at most 1 point of " (choice.metric) }
                        }
                        None => {
                            span.number { "–" }
                            span.what { strong { (report.name) } " has no labels: what a saving costs is not known" }
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
                            @if report.late.is_some() { li { a href={ "#" (anchor) "-late" } { "What leaves last" } } }
                            @if !report.facts.is_empty() { li { a href={ "#" (anchor) "-facts" } { "What was run" } } }
                        }
                    }
                }
                @if let Some(grid) = grid { li { a href={ "#" (training::ANCHOR) } { (training::title(grid)) } } }
            }
        }
    }
}
