//! Figure 8: special cases lie exactly on the policies they come from.

use super::head;
use crate::data::{Degeneracy, Likeness, Point};
use crate::error::ReportError;
use crate::figure::{Figure, Swatch, Table};
use crate::sketch::{Axis, PANEL, Sketch, tip};
use crate::style::{Look, looks};
use crate::text::decimal;

/// Special cases over their parents, a panel for each parent.
pub(super) fn degeneracy(data: &Degeneracy) -> Result<Figure, ReportError> {
    let slug = "fig8-degeneracy";
    let mut parents: Vec<&str> = Vec::new();
    for pair in &data.pairs {
        if !parents.contains(&pair.parent.name.as_str()) {
            parents.push(&pair.parent.name);
        }
    }
    let own = looks(parents.iter().copied());
    let special = |nth: usize| Look { hue: [2, 5, 6, 7, 4][nth % 5], dash: 0 };
    let mut panels = Vec::new();
    let mut legend = Vec::new();
    for (parent, look) in parents.iter().zip(own) {
        let pairs: Vec<&Likeness> = data.pairs.iter().filter(|pair| pair.parent.name == *parent).collect();
        let points = || pairs.iter().flat_map(|pair| pair.parent.points.iter().chain(&pair.special.points));
        let y = Axis::around(&data.metric, points().map(|point| point.value));
        let most = points().map(|point| point.saving).fold(0.0, f64::max);
        let x = Axis { range: -0.02..(most + 0.03).max(0.1), ..Axis::share("saving (share of layers not computed)") };
        let mut sketch = Sketch::new(slug, parent, PANEL, x, y, 0.0)?;
        if let Some(pair) = pairs.first() {
            sketch.line(&look.line(), pair.parent.points.iter().map(|point| (point.saving, point.value)));
            for &i in &apart(&sketch, &pair.parent.points) {
                let point = &pair.parent.points[i];
                sketch.mark(look, false, (point.saving, point.value), 6.4);
            }
        }
        legend.push((Swatch::Curve(look), (*parent).to_owned()));
        for (nth, pair) in pairs.iter().enumerate() {
            for (turn, i) in apart(&sketch, &pair.special.points).into_iter().enumerate() {
                let point = &pair.special.points[i];
                // Several special cases take turns, or the last would hide the others.
                if turn % pairs.len() == nth {
                    sketch.mark(special(nth), true, (point.saving, point.value), 3.0);
                    sketch.hit((point.saving, point.value), &tip(&pair.special.name, &data.metric, point));
                }
            }
            legend.push((Swatch::Mark(special(nth), true), pair.special.name.clone()));
        }
        panels.push(sketch.done());
    }
    let most = data.pairs.iter().map(Likeness::largest_difference).fold(0.0, f64::max);
    let settings: usize = data.pairs.iter().map(|pair| pair.parent.points.len()).sum();
    let verdict = if most == 0.0 {
        format!("All {settings} settings lie exactly on their parent: the largest difference is 0.")
    } else {
        format!("Not exact: the largest difference over {settings} settings is {most:e}.")
    };
    Ok(Figure {
        slug: slug.to_owned(),
        title: "Special cases and their parents".to_owned(),
        caption: format!(
            "Lines and hollow marks: the parent policies. Filled marks: EPEE with one part switched off; marks too close to one another are left out. {verdict}"
        ),
        panels,
        columns: 2,
        tables: vec![table(data)],
        legend,
    })
}

/// The points that have room for a mark of their own: each some pixels from the one before.
fn apart(sketch: &Sketch, points: &[Point]) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    for (i, point) in points.iter().enumerate() {
        let (x, y) = sketch.at(point.saving, point.value);
        let far = kept.last().is_none_or(|&last| {
            let (u, v) = sketch.at(points[last].saving, points[last].value);
            (x - u).hypot(y - v) > 11.0
        });
        if far {
            kept.push(i);
        }
    }
    kept
}

fn table(data: &Degeneracy) -> Table {
    let metric = &data.metric;
    let mut rows = Vec::new();
    for pair in &data.pairs {
        for (a, b) in pair.parent.points.iter().zip(&pair.special.points) {
            rows.push(vec![
                a.setting.clone(),
                b.setting.clone(),
                decimal(a.saving, 4),
                decimal(b.saving, 4),
                decimal(a.value, 4),
                decimal(b.value, 4),
            ]);
        }
    }
    let twice = |name: &str, whose: &str| format!("{name}, {whose}");
    let names =
        [twice("saving", "parent"), twice("saving", "special"), twice(metric, "parent"), twice(metric, "special")];
    let mut columns = head(&["parent", "special case"]);
    columns.extend(names);
    Table { title: String::new(), head: columns, rows }
}
