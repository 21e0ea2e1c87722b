//! The text of an error for the user. The libraries know no commands and no flags: the advice that names them is here.

use std::error::Error as Cause;
use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};

use epee::calibration::CalibrateError;
use epee_exit::{CertifyError, ChooseError};
use epee_train::Error as TrainError;

/// An error, its causes, and a hint if the command line has one.
pub(crate) fn text(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let part = flag_text(innermost(cause)).unwrap_or_else(|| cause.to_string());
        // A message may hold its cause's message already.
        if !text.contains(&part) {
            text += if text.is_empty() { "" } else { ": " };
            text += &part;
        }
    }
    match error.chain().find_map(|cause| hint(innermost(cause))) {
        Some(hint) => format!("{text}\nhint: {hint}"),
        None => text,
    }
}

/// The error within errors that only pass it on.
fn innermost<'e>(cause: &'e (dyn Cause + 'static)) -> &'e (dyn Cause + 'static) {
    use epee::Error::{Calibrate, Data, Model, Train};
    let inner: &(dyn Cause + 'static) = match (cause.downcast_ref(), cause.downcast_ref()) {
        (Some(Calibrate(error)), _) => error,
        (Some(Data(error)), _) => error,
        (Some(Model(error)), _) => error,
        (Some(Train(error)), _) => error,
        (_, Some(CalibrateError::Certify(error) | CalibrateError::NotCertified { source: error, .. })) => error,
        (_, Some(CalibrateError::Choose(error))) => error,
        _ => return cause,
    };
    innermost(inner)
}

/// An error of an option by the name of its flag.
fn flag_text(cause: &(dyn Cause + 'static)) -> Option<String> {
    let flag = |name: &str, problem: &str| Some(format!("--{}: {problem}", name.replace('_', "-")));
    if let Some(epee::Error::TrainOption { name, problem }) = cause.downcast_ref() {
        return flag(name, problem);
    }
    if let Some(TrainError::Option { name, expected, got }) = cause.downcast_ref() {
        return flag(name, &format!("expected {expected}, got {got}"));
    }
    if let Some(epee_data::Error::Option { option, importer, takers }) = cause.downcast_ref() {
        return Some(format!("--{option} is for {takers}; `{importer}` has no such option"));
    }
    None
}

fn hint(cause: &(dyn Cause + 'static)) -> Option<&'static str> {
    if let Some(error) = cause.downcast_ref() {
        train(error)
    } else if let Some(error) = cause.downcast_ref() {
        calibrate(error)
    } else if let Some(error) = cause.downcast_ref() {
        certify(error)
    } else if let Some(error) = cause.downcast_ref() {
        data(error)
    } else if let Some(ChooseError::NoTimes) = cause.downcast_ref() {
        Some("`epee trace` measures them")
    } else if let Some(epee_model::Error::NoExits { .. }) = cause.downcast_ref() {
        Some("`epee train --model DIR …` makes a multi-exit model of it")
    } else {
        match cause.downcast_ref()? {
            epee::Error::ChangedSplit { .. } => Some("put the data back, or start over with --force, not --resume"),
            epee::Error::ImageSize { .. } => Some("train with --image-size to change both"),
            _ => None,
        }
    }
}

fn train(error: &TrainError) -> Option<&'static str> {
    match error {
        TrainError::NotFinite { .. } | TrainError::Diverged { .. } => {
            Some("a lower --learning-rate, a longer --warmup or a lower --clip, with --force or another --out")
        }
        TrainError::NothingToResume { occupied: false, .. } => {
            Some("--out names the folder of the run to resume; without --resume a run starts there")
        }
        TrainError::NothingToResume { .. } | TrainError::Checkpoint { .. } => {
            Some("start over with --force in place of --resume")
        }
        TrainError::CheckpointFormat { .. } => {
            Some("resume with the version of epee that wrote it, or start over with --force, not --resume")
        }
        TrainError::OtherRun { .. } => {
            Some("resume with the data, model and options of then, or start over with --force, not --resume")
        }
        TrainError::Save { reason, .. } => match reason.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Some("free space and run again with --resume"),
            _ => Some("repair it and run again with --resume"),
        },
        _ => None,
    }
}

fn calibrate(error: &CalibrateError) -> Option<&'static str> {
    match error {
        CalibrateError::GoalNotMet { .. } => Some("`epee sweep TRACE` shows what each setting costs and saves"),
        CalibrateError::UnknownPrecision => Some("record it with `epee trace`"),
        CalibrateError::UnknownModel { .. } => Some("record it with `epee trace`, or vouch for it with --trust-trace"),
        _ => None,
    }
}

fn certify(error: &CertifyError) -> Option<&'static str> {
    match error {
        CertifyError::NoOrder { .. } => {
            Some("--policies names one policy and --patience one patience; --path pareto finds a path")
        }
        CertifyError::TooFew { .. } => {
            Some("a greater --max-risk or --abstain needs fewer samples; --path prior tests on all of them")
        }
        CertifyError::Repeats { .. } => {
            Some("record a trace without the repeats, or pass --allow-repeats if they are draws of their own")
        }
        CertifyError::FullDepth { .. } => Some("--max-risk sets the tolerated risk"),
        CertifyError::Abstain { .. } => Some("--abstain sets the tolerated error"),
        _ => None,
    }
}

fn data(error: &epee_data::Error) -> Option<&'static str> {
    match error {
        epee_data::Error::NotEmpty { .. } => Some("choose another folder with --out, or pass --force"),
        epee_data::Error::NoColumn { .. } => {
            Some("`head -n 1 FILE` shows the first row; if it is data, pass --no-header and numbers of columns")
        }
        epee_data::Error::OpenQuote { .. } => Some("close it, or pass --no-quotes if quotes are ordinary characters"),
        epee_data::Error::Columns { .. } => Some("a field that holds the separator or a newline must be in quotes"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_hint_is_found_through_the_errors_that_carry_its_cause() {
        let error: epee::Error = CalibrateError::from(CertifyError::NoOrder { families: 2 }).into();
        let text = text(&Err::<(), _>(error).context("dev.safetensors").unwrap_err());
        assert!(text.starts_with("dev.safetensors: a path fixed beforehand"), "{text}");
        assert!(text.ends_with("--path pareto finds a path"), "{text}");
        assert_eq!(text.matches("a path fixed beforehand").count(), 1, "{text}");
    }

    #[test]
    fn options_go_by_their_flags() {
        let problem = "BERT reads text".to_owned();
        let error = epee::Error::TrainOption { name: "image_size", problem };
        assert_eq!(text(&error.into()), "--image-size: BERT reads text");
    }
}
