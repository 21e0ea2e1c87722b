//! How exits are trained: which losses a step adds up, and which parameters it moves.
//!
//! A [`RecipeName`] is a set of defaults; each has a file here that says where it comes from, or is a choice of weights alone
//! (`exit_weights`). What it comes to, with what was asked for besides, is a [`Recipe`]: a plain value that the loop asks what a step is
//! made of ([`Recipe::step`]) and at what rate a parameter learns ([`Recipe::rate_factor`]).

mod alternating;
mod balanced;
mod class_weights;
mod distill;
mod exit_weights;
mod form;
mod head_rate;
mod layer_decay;
mod mixed;
mod name;
mod paper;
mod stage;
mod two_stage;

use std::fmt;

use epee_model::BackboneGradient;

pub use class_weights::ClassWeights;
pub use distill::Distillation;
pub use exit_weights::ExitWeights;
pub use form::Form;
pub use name::RecipeName;
pub use stage::Stage;
pub(crate) use stage::first_epochs;

use crate::Error;

/// The course of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// All exits in every step.
    Joint,
    /// First the last exit, then the others on a backbone that stands still (DeeBERT).
    TwoStage,
    /// The last exit and the others in turn (BERxiT).
    Alternating,
    /// First the last exit alone, then all of them.
    Mixed,
}

/// What exits are trained with. Fields that are off leave the paper's recipe as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Where it started from.
    pub name: RecipeName,
    /// The course of the run.
    pub regime: Regime,
    /// What each exit's loss counts.
    pub exit_weights: ExitWeights,
    /// The share of the epochs that the first of two stages takes.
    pub first_stage: f64,
    /// Learning from the last exit.
    pub distillation: Option<Distillation>,
    /// Whether no exit's gradient outweighs the others' where they enter the backbone.
    pub balance: bool,
    /// What the learning rate of classifiers, poolers and the learned exit head is multiplied with.
    pub head_rate: f64,
    /// What the learning rate shrinks by from each layer to the one below.
    pub layer_decay: f64,
    /// What each class counts.
    pub class_weights: ClassWeights,
    /// ε of label smoothing.
    pub label_smoothing: f64,
    /// Whether a learned exit head is trained beside the classifiers.
    pub exit_head: bool,
}

/// What one step is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What each exit's loss counts; they add up to 1.
    pub weights: Vec<f64>,
    /// What its gradient reaches.
    pub trunk: BackboneGradient,
    /// Whether the exits learn from the last one.
    pub distillation: Option<Distillation>,
    /// Whether the learned exit head is trained.
    pub exit_head: bool,
}

impl Recipe {
    /// What the given step (from 0) of a stage is made of, for a model of so many exits.
    pub fn step(&self, stage: Stage, step: u64, exits: usize) -> Step {
        let weights = match (self.regime, stage) {
            (Regime::TwoStage, Stage::Second) => two_stage::others(exits),
            (Regime::TwoStage | Regime::Mixed, Stage::First) => exit_weights::last(exits),
            (Regime::Alternating, _) => alternating::weights(exits, step),
            (Regime::Joint | Regime::Mixed, _) => self.exit_weights.of(exits),
        };
        let trunk = match (self.regime, stage) {
            (Regime::TwoStage, Stage::Second) => BackboneGradient::Frozen,
            _ if self.balance => BackboneGradient::Balanced,
            _ => BackboneGradient::Joint,
        };
        Step { weights, trunk, distillation: self.distillation, exit_head: self.exit_head }
    }

    /// What the learning rate of a parameter is multiplied with; none where it stands still.
    pub fn rate_factor(&self, name: &str, stage: Stage, form: Form) -> Option<f64> {
        if self.regime == Regime::TwoStage && stage == Stage::Second && !two_stage::moves(name, form) {
            return None;
        }
        Some(head_rate::factor(name, self.head_rate) * layer_decay::factor(name, self.layer_decay, form.groups))
    }

    /// Refuses what contradicts itself and what is out of range; `asked` says which options were asked for by name.
    ///
    /// # Errors
    /// [`Error::Option`] with the option, what was expected and what was found.
    pub(crate) fn check(&self, epochs: usize, asked: impl Fn(&str) -> bool) -> Result<(), Error> {
        let refuse = |name, expected: &str, got: String| Err(Error::option(name, expected, got));
        let name = self.name;
        if asked("exit_weights") && matches!(self.regime, Regime::TwoStage | Regime::Alternating) {
            let got = format!("{} with recipe {name}, which has weights of its own", self.exit_weights);
            return refuse("exit-weights", "none", got);
        }
        let stages = matches!(self.regime, Regime::TwoStage | Regime::Mixed);
        if asked("first_stage") && !stages {
            let got = format!("{} with recipe {name}, which has one stage", self.first_stage);
            return refuse("first-stage", "recipe two-stage or mixed beside it", got);
        }
        if !(self.first_stage > 0.0 && self.first_stage < 1.0) {
            return refuse("first-stage", "a share between 0 and 1", self.first_stage.to_string());
        }
        if stages && epochs < 2 {
            return refuse("epochs", &format!("at least 2 with recipe {name}, one for each stage"), epochs.to_string());
        }
        if self.balance && self.regime == Regime::TwoStage {
            let got = format!("true with recipe {name}, whose steps reach the backbone from one exit at most");
            return refuse("balance", "false", got);
        }
        if asked("distill_temperature") && self.distillation.is_none() {
            return refuse("distill-temperature", "a distill-weight above 0 beside it", "none".to_owned());
        }
        if let Some(Distillation { weight, temperature }) = self.distillation {
            if !(weight > 0.0 && weight <= 1.0) {
                return refuse("distill-weight", "a share from 0 to 1", weight.to_string());
            }
            if !(temperature.is_finite() && temperature > 0.0) {
                return refuse("distill-temperature", "a number above 0", temperature.to_string());
            }
        }
        if !(self.head_rate.is_finite() && self.head_rate > 0.0) {
            return refuse("head-rate", "a number above 0", self.head_rate.to_string());
        }
        if !(self.layer_decay > 0.0 && self.layer_decay <= 1.0) {
            return refuse("layer-decay", "a number above 0, at most 1", self.layer_decay.to_string());
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            return refuse("label-smoothing", "a share from 0, below 1", self.label_smoothing.to_string());
        }
        Ok(())
    }
}

/// What the model card says of it.
impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "recipe {}", self.name)?;
        match self.regime {
            Regime::Joint => write!(f, ", all exits in every step, weights {}", self.exit_weights)?,
            Regime::TwoStage => write!(
                f,
                ", the last exit for {} of the epochs, then the others on a frozen backbone",
                self.first_stage
            )?,
            Regime::Alternating => write!(f, ", the last exit and the others in turn")?,
            Regime::Mixed => write!(
                f,
                ", the last exit alone for {} of the epochs, then all of them, weights {}",
                self.first_stage, self.exit_weights
            )?,
        }
        if let Some(Distillation { weight, temperature }) = self.distillation {
            write!(f, ", distilled from the last exit (weight {weight}, temperature {temperature})")?;
        }
        if self.balance {
            write!(f, ", exits' gradients balanced")?;
        }
        for (name, value, off) in [
            ("head rate ×", self.head_rate, 1.0),
            ("layer decay ", self.layer_decay, 1.0),
            ("label smoothing ", self.label_smoothing, 0.0),
        ] {
            if value != off {
                write!(f, ", {name}{value}")?;
            }
        }
        if self.class_weights != ClassWeights::None {
            write!(f, ", class weights {}", self.class_weights)?;
        }
        if self.exit_head {
            write!(f, ", a learned exit head")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
