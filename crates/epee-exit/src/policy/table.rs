//! The table of policies: one line each.

use super::parts::{Parts, Printed, one_of};
use super::rule::{Direction, ExitRule, PolicyState, Reading, Signal};
use super::rules::*;
use super::{PolicyError, Threshold};

macro_rules! policies {
    ($( $Rule:ident $name:literal, $source:literal, $about:literal; )*) => {
        /// The rule of a policy and its parts.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Rule {
            $( #[doc = $about] $Rule($Rule), )*
        }

        /// The name of a policy, without a setting.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum PolicyKind {
            $( #[doc = $about] $Rule, )*
        }

        impl PolicyKind {
            /// All of them, the paper's first.
            pub const ALL: [PolicyKind; [$($name),*].len()] = [$( PolicyKind::$Rule ),*];

            /// Its name in settings, such as `epee`.
            pub fn name(self) -> &'static str {
                match self { $( PolicyKind::$Rule => $name, )* }
            }

            /// What it does, in a line.
            pub fn about(self) -> &'static str {
                match self { $( PolicyKind::$Rule => $about, )* }
            }

            /// Where it was published.
            pub fn source(self) -> &'static str {
                match self { $( PolicyKind::$Rule => $source, )* }
            }

            pub(crate) fn fires(self) -> Direction {
                match self { $( PolicyKind::$Rule => <$Rule as ExitRule>::FIRES, )* }
            }

            pub(super) fn read(self, parts: &mut Parts<'_>) -> Result<Rule, String> {
                match self { $( PolicyKind::$Rule => <$Rule as ExitRule>::read(parts).map(Rule::$Rule), )* }
            }

            /// The settings a sweep tries, without their thresholds.
            pub(crate) fn families(self, exits: usize, classes: usize, patiences: &[Option<usize>]) -> Vec<Rule> {
                match self { $( PolicyKind::$Rule => {
                    <$Rule as ExitRule>::families(exits, classes, patiences).into_iter().map(Rule::$Rule).collect()
                } )* }
            }

            /// The thresholds a sweep tries where nobody says which.
            pub(crate) fn thresholds(self, exits: usize, classes: usize) -> Vec<f64> {
                match self { $( PolicyKind::$Rule => <$Rule as ExitRule>::thresholds(exits, classes), )* }
            }
        }

        impl Rule {
            /// Which policy this is a setting of.
            pub fn kind(&self) -> PolicyKind {
                match self { $( Rule::$Rule(_) => PolicyKind::$Rule, )* }
            }

            /// Its threshold, where it has one.
            pub fn threshold(&self) -> Option<&Threshold> {
                match self { $( Rule::$Rule(rule) => rule.threshold(), )* }
            }

            /// Its patience, where it has one that is not never.
            pub fn patience(&self) -> Option<usize> {
                match self { $( Rule::$Rule(rule) => rule.patience(), )* }
            }

            pub(super) fn threshold_mut(&mut self) -> Option<&mut Threshold> {
                match self { $( Rule::$Rule(rule) => rule.threshold_mut(), )* }
            }

            pub(super) fn print(&self, parts: &mut Printed) {
                match self { $( Rule::$Rule(rule) => rule.print(parts), )* }
            }

            pub(super) fn check(&self, exits: usize, classes: usize) -> Result<(), PolicyError> {
                match self { $( Rule::$Rule(rule) => rule.check(exits, classes), )* }
            }

            pub(super) fn signal(&self, state: &mut PolicyState, reading: &Reading<'_>) -> Signal {
                match self { $( Rule::$Rule(rule) => rule.signal(state, reading), )* }
            }

            pub(super) fn only(&self, exits: usize) -> Option<usize> {
                match self { $( Rule::$Rule(rule) => rule.only(exits), )* }
            }

            pub(super) fn answer(
                &self,
                state: &PolicyState,
                reading: &Reading<'_>,
                last: bool,
            ) -> Option<(usize, Vec<f64>)> {
                match self { $( Rule::$Rule(rule) => rule.answer(state, reading, last), )* }
            }
        }

        $( impl From<$Rule> for Rule {
            fn from(rule: $Rule) -> Rule {
                Rule::$Rule(rule)
            }
        } )*
    };
}

policies! {
    Full "full", "–", "The last exit answers every sample.";
    Fixed "fixed", "EPEE 2025, budgeted mode", "One exit answers every sample.";
    Entropy "entropy", "EPEE 2025, Eq. 1", "Exit where the normalised entropy is below the threshold.";
    Patience "patience", "EPEE 2025, Eq. 2", "Exit where so many exits in a row agree.";
    Epee "epee", "EPEE 2025, Eq. 3", "Exit at low entropy or at enough agreement, whichever comes first.";
    BranchyNet "branchynet", "Teerapittayanon et al. 2016", "Exit where the entropy in nats is below the threshold, one for each exit.";
    ShallowDeep "shallow-deep", "Kaya et al. 2019", "Exit where the greatest probability reaches the threshold; if none does, the most confident exit answers.";
    DeeBert "deebert", "Xin et al. 2020", "Exit where the entropy in nats is below the threshold.";
    Pabee "pabee", "Zhou et al. 2020", "Exit where so many exits in a row agree with the one before; numbers agree within a distance.";
    Pcee "pcee", "Zhang et al. 2022 (PCEE-BERT)", "Exit where so many exits in a row have an entropy below the threshold; they need not agree.";
    FPabee "fpabee", "Gao et al. 2023 (F-PABEE)", "Exit where so many exits in a row differ from the one before by less than the threshold.";
    Berxit "berxit", "Xin et al. 2021 (BERxiT)", "Exit where a learned score of being wrong is below the threshold.";
    Elbert "elbert", "Xie et al. 2021 (ELBERT)", "Two classes: exit at low entropy, or where a window of exits stays on one side of a half.";
    Voting "voting", "Sun et al. 2021, arXiv 2105.13792", "Exit where one class holds enough of the exits' votes; it is the answer.";
    Margin "margin", "classic, top-1 minus top-2", "Exit where the two greatest probabilities are far enough apart.";
}

impl PolicyKind {
    /// Whether it decides by the scores of a learned exit head.
    pub fn reads_scores(self) -> bool {
        self == PolicyKind::Berxit
    }
}

impl std::fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for PolicyKind {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        named(text).map_err(|problem| PolicyError::Syntax { text: text.to_owned(), problem })
    }
}

/// The policy of a name.
pub(super) fn named(text: &str) -> Result<PolicyKind, String> {
    let found = PolicyKind::ALL.into_iter().find(|kind| kind.name() == text);
    found.ok_or_else(|| format!("expected {}", one_of(&PolicyKind::ALL.map(PolicyKind::name))))
}
