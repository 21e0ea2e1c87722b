//! Calibration: chooses the exit setting that meets a goal, or certifies one, and writes it into the model's `exits.json`.

mod check;
mod error;
mod request;

use std::path::{Path, PathBuf};

pub use epee_exit::AbstentionRequest;
use epee_exit::{
    Attempt, Bootstrap, Caveat, Certificate, CertificateRequest, CertifyError, Choice, Difference, Goal, Grid, Metric,
    Policy, PolicyError, Risk, Scoring, Trace, exit_quality, fit_temperatures, measure_risk, refine, replay, score,
    sweep_with,
};
use epee_files::sha256_file;
use epee_model::{Calibration, ExitsFile, ModelDir, is_outdated};

pub use self::error::CalibrateError;
pub use self::request::{CalibrationGoal, CalibrationReport, CalibrationRequest, Outcome};
use crate::certificates::{Promise, sign};
use crate::{Error, Warning};

/// Bins of equal mass for the calibration error.
const BINS: usize = 15;

/// A model and a trace of it, from which to choose a setting.
///
/// ```no_run
/// use epee::Calibrator;
/// use epee::calibration::{CalibrationGoal, CalibrationRequest};
/// use epee::exit::Goal;
/// let mut calibrator = Calibrator::open("runs/notes", "dev.safetensors")?;
/// let report = calibrator.run(&CalibrationRequest::new(CalibrationGoal::Best(Goal::MaxLoss(0.01))))?;
/// println!("{} is now the model's policy", report.policy);
/// # Ok::<(), epee::Error>(())
/// ```
pub struct Calibrator {
    model_dir: ModelDir,
    trace: Trace,
    trace_file: PathBuf,
    warnings: Vec<Warning>,
    /// Nothing but the caller's word shows that the model recorded the trace.
    vouched: Vouched,
}

/// The origin of a trace, as far as it can be shown.
enum Vouched {
    /// The trace names the model.
    Shown,
    /// It does not, and the caller trusts it.
    Trusted(Caveat),
    /// It does not.
    Not { outdated: bool },
}

/// Chooses the setting that saves most layers while macro-F1 falls by at most `max_loss` on the trace, and makes it the model's policy.
///
/// # Errors
/// A trace of another model, or a loss that no setting stays within.
pub fn calibrate(model: impl AsRef<Path>, trace: impl AsRef<Path>, max_loss: f64) -> Result<CalibrationReport, Error> {
    Calibrator::open(model, trace)?.run(&CalibrationRequest::new(CalibrationGoal::Best(Goal::MaxLoss(max_loss))))
}

impl Calibrator {
    /// Opens a model directory and a trace file of that model.
    ///
    /// # Errors
    /// A trace of another model, of other classes, or of an unknown precision.
    pub fn open(model: impl AsRef<Path>, trace: impl AsRef<Path>) -> Result<Calibrator, Error> {
        Calibrator::open_as(model.as_ref(), trace.as_ref(), false)
    }

    /// As [`Calibrator::open`], for a trace that does not name the model, or names another: the caller vouches for it. Every
    /// promise made from it says so.
    ///
    /// # Errors
    /// A trace of other classes, or of an unknown precision.
    pub fn open_trusted(model: impl AsRef<Path>, trace: impl AsRef<Path>) -> Result<Calibrator, Error> {
        Calibrator::open_as(model.as_ref(), trace.as_ref(), true)
    }

    fn open_as(model: &Path, trace: &Path, trust: bool) -> Result<Calibrator, Error> {
        let model_dir = ModelDir::load(model)?;
        let trace_file = trace.to_owned();
        let mut warnings = Vec::new();
        let trace = Trace::load(trace)?;
        let outdated = trace.provenance().model_digest.as_deref().is_some_and(is_outdated);
        let (trace, caveat) = check::of_model(trace, &model_dir, trust).map_err(|error| error.at(&trace_file))?;
        let vouched = match caveat {
            None => Vouched::Shown,
            Some(caveat) if trust => Vouched::Trusted(caveat),
            Some(_) => Vouched::Not { outdated },
        };
        if !matches!(vouched, Vouched::Shown) {
            warnings.push(Warning::UnknownModel);
        }
        let labelled = trace.labelled();
        if (1..trace.samples()).contains(&labelled) {
            warnings.push(Warning::PartlyLabelled { labelled, of: trace.samples() });
        }
        if let Some(split @ ("train" | "test")) = trace.provenance().split.as_deref() {
            warnings.push(Warning::ChosenOn { split: split.to_owned() });
        }
        Ok(Calibrator { model_dir, trace, trace_file, warnings, vouched })
    }

