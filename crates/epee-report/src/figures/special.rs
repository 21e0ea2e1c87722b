//! Figure 8: special cases of EPEE lie exactly on the policies they equal.

use crate::axis::Axis;
use crate::data::{Point, SpecialCase, SpecialCases};
use crate::figure::{Figure, Swatch, Table};
use crate::sketch::{PANEL, Sketch};
use crate::style::{Look, looks};
use crate::text::decimal;

/// Special cases over their parents, a panel for each parent.
pub(super) fn special_cases(data: &SpecialCases) -> Figure {
    let metric = &data.metric;
    let mut parents: Vec<&str> = Vec::new();
    for pair in &data.pairs {
        if !parents.contains(&pair.parent.name.as_str()) {
            parents.push(&pair.parent.name);
        }
    }
    let special = |nth: usize| Look { hue: [2, 5, 6, 7, 4][nth % 5], dash: 0 };
    let (mut panels, mut legend) = (Vec::new(), Vec::new());
    for (parent, look) in parents.iter().zip(looks(parents.iter().copied())) {
        let pairs: Vec<&SpecialCase> = data.pairs.iter().filter(|pair| pair.parent.name == *parent).collect();
        let points = || pairs.iter().flat_map(|pair| pair.parent.points.iter().chain(&pair.special.points));
        let x = Axis::saving(points().map(|point| point.saving));
        let y = Axis::around(metric, points().map(|point| point.value));
        let mut sketch = Sketch::new(parent, PANEL, x, y, 12.0);
        if let Some(pair) = pairs.first() {
            sketch.line(look.line(), pair.parent.points.iter().map(Point::at));
            for point in apart(&sketch, &pair.parent.points) {
                sketch.mark(look, false, point.at(), 6.4);
            }
        }
        legend.push((Swatch::Curve(look), (*parent).to_owned()));
        for (nth, pair) in pairs.iter().enumerate() {
            // Several special cases take turns, or the last would hide the others.
            for point in apart(&sketch, &pair.special.points).into_iter().skip(nth).step_by(pairs.len()) {
                sketch.mark(special(nth), true, point.at(), 3.0);
                sketch.hit(point.at(), point.tip(&pair.special.name, metric));
            }
            legend.push((Swatch::Mark(special(nth), true), pair.special.name.clone()));
        }
        panels.push(sketch.done());
    }
    let most = data.pairs.iter().map(SpecialCase::largest_difference).fold(0.0, f64::max);
    let settings: usize = data.pairs.iter().map(|pair| pair.parent.points.len()).sum();
    let verdict = if most == 0.0 {
        format!("All {settings} settings lie exactly on their parent: the largest difference is 0.")
    } else {
        format!("Not exact: the largest difference over {settings} settings is {most:e}.")
    };
    let head = ["parent", "special case", "saving, parent", "saving, special"].map(str::to_owned);
    let head = head.into_iter().chain([format!("{metric}, parent"), format!("{metric}, special")]).collect();
    let matched = data.pairs.iter().flat_map(|pair| pair.parent.points.iter().zip(&pair.special.points));
    let rows = matched.map(|(a, b)| {
        let numbers = [a.saving, b.saving, a.value, b.value].map(|value| decimal(value, 4));
        [a.setting.clone(), b.setting.clone()].into_iter().chain(numbers).collect()
    });
    Figure {
        slug: "fig8-degeneracy".to_owned(),
        title: "Special cases and their parents".to_owned(),
        caption: format!(
            "Lines and hollow marks: the parent policies. Filled marks: EPEE with one part switched off. Marks that would \
             overlap are left out. {verdict}"
        ),
        panels,
        columns: 2,
        tables: vec![Table { title: String::new(), head, rows: rows.collect() }],
        legend,
    }
}

/// The points that have room for a mark of their own, some pixels from the one before.
fn apart<'a>(sketch: &Sketch<'_>, points: &'a [Point]) -> Vec<&'a Point> {
    let mut kept: Vec<&Point> = Vec::new();
    let mut last = (f64::NEG_INFINITY, 0.0);
    for point in points {
        let (x, y) = sketch.at(point.saving, point.value);
        if (x - last.0).hypot(y - last.1) > 11.0 {
            last = (x, y);
            kept.push(point);
        }
    }
    kept
}
