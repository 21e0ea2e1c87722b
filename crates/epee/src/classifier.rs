//! A multi-exit classifier that answers texts, pairs of texts or images.

use std::path::Path;

use epee_exit::{Answer, CheckedPolicy, Policy, Reason, VoidReason};
use epee_input::{Example, Sequence, pack};
use epee_model::{Batch, Engine, ModelDir, Session};
use epee_nn::Precision;
use serde::Serialize;

use crate::certificates::{Promise, PublicKey, Standing, require_promises, standings};
use crate::{Encoded, Error, Preprocessor, Warning};

/// Tokens in a batch: enough to keep the cores busy, few enough for the caches.
const BATCH_TOKENS: usize = 1024;

/// A multi-exit model with its tokenizer or image processor and its exit policy.
///
/// ```no_run
/// let classifier = epee::Classifier::load("runs/notes")?;
/// for warning in classifier.warnings() {
///     eprintln!("warning: {warning}");
/// }
/// for answer in classifier.predict(["Stopped taking ginkgo last month."])? {
///     println!("{} ({:.2}) after layer {}", answer.label, answer.probability, answer.exit);
/// }
/// # Ok::<(), epee::Error>(())
/// ```
pub struct Classifier {
    model_dir: ModelDir,
    preprocessor: Preprocessor,
    engine: Engine,
    policy: CheckedPolicy,
    warnings: Vec<Warning>,
    signer: Option<PublicKey>,
}

/// Precision, policy and signer of a model to load.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The precision of the weights.
    pub precision: Precision,
    /// The policy; the one in the model's `exits.json` if `None`.
    pub policy: Option<Policy>,
    /// Refuse a model whose promises this key did not sign, or do not hold; any model is loaded if `None`.
    pub signer: Option<PublicKey>,
}

impl Classifier {
    /// Loads a model directory, or a model of the hub by its id, in `f32`, with the policy in its `exits.json`.
    ///
    /// # Errors
    /// A file that is missing, damaged, or does not fit the others.
    pub fn load(model: impl AsRef<Path>) -> Result<Classifier, Error> {
        Classifier::load_with(model, LoadOptions::default())
    }

    /// Loads a model with a precision and a policy of the caller's.
    ///
    /// # Errors
    /// As [`Classifier::load`]; a policy that does not fit the model's exits and classes; a promise that does not hold or is not
    /// signed, if a signer is asked for.
    pub fn load_with(model: impl AsRef<Path>, options: LoadOptions) -> Result<Classifier, Error> {
        let model = model.as_ref();
        #[cfg(feature = "hub")]
        let model = &crate::hub::model(model, &mut |_| ())?;
        if !model.is_dir() {
            return Err(Error::NoModel { path: model.to_owned() });
        }
        let model_dir = ModelDir::load(model)?;
        let preprocessor = Preprocessor::load(model, &model_dir.config)?;
        let own_policy = options.policy.is_none();
        let policy = model_dir.exits.check(options.policy.as_ref().unwrap_or(&model_dir.exits.policy))?;
        let engine = model_dir.engine(options.precision)?;
        let mut classifier =
            Classifier { model_dir, preprocessor, engine, policy, warnings: Vec::new(), signer: options.signer };
        classifier.find_warnings(own_policy)?;
        Ok(classifier)
    }

    /// The same model with another policy, over the model's temperatures.
    ///
    /// # Errors
    /// A policy that does not fit the model's exits and classes.
    pub fn with_policy(mut self, policy: Policy) -> Result<Classifier, Error> {
        self.policy = self.model_dir.exits.check(&policy)?;
        self.find_warnings(false)?;
        Ok(self)
    }

    fn find_warnings(&mut self, own_policy: bool) -> Result<(), Error> {
        let (exits, policy, runs_at) = (&self.model_dir.exits, self.policy.policy(), self.engine.precision());
        let chosen_at = exits.calibration.as_ref().and_then(|calibration| calibration.precision.clone());
        let other = chosen_at.filter(|chosen_at| own_policy && chosen_at != runs_at.name());
        let other = other.map(|chosen_at| Warning::OtherPrecision { policy: policy.clone(), chosen_at, runs_at });
        let standings = standings(&self.model_dir, Some(runs_at), policy, self.signer.as_ref())?;
        if self.signer.is_some() {
            require_promises(&self.model_dir, &standings)?;
        }
        let mut void: Vec<(Vec<Promise>, VoidReason)> = Vec::new();
        for (promise, standing) in standings {
            let Standing::Void(reason) = standing else { continue };
            match void.iter_mut().find(|(_, other)| *other == reason) {
                Some((promises, _)) => promises.push(promise),
                None => void.push((vec![promise], reason)),
            }
        }
        let void = void.into_iter();
        let void = void.map(|(promises, reason)| Warning::VoidPromise { promises, reason, policy: policy.clone() });
        self.warnings = other.into_iter().chain(void).collect();
        Ok(())
    }

