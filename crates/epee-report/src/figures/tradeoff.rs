//! A metric against the saving: Figure 1 of the paper, and the Pareto fronts of all policies.

use super::head;
use crate::data::{Choice, Curve, Tradeoff};
use crate::error::ReportError;
use crate::figure::{Figure, Panel, Swatch, Table};
use crate::sketch::{Axis, PANEL, Sketch};
use crate::style::{Look, looks};
use crate::text::decimal;

const SAVING: &str = "saving (share of layers not computed)";

/// Figure 1: entropy alone and patience alone, EPEE's front beside them.
pub(super) fn saving(panels: &[Tradeoff]) -> Result<Figure, ReportError> {
    let slug = "fig1-saving";
    let curves = panels.first().map_or(&[][..], |panel| &panel.curves);
    let looks = looks(curves.iter().map(|curve| curve.name.as_str()));
    let drawn: Result<Vec<Panel>, _> =
        panels.iter().map(|panel| Ok(plot(slug, &panel.metric, panel, &looks)?.done())).collect();
    let tables = panels.iter().map(|panel| Table { title: panel.metric.clone(), ..table(panel) }).collect();
    Ok(Figure {
        slug: slug.to_owned(),
        title: "Quality against saving".to_owned(),
        caption:
            "Entropy alone and patience alone, every setting of each; of EPEE the settings that no other of its own \
                  beats in both. Up and to the right is better; the star is full depth."
                .to_owned(),
        panels: drawn?,
        columns: 2,
        tables,
        legend: legend(curves, &looks),
    })
}

/// The Pareto front of every policy, and the chosen setting.
pub(super) fn fronts(fronts: &Tradeoff, choice: Option<&Choice>) -> Result<Figure, ReportError> {
    let slug = "fronts";
    let looks = looks(fronts.curves.iter().map(|curve| curve.name.as_str()));
    let mut sketch = plot(slug, "", fronts, &looks)?;
    let mut legend = legend(&fronts.curves, &looks);
    if let Some(choice) = choice.filter(|choice| choice.met && choice.metric == fronts.metric) {
        let (x, y) = sketch.at(choice.saving, choice.value);
        sketch.raw(&format!("<circle class=\"ring\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"8\"/>"));
        legend.push((Swatch::Ring, "chosen setting".to_owned()));
    }
    Ok(Figure {
        slug: slug.to_owned(),
        title: "The Pareto front of every policy".to_owned(),
        caption: "Of each policy the settings that no other setting of it beats in both metric and saving.".to_owned(),
        panels: vec![sketch.done()],
        columns: 1,
        tables: vec![table(fronts)],
        legend,
    })
}

fn plot(figure: &str, title: &str, data: &Tradeoff, looks: &[Look]) -> Result<Sketch, ReportError> {
    let points = || data.curves.iter().flat_map(|curve| &curve.points);
    let y = Axis::around(&data.metric, points().map(|point| point.value).chain(data.full));
    let most = points().map(|point| point.saving).fold(0.0, f64::max);
    let x = Axis { range: -0.02..(most + 0.03).max(0.1), ..Axis::share(SAVING) };
    let mut sketch = Sketch::new(figure, title, PANEL, x, y, 0.0)?;
    for (curve, look) in data.curves.iter().zip(looks) {
        sketch.curve(&curve.name, &data.metric, *look, &curve.points);
    }
    sketch.full(&data.metric, data.full);
    Ok(sketch)
}

fn legend(curves: &[Curve], looks: &[Look]) -> Vec<(Swatch, String)> {
    let curves = curves.iter().zip(looks).map(|(curve, look)| (Swatch::Curve(*look), curve.name.clone()));
    curves.chain([(Swatch::Full, "full depth".to_owned())]).collect()
}

fn table(data: &Tradeoff) -> Table {
    let mut rows = Vec::new();
    if let Some(full) = data.full {
        rows.push(vec!["full".to_owned(), "full".to_owned(), decimal(0.0, 4), decimal(full, 4)]);
    }
    for curve in &data.curves {
        rows.extend(curve.points.iter().map(|point| {
            vec![curve.name.clone(), point.setting.clone(), decimal(point.saving, 4), decimal(point.value, 4)]
        }));
    }
    Table { title: String::new(), head: head(&["policy", "setting", "saving", &data.metric]), rows }
}
