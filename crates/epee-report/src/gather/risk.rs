//! Risk against setting, and how far it is certified.

use epee_exit::{CertificateRequest, Certification, CertifyError, Grid, Risk as Asked, Trace, certify};

use super::Options;
use crate::data::{RiskCurve, RiskPoint, TraceReport};
use crate::error::ReportError;

/// Certifies EPEE's standard settings on the trace by consistency and, if there are labels, by the gap. A risk that cannot be
/// certified becomes a note.
pub(super) fn add(report: &mut TraceReport, trace: &Trace, options: &Options) -> Result<(), ReportError> {
    let grid = Grid::standard(trace.exits(), trace.classes());
    let risks = [
        (Asked::Consistency, "consistency", "answers that differ from full depth's"),
        (Asked::Gap, "gap", "wrong answers added, minus wrong answers corrected"),
    ];
    for (asked, slug, name) in risks {
        if asked.needs_labels() && trace.labelled() == 0 {
            continue;
        }
        let demand =
            CertificateRequest { risks: vec![asked], ..CertificateRequest::new(options.epsilon, options.delta) };
        match certify(trace, &grid, &demand) {
            Ok(got) => report.risks.push(risk(&got, options, slug, name)),
            Err(
                error @ (CertifyError::TooFew { .. }
                | CertifyError::FullDepth { .. }
                | CertifyError::OneClass { .. }
                | CertifyError::Repeats { .. }),
            ) => {
                let text = error.to_string();
                let sentence = text.lines().next().unwrap_or_default();
                report.notes.push(format!("The risk `{slug}` at most {}: {sentence}.", options.epsilon));
            }
            Err(error) => return Err(ReportError::replay(error)),
        }
    }
    Ok(())
}

/// The settings of the path that have an upper bound, by ascending saving.
fn risk(got: &Certification, options: &Options, slug: &str, name: &str) -> RiskCurve {
    // All settings next to the choice; elsewhere, about half as many as a curve may have.
    let step = got.path.len().div_ceil(options.max_points.div_ceil(2)).max(1);
    let near = |at: usize| at + 1 >= got.certified && at <= got.certified;
    let shown = got
        .path
        .iter()
        .enumerate()
        .filter(|(at, point)| !point.upper.is_empty() && (at.is_multiple_of(step) || near(*at)));
    let point = |(at, point): (usize, &epee_exit::PathPoint)| RiskPoint {
        position: point.saving,
        setting: point.policy.to_string(),
        empirical: point.risks[0].mean,
        upper: point.upper.first().copied(),
        certified: at < got.certified,
    };
    let mut points: Vec<RiskPoint> = shown.map(point).collect();
    points.sort_by(|a, b| a.position.total_cmp(&b.position));
    RiskCurve {
        slug: slug.to_owned(),
        name: name.to_owned(),
        axis: "saving".to_owned(),
        epsilon: options.epsilon,
        delta: options.delta,
        points,
    }
}