    /// Void promises and a policy chosen at another precision. Show them to whoever relies on the answers.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The policy that answers.
    pub fn policy(&self) -> &CheckedPolicy {
        &self.policy
    }

    /// The precision of the weights.
    pub fn precision(&self) -> Precision {
        self.engine.precision()
    }

    /// The class names, in the order of the probabilities.
    pub fn labels(&self) -> &[String] {
        &self.model_dir.labels
    }

    /// The model directory: configuration, `exits.json`, certificate.
    pub fn model_dir(&self) -> &ModelDir {
        &self.model_dir
    }

    /// The weights, packed for inference: for a [`Session`] of your own.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Answers texts (`&str`, `String`), pairs of texts (`(&str, &str)`), images ([`epee_input::Image`]) or [`Example`]s, in order.
    ///
    /// An answer is the same bits alone and in any mix.
    ///
    /// # Errors
    /// An input that the model cannot read, by its number from 1 or by its id if it has one.
    pub fn predict<I>(&self, inputs: I) -> Result<Vec<Prediction>, Error>
    where
        I: IntoIterator,
        I::Item: Into<Example>,
    {
        let mut examples: Vec<Example> = inputs.into_iter().map(Into::into).collect();
        for (i, example) in examples.iter_mut().enumerate().filter(|(_, example)| example.id.is_empty()) {
            example.id = (i + 1).to_string();
        }
        self.predict_examples(&examples, |_| ())
    }

    /// As [`Classifier::predict`]; `progress` gets the number of answers of each batch.
    ///
    /// # Errors
    /// As [`Classifier::predict`].
    pub fn predict_examples(
        &self,
        examples: &[Example],
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<Prediction>, Error> {
        let encoded = self.encode(examples)?;
        let lengths: Vec<usize> = encoded.sequences.iter().map(Sequence::tokens).collect();
        let exits = &self.model_dir.exits;
        let abstain_below = exits.abstention.as_ref().map(|rule| rule.below);
        let mut session = Session::new(&self.engine);
        let mut predictions = Vec::with_capacity(examples.len());
        for indices in pack(&lengths, BATCH_TOKENS) {
            let batch = Batch::new(indices.iter().map(|&i| &encoded.sequences[i]));
            let answers =
                session.classify(&batch, &self.policy).map_err(|error| of_example(error, examples, &indices))?;
            progress(answers.len());
            predictions.extend(answers.into_iter().zip(&indices).map(|(answer, &i)| Prediction {
                tokens: lengths[i],
                truncated: encoded.truncated[i],
                ..Prediction::new(answer, self.labels(), exits.exits, abstain_below)
            }));
        }
        Ok(predictions)
    }

    /// Turns examples into model inputs, texts cut to the length the model was trained with.
    ///
    /// # Errors
    /// As [`Classifier::predict`].
    pub fn encode(&self, examples: &[Example]) -> Result<Encoded, Error> {
        let config = &self.model_dir.config;
        let positions = config.positions();
        let max_tokens = self.model_dir.exits.max_tokens.map_or(positions, |most| most.min(positions));
        self.preprocessor.encode(config, examples, max_tokens)
    }
}

/// The answer for one input, and the exit it left at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Prediction {
    /// The class name.
    pub label: String,
    /// The class, from 0.
    pub class: usize,
    /// The probability of the class.
    pub probability: f32,
    /// The probability of every class, in the order of the model's labels.
    pub probabilities: Vec<f32>,
    /// The exit that answered, from 1: the number of layers that were computed.
    pub exit: usize,
    /// The number of exits of the model, M.
    pub exits: usize,
    /// The normalised entropy at that exit, from 0 (certain) to 1.
    pub entropy: f64,
    /// The part of the policy that ended the computation.
    pub reason: Reason,
    /// The number of tokens.
    pub tokens: usize,
    /// True if the text was longer than the model reads and lost its end.
    pub truncated: bool,
    /// True if the model's abstention rule says that the answer is too uncertain to count.
    pub abstains: bool,
}

impl Prediction {
    fn new(answer: Answer, labels: &[String], exits: usize, abstain_below: Option<f64>) -> Prediction {
        let Answer { label: class, probabilities, exit, entropy, reason } = answer;
        let greatest = probabilities.iter().copied().fold(0.0, f32::max);
        Prediction {
            label: labels[class].clone(),
            class,
            probability: probabilities[class],
            probabilities,
            exit,
            exits,
            entropy,
            reason,
            tokens: 0,
            truncated: false,
            abstains: abstain_below.is_some_and(|below| f64::from(greatest) < below),
        }
    }
}

/// An error of a batch by the id of its example.
pub(crate) fn of_example(error: epee_model::Error, examples: &[Example], indices: &[usize]) -> Error {
    match error {
        epee_model::Error::ExitOutput { sample, source } => {
            Error::ExitOutput { id: examples[indices[sample]].id.clone(), source }
        }
        other => other.into(),
    }
}