    /// The trace, its classes and digest filled in from the model.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Warnings about the trace: missing labels, a split that flatters, an unknown model.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The model.
    pub fn model_dir(&self) -> &ModelDir {
        &self.model_dir
    }

    /// A trace to report on, of the same model.
    ///
    /// # Errors
    /// A trace of another model.
    pub fn open_report_trace(&self, path: &Path) -> Result<Trace, Error> {
        let trace = Trace::load(path)?;
        check::same_model(&trace, &self.trace).map_err(|error| Error::from(error).at(path))?;
        Ok(trace)
    }

    /// Chooses or certifies a setting and writes it into `exits.json`.
    ///
    /// # Errors
    /// A goal that no setting reaches, with the model unchanged. A setting that cannot be certified: the model then answers at full
    /// depth, and [`CalibrateError::NotCertified`] names the file with what it did before.
    pub fn run(&mut self, request: &CalibrationRequest) -> Result<CalibrationReport, Error> {
        let mut report = CalibrationReport {
            policy: Policy::full(),
            policy_before: self.model_dir.exits.policy.clone(),
            choice: None,
            one_threshold: None,
            certified: None,
            abstention: None,
            temperatures: Vec::new(),
            quality: None,
            warnings: Vec::new(),
        };
        let trace = &self.trace;
        let grid = request.grid.clone().unwrap_or_else(|| Grid::standard(trace.exits(), trace.classes()));
        if !matches!(request.goal, CalibrationGoal::Keep) {
            let needs_scores = grid.policies().iter().any(|policy| policy.rule.reads_scores());
            if needs_scores && !self.model_dir.exits.score {
                return Err(Error::from(PolicyError::NoScoreHead).at(&self.model_dir.dir));
            }
        }
        match &request.goal {
            CalibrationGoal::Best(goal) => self.choose(request, &grid, *goal, &mut report)?,
            CalibrationGoal::Certified(certificate) => self.certify(certificate, &grid, &mut report)?,
            CalibrationGoal::Keep => {}
        }
        self.model_dir.exits.abstention = None;
        if let Some(wanted) = &request.abstain {
            self.abstain(wanted, &mut report)?;
        }
        let exits = &mut self.model_dir.exits;
        if let Some(key) = &request.sign {
            sign(&mut exits.certificate, &mut exits.abstention, key);
        }
        for (certified, promise) in report.certified.iter_mut().map(|(_, it)| it).zip(&exits.certificate) {
            certified.clone_from(promise);
        }
        report.abstention.clone_from(&exits.abstention);
        report.policy = exits.policy.clone();
        exits.save(&self.model_dir.dir)?;
        Ok(report)
    }

    /// The model's policy on another trace, beside full depth.
    ///
    /// # Errors
    /// A trace that the policy cannot run on.
    pub fn outcome(&self, trace: &Trace, request: &CalibrationRequest, risks: &[Risk]) -> Result<Outcome, Error> {
        let exits = &self.model_dir.exits;
        let scoring = Scoring { temperatures: exits.temperatures.clone(), ..request.scoring.clone() };
        let policy = exits.check(&exits.policy)?;
        let measured = |&risk: &Risk| {
            let name = risk.name(|class| trace.class_name(class));
            measure_risk(trace, &policy, risk).map(|seen| (name, seen))
        };
        Ok(Outcome {
            rows: score(trace, &[exits.policy.clone(), Policy::full()], &scoring)?,
            difference: from_full_depth(trace, &exits.policy, request.metric, &scoring)?,
            risks: risks.iter().map(measured).collect::<Result<_, _>>().map_err(CalibrateError::from)?,
        })
    }

    fn choose(
        &mut self,
        request: &CalibrationRequest,
        grid: &Grid,
        goal: Goal,
        report: &mut CalibrationReport,
    ) -> Result<(), Error> {
        let trace = &self.trace;
        let temperatures = match request.fit_temperatures {
            true => fit_temperatures(trace).map_err(CalibrateError::from)?,
            false => Vec::new(),
        };
        let scoring = Scoring { temperatures, ..request.scoring.clone() };
        let mut choice =
            epee_exit::choose_on(trace, grid, &scoring, goal, request.metric).map_err(CalibrateError::from)?;
        if !choice.met {
            return Err(CalibrateError::GoalNotMet {
                goal: goal_text(goal),
                nearest: nearest(trace, grid, &scoring, goal)?,
                policy: self.model_dir.exits.policy.clone(),
            }
            .into());
        }
        if request.per_exit {
            let refined = refine(trace, &choice, &scoring).map_err(CalibrateError::from)?;
            report.one_threshold = Some(std::mem::replace(&mut choice, refined));
        }
        report.set_temperatures(trace, &scoring.temperatures)?;
        let exits = &mut self.model_dir.exits;
        exits.policy = choice.policy.clone();
        exits.calibration = Some(calibration_entry(&choice, trace));
        exits.certificate = None;
        exits.temperatures = scoring.temperatures;
        report.choice = Some(choice);
        Ok(())
    }

