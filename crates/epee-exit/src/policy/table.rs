//! The table of built-in policies: one line each.

use std::ops::Deref;

use super::PolicyError;
use super::parts::Parts;
use super::rule::{CustomRule, ExitRule};
use super::rules::*;
use crate::named::{Named, named};

macro_rules! policies {
    ($( $Rule:ident $name:literal, $source:literal, $about:literal; )*) => {
        /// The rule of a policy: one of the built-in ones, or the caller's own. It dereferences to [`ExitRule`].
        #[derive(Clone, Debug, PartialEq)]
        pub enum Rule {
            $( #[doc = $about] $Rule($Rule), )*
            /// A rule of the caller's own, see [`Policy::custom`](crate::Policy::custom).
            Custom(CustomRule),
        }

        /// The name of a built-in policy, without a setting.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum PolicyKind {
            $( #[doc = $about] $Rule, )*
        }

        named!(PolicyKind { $( $Rule = $name ),* });

        impl PolicyKind {
            /// Its rule in a line.
            pub fn about(self) -> &'static str {
                match self { $( PolicyKind::$Rule => $about, )* }
            }

            /// The publication it comes from.
            pub fn source(self) -> &'static str {
                match self { $( PolicyKind::$Rule => $source, )* }
            }

            pub(super) fn rule(self, parts: &mut Parts<'_>) -> Result<Rule, String> {
                match self { $( PolicyKind::$Rule => <$Rule as BuiltIn>::read(parts).map(Rule::$Rule), )* }
            }

            /// The rules a sweep tries.
            pub(crate) fn families(self, exits: usize, classes: usize, patiences: &[Option<usize>]) -> Vec<Rule> {
                match self { $( PolicyKind::$Rule => {
                    <$Rule as BuiltIn>::families(exits, classes, patiences).into_iter().map(Rule::$Rule).collect()
                } )* }
            }
        }

        impl Rule {
            /// The built-in policy it belongs to; `None` for the caller's own.
            pub fn kind(&self) -> Option<PolicyKind> {
                match self {
                    $( Rule::$Rule(_) => Some(PolicyKind::$Rule), )*
                    Rule::Custom(_) => None,
                }
            }
        }

        impl Deref for Rule {
            type Target = dyn ExitRule;

            fn deref(&self) -> &(dyn ExitRule + 'static) {
                match self {
                    $( Rule::$Rule(rule) => rule, )*
                    Rule::Custom(rule) => &*rule.0,
                }
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
    Entropy "entropy", "EPEE 2025, Eq. 1", "Exit if the normalised entropy is below the threshold.";
    Patience "patience", "EPEE 2025, Eq. 2", "Exit if so many exits in a row agree.";
    Epee "epee", "EPEE 2025, Eq. 3", "Exit at low entropy or at enough agreement, whichever comes first.";
    BranchyNet "branchynet", "Teerapittayanon et al. 2016", "Exit if the entropy in nats is below the threshold, one for each exit.";
    ShallowDeep "shallow-deep", "Kaya et al. 2019", "Exit if the greatest probability reaches the threshold; if none does, the most confident exit answers.";
    DeeBert "deebert", "Xin et al. 2020", "Exit if the entropy in nats is below the threshold.";
    Pabee "pabee", "Zhou et al. 2020", "Exit if so many exits in a row agree with the one before; numbers agree within a distance.";
    Pcee "pcee", "Zhang et al. 2022 (PCEE-BERT)", "Exit if so many exits in a row have an entropy below the threshold; they need not agree.";
    FPabee "fpabee", "Gao et al. 2023 (F-PABEE)", "Exit if so many exits in a row differ from the one before by less than the threshold.";
    Berxit "berxit", "Xin et al. 2021 (BERxiT)", "Exit if a learned score of being wrong is below the threshold.";
    Elbert "elbert", "Xie et al. 2021 (ELBERT)", "Two classes: exit at low entropy, or if a window of exits stays on one side of a half.";
    Voting "voting", "Sun et al. 2021, arXiv 2105.13792", "Exit if one class holds enough of the exits' votes; it is the answer.";
    Margin "margin", "classic, top-1 minus top-2", "Exit if the two greatest probabilities are far enough apart.";
}

impl std::str::FromStr for PolicyKind {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        PolicyKind::read(text).map_err(|problem| PolicyError::Syntax { text: text.to_owned(), problem })
    }
}
