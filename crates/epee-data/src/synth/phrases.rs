//! The labels (four use statuses), the supplements, the sentence frames and the phrases that fill them, from `assets/frames.json` and `assets/phrases.json`.
//!
//! Frames are held out: no frame of one split occurs in another. Phrases are shared by all splits. A slot is written
//! in braces: `{plain.a}` is a phrase that says the first supplement's status, `{plain.b}` the second's, `{past.p}`
//! the first's earlier one; `{plain.a.it}` says "it". `{s}` is the patient, `{S}` the same with a capital.
//!
//! | phrases | how the status is said |
//! |---|---|
//! | plain | by a verb of its own: "stopped @" |
//! | negated | by a negation that turns a verb round: "did not stop @" |
//! | past | as it was earlier: "stopped @ in 2014"; the earlier status is never uncertain |
//! | present | as it is now: "stopped @ this week" |
//! | hedged | with a doubt, about the use (Uncertain) or about its reason (the verb's status) |
//! | fillers | slots that say nothing about the status |
//!
//! `@` stands for the supplement. A reader can label every phrase without the rest of the note.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::named::named;

named! {
    /// The use status of a supplement at the time of the note.
    Status {
        /// Takes it, and has taken it since before this visit.
        Continuing = "Continuing",
        /// No longer takes it.
        Discontinued = "Discontinued",
        /// Has newly begun it, or begun it again, around this visit.
        Started = "Started",
        /// The sentence leaves open whether it is taken.
        Uncertain = "Uncertain",
    }
}

/// The 25 supplements of the paper's section 4.3.1, as they are written inside a sentence.
pub static SUPPLEMENTS: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("../../assets/supplements.txt").lines().collect());

type Lists = BTreeMap<&'static str, Vec<&'static str>>;

/// For each grade, from 1: the frames of each split.
pub(super) static GRADES: LazyLock<Vec<Lists>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../assets/frames.json")).expect("assets/frames.json is lists of frames")
});

static PHRASES: LazyLock<BTreeMap<&str, Lists>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../assets/phrases.json")).expect("assets/phrases.json is lists of phrases")
});

/// The phrases that say `status` in one of the five forms.
pub(super) fn phrases(form: &str, status: Status) -> Option<&'static [&'static str]> {
    PHRASES.get(form)?.get(status.name()).map(Vec::as_slice)
}

/// Fillers that say nothing about the status, by the name of their slot.
pub(super) fn filler(slot: &str) -> Option<&'static [&'static str]> {
    PHRASES.get("fillers")?.get(slot).map(Vec::as_slice)
}