    fn certify(
        &mut self,
        request: &CertificateRequest,
        grid: &Grid,
        report: &mut CalibrationReport,
    ) -> Result<(), Error> {
        let vouched = self.vouched()?;
        let attempt = Attempt::certificate(&self.trace, grid, request);
        let mut certification = match epee_exit::certify(&self.trace, grid, request) {
            Ok(certification) => certification,
            Err(source @ (CertifyError::TooFew { .. } | CertifyError::FullDepth { .. })) => {
                // The settings before the fallback stay readable.
                let dir = &self.model_dir.dir;
                let (file, kept) = (dir.join("exits.json"), dir.join("exits.json.before"));
                // A link of that name leads to a file of its own, which must stay.
                let _ = std::fs::remove_file(&kept);
                epee_files::write_private(&kept, &[epee_files::read_file(&file)?])?;
                let exits = &mut self.model_dir.exits;
                exits.policy = Policy::full();
                (exits.calibration, exits.certificate, exits.abstention) = (None, None, None);
                exits.temperatures.clear();
                exits.save(dir)?;
                if matches!(source, CertifyError::FullDepth { .. }) {
                    self.remember(attempt)?;
                }
                return Err(CalibrateError::NotCertified { kept, source }.into());
            }
            Err(error) => return Err(CalibrateError::from(error).into()),
        };
        report.set_temperatures(&self.trace, &certification.temperatures)?;
        certification.caveats.extend(vouched.into_iter().chain(self.remember(attempt)?));
        let exits = &mut self.model_dir.exits;
        let certificate = Certificate::new(&certification, request, &self.trace, sha256_file(&self.trace_file)?);
        report.add_caveats(Promise::Certificate, &certificate.caveats);
        exits.policy = certificate.scope.policy.clone();
        exits.temperatures.clone_from(&certification.temperatures);
        exits.calibration = None;
        exits.certificate = Some(certificate.clone());
        report.certified = Some((certification, certificate));
        Ok(())
    }

    fn abstain(&mut self, request: &AbstentionRequest, report: &mut CalibrationReport) -> Result<(), Error> {
        let vouched = self.vouched()?;
        let exits = &self.model_dir.exits;
        let policy = exits.check(&exits.policy)?;
        let attempt = Attempt::abstention(&self.trace, &policy, request);
        let rule = epee_exit::abstain(&self.trace, &policy, request, sha256_file(&self.trace_file)?);
        let earlier = match &rule {
            Ok(_) | Err(CertifyError::Abstain { .. }) => self.remember(attempt)?,
            Err(_) => None,
        };
        let rule = rule.map_err(CalibrateError::from)?.with_caveats(vouched.into_iter().chain(earlier));
        if rule.coverage < 0.5 {
            report.warnings.push(Warning::LowCoverage { coverage: rule.coverage });
        }
        report.add_caveats(Promise::Abstention, &rule.caveats);
        self.model_dir.exits.abstention = Some(rule);
        Ok(())
    }

    /// Writes a test that was run into the model, whatever comes of the calibration; the caveat that tests before it are.
    fn remember(&mut self, attempt: Attempt) -> Result<Option<Caveat>, Error> {
        let dir = &self.model_dir.dir;
        let mut stored = ExitsFile::load(dir)?;
        let caveat = attempt.caveat(&stored.attempts);
        if !stored.attempts.contains(&attempt) {
            stored.attempts.push(attempt);
            stored.save(dir)?;
        }
        self.model_dir.exits.attempts = stored.attempts;
        Ok(caveat)
    }

    /// Refuses a trace whose origin is not known; the caveat of one that the caller vouches for.
    fn vouched(&self) -> Result<Option<Caveat>, CalibrateError> {
        let caveat = match &self.vouched {
            Vouched::Shown => None,
            Vouched::Trusted(caveat) => Some(caveat.clone()),
            &Vouched::Not { outdated } => return Err(CalibrateError::UnknownModel { outdated }),
        };
        let from = self.trace.provenance();
        if from.precision.is_none() || from.numeric_class.is_none() {
            return Err(CalibrateError::UnknownPrecision);
        }
        Ok(caveat)
    }
}

