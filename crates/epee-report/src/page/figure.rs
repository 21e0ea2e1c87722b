//! A figure on the page: legend, interactive panels, and the values as tables.

use maud::{Markup, PreEscaped, html};

use crate::figure::{Figure, Panel, Table};
use crate::shape::svg;
use crate::text::count;

/// The figure, its legend and its tables.
pub(super) fn figure(anchor: &str, figure: &Figure) -> Markup {
    let narrowest = figure.panels.iter().map(|panel| panel.width).fold(f64::INFINITY, f64::min);
    let small = narrowest < 300.0;
    let wide = figure.panels.len() > 1;
    html! {
        figure.wide[wide] id={ (anchor) "-" (figure.slug) } data-figure=(figure.slug) {
            h3 { (figure.title) }
            @if !figure.legend.is_empty() {
                ul.legend {
                    @for (swatch, text) in &figure.legend {
                        li {
                            svg viewBox="-1 0 36 14" width="36" height="14" aria-hidden="true" { (PreEscaped(svg(&swatch.shapes(0.0, 0.0)))) }
                            (text)
                        }
                    }
                }
            }
            div.panels.small[small] {
                @for drawn in &figure.panels { (panel(&figure.title, drawn)) }
            }
            figcaption { (figure.caption) }
            (tables(&figure.tables))
        }
    }
}

fn panel(figure: &str, panel: &Panel) -> Markup {
    let name = if panel.title.is_empty() { figure.to_owned() } else { format!("{figure}: {}", panel.title) };
    html! {
        svg.plot viewBox={ "0 0 " (panel.width) " " (panel.height) } role="group" tabindex="0" aria-label=(name) {
            (PreEscaped(svg(&panel.shapes)))
        }
    }
}

fn tables(tables: &[Table]) -> Markup {
    let rows: usize = tables.iter().map(|table| table.rows.len()).sum();
    html! {
        details {
            summary { "Values (" (count(rows as u64)) " rows)" }
            @for table in tables {
                div.scroll tabindex="0" role="group" aria-label={ "Values " (table.title) } {
                    table {
                        @if !table.title.is_empty() { caption { (table.title) } }
                        thead { tr { @for name in &table.head { th { (name) } } } }
                        tbody { @for row in &table.rows { tr { @for cell in row { td { (cell) } } } } }
                    }
                }
            }
        }
    }
}
