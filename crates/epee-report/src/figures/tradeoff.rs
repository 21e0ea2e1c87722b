//! A metric against the saving: Figure 1 of the paper, and the Pareto fronts of all policies.

use crate::axis::Axis;
use crate::data::{ChosenSetting, Curve, Tradeoff};
use crate::figure::{Figure, Swatch, Table};
use crate::shape::Shape;
use crate::sketch::{PANEL, Sketch};
use crate::style::{Look, looks};
use crate::text::decimal;

/// Figure 1: entropy alone and patience alone, with EPEE's front.
pub(super) fn tradeoffs(panels: &[Tradeoff]) -> Figure {
    let curves = panels.first().map_or(&[][..], |panel| &panel.curves);
    let looks = looks(curves.iter().map(|curve| curve.name.as_str()));
    Figure {
        slug: "fig1-saving".to_owned(),
        title: "Quality against saving".to_owned(),
        caption:
            "Every setting of entropy alone and of patience alone; of EPEE, the settings that no other EPEE setting \
                  beats in both quality and saving. Up and to the right is better. The star is full depth."
                .to_owned(),
        panels: panels.iter().map(|panel| plot(&panel.metric, panel, &looks).done()).collect(),
        columns: 2,
        tables: panels.iter().map(|panel| Table { title: panel.metric.clone(), ..table(panel) }).collect(),
        legend: legend(curves, &looks),
    }
}

/// The Pareto front of every policy, and the chosen setting.
pub(super) fn fronts(fronts: &Tradeoff, choice: Option<&ChosenSetting>) -> Figure {
    let looks = looks(fronts.curves.iter().map(|curve| curve.name.as_str()));
    let mut sketch = plot("", fronts, &looks);
    let mut legend = legend(&fronts.curves, &looks);
    if let Some(choice) = choice.filter(|choice| choice.met && choice.metric == fronts.metric) {
        let (x, y) = sketch.at(choice.saving, choice.value);
        sketch.push(Shape::circle("ring", x, y, 8.0));
        legend.push((Swatch::Ring, "chosen setting".to_owned()));
    }
    Figure {
        slug: "fronts".to_owned(),
        title: "Pareto front of every policy".to_owned(),
        caption: "For each policy, the settings that no other setting of it beats in both metric and saving."
            .to_owned(),
        panels: vec![sketch.done()],
        columns: 1,
        tables: vec![table(fronts)],
        legend,
    }
}

fn plot<'a>(title: &'a str, data: &'a Tradeoff, looks: &[Look]) -> Sketch<'a> {
    let points = || data.curves.iter().flat_map(|curve| &curve.points);
    let x = Axis::saving(points().map(|point| point.saving));
    let y = Axis::around(&data.metric, points().map(|point| point.value).chain(data.full));
    let mut sketch = Sketch::new(title, PANEL, x, y, 12.0);
    for (curve, look) in data.curves.iter().zip(looks) {
        sketch.curve(&curve.name, &data.metric, *look, &curve.points);
    }
    sketch.full_depth(&data.metric, data.full);
    sketch
}

fn legend(curves: &[Curve], looks: &[Look]) -> Vec<(Swatch, String)> {
    let curves = curves.iter().zip(looks).map(|(curve, look)| (Swatch::Curve(*look), curve.name.clone()));
    curves.chain([(Swatch::FullDepth, "full depth".to_owned())]).collect()
}

fn table(data: &Tradeoff) -> Table {
    let row = |curve: &str, setting: &str, saving, value| {
        vec![curve.into(), setting.into(), decimal(saving, 4), decimal(value, 4)]
    };
    let full = data.full.map(|full| row("full", "full", 0.0, full));
    let points = data.curves.iter().flat_map(|curve| {
        curve.points.iter().map(move |point| row(&curve.name, &point.setting, point.saving, point.value))
    });
    Table::new(&["policy", "setting", "saving", &data.metric], full.into_iter().chain(points))
}