impl CalibrationReport {
    fn add_caveats(&mut self, promise: Promise, caveats: &[Caveat]) {
        self.warnings.extend(caveats.iter().map(|caveat| Warning::Caveat { promise, caveat: caveat.clone() }));
    }

    fn set_temperatures(&mut self, trace: &Trace, temperatures: &[f64]) -> Result<(), Error> {
        if !temperatures.is_empty() {
            let quality = |temperatures: &[f64]| exit_quality(trace, temperatures, BINS).map_err(CalibrateError::from);
            self.quality = Some([quality(&vec![1.0; trace.exits()])?, quality(temperatures)?]);
            self.temperatures = temperatures.to_vec();
        }
        Ok(())
    }
}

/// A policy's answers minus full depth's, sample by sample.
///
/// # Errors
/// A policy that cannot run on the trace.
pub fn from_full_depth(trace: &Trace, policy: &Policy, metric: Metric, scoring: &Scoring) -> Result<Difference, Error> {
    let policy = policy.check(trace.exits(), trace.classes())?.with_temperatures(&scoring.temperatures)?;
    let labels = |policy: &_| replay(policy, trace).map(|replay| replay.labels).map_err(CalibrateError::from);
    let (full, chosen) = (labels(&policy.full_depth())?, labels(&policy)?);
    let options = Bootstrap::default();
    Ok(Difference::between(trace.labels(), &full, &chosen, trace.classes(), metric, scoring, &options))
}

/// The nearest value to a goal that no setting reaches.
fn nearest(trace: &Trace, grid: &Grid, scoring: &Scoring, goal: Goal) -> Result<String, Error> {
    let rows = sweep_with(trace, grid, scoring)?;
    let most = rows.iter().map(|row| row.saving).fold(0.0, f64::max);
    let least = rows.iter().filter_map(|row| row.seconds).fold(f64::INFINITY, f64::min);
    Ok(match goal {
        Goal::Saving(_) => format!(", the greatest saving is {most:.3}"),
        Goal::MaxLatency(_) if least.is_finite() => format!(", the fastest takes {:.3}ms on average", 1e3 * least),
        _ => String::new(),
    })
}

/// A goal as `exits.json` and tables write it: `max-loss 0.01`, `saving 0.5`, `max-latency 20ms`.
pub fn goal_text(goal: Goal) -> String {
    match goal {
        Goal::MaxLoss(loss) => format!("max-loss {loss}"),
        Goal::Saving(saving) => format!("saving {saving}"),
        Goal::Matched(saving) => format!("saving {saving}, matched"),
        Goal::MaxLatency(seconds) => format!("max-latency {}ms", seconds * 1e3),
    }
}

/// The entry in `exits.json` for a choice.
pub fn calibration_entry(choice: &Choice, trace: &Trace) -> Calibration {
    let provenance = trace.provenance();
    Calibration {
        goal: goal_text(choice.goal),
        metric: choice.metric.to_string(),
        value: choice.row.get(choice.metric),
        full_depth: choice.full.get(choice.metric),
        saving: choice.row.saving,
        samples: trace.samples(),
        precision: provenance.precision.clone(),
        split: provenance.split.clone(),
        data_digest: provenance.data_digest.clone(),
    }
}

#[cfg(test)]
mod tests {
    use epee_exit::{Provenance, TraceParts, choose_on};

    use super::*;

    #[test]
    fn the_choice_is_recorded_with_its_origin() {
        // Exit 1 is correct already, and certain.
        let provenance = Provenance { split: Some("dev".into()), data_digest: Some("d1".into()), ..Provenance::here() };
        let logits = vec![0.0, 9.0, 0.0, 9.0, 9.0, 0.0, 9.0, 0.0];
        let parts = TraceParts { exits: 2, classes: 2, logits, labels: vec![1, 0], provenance, ..Default::default() };
        let trace = Trace::new(parts).unwrap();
        let choose =
            |goal| choose_on(&trace, &Grid::standard(2, 2), &Scoring::default(), goal, Metric::MacroF1).unwrap();
        let choice = choose(Goal::MaxLoss(0.01));
        assert!(choice.met && choice.policy != Policy::full());
        let entry = calibration_entry(&choice, &trace);
        assert_eq!((entry.goal.as_str(), entry.metric.as_str()), ("max-loss 0.01", "macro_f1"));
        assert_eq!((entry.value, entry.full_depth, entry.saving, entry.samples), (1.0, 1.0, 0.5, 2));
        assert_eq!((entry.split.as_deref(), entry.data_digest.as_deref()), (Some("dev"), Some("d1")));
        let out_of_reach = choose(Goal::Saving(0.9));
        assert_eq!((out_of_reach.met, &out_of_reach.policy), (false, &Policy::full()));
    }
}
