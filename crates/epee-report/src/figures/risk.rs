//! Risk against setting, the certified settings shaded.

use super::head;
use crate::data::{Risk, RiskPoint};
use crate::error::ReportError;
use crate::figure::{Figure, Swatch, Table};
use crate::sketch::{Axis, PANEL, Sketch};
use crate::style::Look;
use crate::text::{decimal, maybe, percent};

const EMPIRICAL: Look = Look { hue: 0, dash: 0 };
const UPPER: Look = Look { hue: 1, dash: 1 };

/// Empirical risk and its upper bound by setting, beside what was promised.
pub(super) fn risk(risk: &Risk) -> Result<Figure, ReportError> {
    let slug = format!("risk-{}", crate::text::slug(&risk.slug));
    let epsilon = risk.certificate.epsilon;
    let values = risk.points.iter().flat_map(|point| [Some(point.empirical), point.upper]).flatten();
    let y = Axis::around("risk", values.chain([0.0, epsilon]));
    let positions = || risk.points.iter().map(|point| point.position);
    let (low, high) = (positions().fold(f64::INFINITY, f64::min), positions().fold(f64::NEG_INFINITY, f64::max));
    let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
    let space = (0.03 * (high - low)).max(0.005);
    let whole = high - low > 3.0;
    let x = Axis { label: &risk.axis, range: low - space..high + space, ticks: 7, decimals: if whole { 0 } else { 2 } };
    let (bottom, top) = (y.range.start, y.range.end);
    let mut sketch = Sketch::new(&slug, "", PANEL, x, y, 0.0)?;
    for (from, to) in bands(&risk.points, space) {
        sketch.rect("band", (from, bottom), (to, top), "", None);
    }
    let [_, _, right, _] = sketch.area();
    let (_, level) = sketch.at(low, epsilon);
    sketch.line("full", [(low - space, epsilon), (high + space, epsilon)].into_iter());
    sketch.write(right - 4.0, level - 5.0, &format!("ε = {epsilon}"), "end", "t", 12.0);
    sketch.line(&EMPIRICAL.line(), risk.points.iter().map(|point| (point.position, point.empirical)));
    sketch.line(&UPPER.line(), risk.points.iter().filter_map(|point| Some((point.position, point.upper?))));
    for point in &risk.points {
        let mut tip = format!("{}\nrisk {:.4}", point.setting, point.empirical);
        if let Some(upper) = point.upper {
            tip += &format!(", at most {upper:.4}");
            sketch.mark(UPPER, point.certified, (point.position, upper), 3.2);
        }
        tip += if point.certified { "\ncertified" } else { "\nnot certified" };
        sketch.mark(EMPIRICAL, point.certified, (point.position, point.empirical), 3.2);
        sketch.hit((point.position, point.empirical), &tip);
        if let Some(upper) = point.upper {
            sketch.hit((point.position, upper), &tip);
        }
    }
    let legend = vec![
        (Swatch::Curve(EMPIRICAL), "risk on the calibration data".to_owned()),
        (Swatch::Curve(UPPER), "upper bound".to_owned()),
        (Swatch::Area("band"), "certified (filled marks)".to_owned()),
        (Swatch::Line("full"), "ε".to_owned()),
    ];
    let certified = risk.points.iter().filter(|point| point.certified).count();
    Ok(Figure {
        slug,
        title: format!("Risk against setting: {}", risk.slug),
        caption: format!(
            "Risk: {}. {certified} of {} settings are certified: their risk is at most ε = {epsilon}, with a confidence of {}.",
            risk.name,
            risk.points.len(),
            percent(1.0 - risk.certificate.delta, 1)
        ),
        panels: vec![sketch.done()],
        columns: 1,
        tables: vec![table(risk)],
        legend,
    })
}

/// From where to where settings that stand side by side are certified: half way to their neighbours.
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

fn table(risk: &Risk) -> Table {
    let rows = risk.points.iter().map(|point| {
        let certified = if point.certified { "yes" } else { "no" };
        vec![
            decimal(point.position, 4),
            point.setting.clone(),
            decimal(point.empirical, 4),
            maybe(point.upper, 4),
            certified.to_owned(),
        ]
    });
    Table {
        title: String::new(),
        head: head(&[&risk.axis, "setting", "risk", "upper bound", "certified"]),
        rows: rows.collect(),
    }
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
