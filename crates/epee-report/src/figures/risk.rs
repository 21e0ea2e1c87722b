//! Risk against setting, with the certified settings shaded.

use crate::axis::Axis;
use crate::data::{RiskCurve, RiskPoint};
use crate::figure::{Figure, Swatch, Table};
use crate::shape::Anchor;
use crate::sketch::{PANEL, Sketch};
use crate::style::Look;
use crate::text::{decimal, maybe, percent, slug};

const EMPIRICAL: Look = Look { hue: 0, dash: 0 };
const UPPER: Look = Look { hue: 1, dash: 1 };

/// Empirical risk and its upper bound by setting, beside the promised ε.
pub(super) fn risk(risk: &RiskCurve) -> Figure {
    let epsilon = risk.epsilon;
    let values = risk.points.iter().flat_map(|point| [Some(point.empirical), point.upper]).flatten();
    let y = Axis::around("risk", values.chain([0.0, epsilon]));
    let positions = || risk.points.iter().map(|point| point.position);
    let (low, high) = (positions().fold(f64::INFINITY, f64::min), positions().fold(f64::NEG_INFINITY, f64::max));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    let space = (0.03 * (high - low)).max(0.005);
    let x = Axis::new(&risk.axis, low - space, high + space, 7);
    let (bottom, top) = (*y.range.start(), *y.range.end());
    let mut sketch = Sketch::new("", PANEL, x, y, 12.0);
    for (from, to) in bands(&risk.points, space) {
        sketch.rect("band", (from, bottom), (to, top));
    }
    let (right, (_, level)) = (sketch.right, sketch.at(low, epsilon));
    sketch.level(epsilon);
    sketch.text("t", right - 4.0, level - 5.0, Anchor::End, 12.0, format!("ε = {epsilon}"));
    sketch.line(EMPIRICAL.line(), risk.points.iter().map(|point| (point.position, point.empirical)));
    sketch.line(UPPER.line(), risk.points.iter().filter_map(|point| Some((point.position, point.upper?))));
    for point in &risk.points {
        let bound = point.upper.map_or_else(String::new, |upper| format!(", at most {upper:.4}"));
        let certified = if point.certified { "certified" } else { "not certified" };
        let tip = format!("{}\nrisk {:.4}{bound}\n{certified}", point.setting, point.empirical);
        for (look, value) in [(UPPER, point.upper), (EMPIRICAL, Some(point.empirical))] {
            let Some(value) = value else { continue };
            sketch.mark(look, point.certified, (point.position, value), 3.2);
            sketch.hit((point.position, value), tip.clone());
        }
    }
    let certified = risk.points.iter().filter(|point| point.certified).count();
    let rows = risk.points.iter().map(|point| {
        let certified = if point.certified { "yes" } else { "no" };
        let (risk, upper) = (decimal(point.empirical, 4), maybe(point.upper, 4));
        vec![decimal(point.position, 4), point.setting.clone(), risk, upper, certified.to_owned()]
    });
    Figure {
        slug: format!("risk-{}", slug(&risk.slug)),
        title: format!("Risk against setting: {}", risk.slug),
        caption: format!(
            "Risk: {}. {certified} of {} settings are certified: their risk is at most ε = {epsilon}, with {} confidence.",
            risk.name,
            risk.points.len(),
            percent(1.0 - risk.delta, 1)
        ),
        panels: vec![sketch.done()],
        columns: 1,
        tables: vec![Table::new(&[&risk.axis, "setting", "risk", "upper bound", "certified"], rows)],
        legend: vec![
            (Swatch::Curve(EMPIRICAL), "risk on the calibration data".to_owned()),
            (Swatch::Curve(UPPER), "upper bound".to_owned()),
            (Swatch::Area("band"), "certified (filled marks)".to_owned()),
            (Swatch::Line("full"), "ε".to_owned()),
        ],
    }
}

/// The ranges of certified settings; each ends half way to the next setting.
fn bands(points: &[RiskPoint], space: f64) -> Vec<(f64, f64)> {
    let mut bands: Vec<(f64, f64)> = Vec::new();
    for (i, point) in points.iter().enumerate().filter(|(_, point)| point.certified) {
        let middle = |other: &RiskPoint| (point.position + other.position) / 2.0;
        let from = if i == 0 { point.position - space } else { middle(&points[i - 1]) };
        let to = points.get(i + 1).map_or(point.position + space, middle);
        match bands.last_mut().filter(|band| i > 0 && points[i - 1].certified && band.1 == from) {
            Some(band) => band.1 = to,
            None => bands.push((from, to)),
        }
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_are_certified_share_a_band() {
        let point = |position, certified| RiskPoint {
            position,
            setting: String::new(),
            empirical: 0.0,
            upper: None,
            certified,
        };
        let points = [point(0.0, true), point(0.2, true), point(0.4, false), point(0.6, true)];
        let got = bands(&points, 0.05);
        assert_eq!(got.len(), 2);
        assert!((got[0].0 + 0.05).abs() < 1e-12 && (got[0].1 - 0.3).abs() < 1e-12, "{got:?}");
        assert!((got[1].0 - 0.5).abs() < 1e-12 && (got[1].1 - 0.65).abs() < 1e-12, "{got:?}");
    }
}
