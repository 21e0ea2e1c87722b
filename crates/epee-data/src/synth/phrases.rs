//! What the slots of a frame are filled with. All splits share these lists; only frames are held out.
//!
//! `@` stands for the supplement. Every phrase is one that a reader can label without the rest of the note.

use super::status::Status::{self, Continuing, Discontinued, Started, Uncertain};

/// How a status is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// After a subject, by its own verb: "stopped @".
    Plain,
    /// After a subject, by a negation that turns a verb round: "did not stop @".
    Negated,
    /// What was so earlier: "stopped @ in 2014".
    Past,
    /// What is so now: "stopped @ this week".
    Present,
    /// With a hedge, about the use itself (Uncertain) or about something else (the verb's status).
    Hedged,
}

/// The phrases that say `status` in `form`.
pub(super) fn phrases(form: Form, status: Status) -> &'static [&'static str] {
    match form {
        Form::Plain => plain(status),
        Form::Negated => negated(status),
        Form::Past => past(status),
        Form::Present => present(status),
        Form::Hedged => hedged(status),
    }
}

fn plain(status: Status) -> &'static [&'static str] {
    match status {
        Continuing => &["takes @", "still takes @", "continues @", "remains on @", "keeps taking @", "is still on @"],
        Discontinued => &["stopped @", "quit @", "discontinued @", "came off @", "d/c'd @", "has stopped taking @"],
        Started => {
            &["started @", "began @", "was put on @", "newly began @", "has started taking @", "was started on @"]
        }
        Uncertain => {
            &["may take @", "might take @", "possibly takes @", "perhaps takes @", "may be on @", "might be on @"]
        }
    }
}

fn negated(status: Status) -> &'static [&'static str] {
    match status {
        Continuing => &[
            "did not stop @",
            "has not stopped @",
            "never quit @",
            "did not quit @",
            "has not discontinued @",
            "never stopped @",
        ],
        Discontinued => &[
            "no longer takes @",
            "did not continue @",
            "has not continued @",
            "is no longer on @",
            "did not remain on @",
            "no longer continues @",
        ],
        Started => &[
            "did not take @ until {day}",
            "never took @ until {day}",
            "was not on @ until {day}",
            "was never on @ until {day}",
            "did not start @ until {day}",
        ],
        Uncertain => &[
            "does not know whether {he} takes @",
            "cannot say whether {he} stopped @",
            "is not sure whether {he} takes @",
            "does not know whether {he} started @",
            "cannot say whether {he} continues @",
            "is not sure whether {he} quit @",
        ],
    }
}

fn past(status: Status) -> &'static [&'static str] {
    match status {
        Continuing => &["had taken @ {past}", "once took @"],
        Discontinued => &["had stopped @ {past}", "once stopped @", "once quit @"],
        Started => &["had started @ {past}", "once started @", "once began @"],
        // The earlier status is always known.
        Uncertain => &[],
    }
}

fn present(status: Status) -> &'static [&'static str] {
    match status {
        Continuing => &["now takes @", "is now on @", "currently takes @"],
        Discontinued => &["{day} stopped @", "{day} quit @", "has now stopped @"],
        Started => &["{day} started @", "{day} began @", "has now started @"],
        Uncertain => &["now may take @", "now possibly takes @", "now might take @"],
    }
}

fn hedged(status: Status) -> &'static [&'static str] {
    match status {
        Continuing => &[
            "cannot say why{aside} {he} takes @",
            "does not know why{aside} {he} continues @",
            "is not sure why{aside} {he} takes @",
            "does not know why{aside} {he} takes @",
        ],
        Discontinued => &[
            "cannot say why{aside} {he} stopped @",
            "does not know why{aside} {he} quit @",
            "is not sure why{aside} {he} discontinued @",
            "does not know why{aside} {he} stopped @",
        ],
        Started => &[
            "cannot say why{aside} {he} started @",
            "does not know why{aside} {he} began @",
            "is not sure why{aside} {he} started @",
            "does not know why{aside} {he} started @",
        ],
        Uncertain => &[
            "cannot say whether{aside} {he} stopped @",
            "does not know whether{aside} {he} takes @",
            "is not sure whether{aside} {he} started @",
            "does not know whether{aside} {he} quit @",
            "cannot say whether{aside} {he} continues @",
            "is not sure whether{aside} {he} began @",
            "does not know whether{aside} {he} discontinued @",
        ],
    }
}

/// Fillers that say nothing about the status, by the name of their slot.
pub(super) fn filler(slot: &str) -> Option<&'static [&'static str]> {
    Some(match slot {
        "aside" => &["", "", ", per {source},", ", at {visit},"],
        "past" => &["in {year}", "in {year}", "{n} years ago", "years ago", "last year"],
        "day" => &["today", "yesterday", "this week", "this morning", "last week"],
        "year" => &["2010", "2012", "2013", "2014", "2015", "2016"],
        "n" => &["two", "three", "four", "5", "6"],
        "amount" => &["100 mg", "250 mg", "500 mg", "1000 mg", "1 g", "2 caps", "1 tab", "5 ml"],
        "often" => &["daily", "bid", "tid", "qhs", "prn", "twice a day"],
        "reason" => &[
            "sleep",
            "joint pain",
            "hot flashes",
            "memory",
            "mood",
            "anxiety",
            "cholesterol",
            "BPH",
            "energy",
            "arthritis",
        ],
        "visit" => {
            &["annual exam", "follow-up", "med review", "pre-op visit", "refill", "blood work", "telephone visit"]
        }
        "source" => &["{his} daughter", "{his} son", "{his} wife", "the chart", "the nurse", "the pharmacy"],
        "drug" => &["lisinopril", "metformin", "aspirin", "warfarin", "sertraline", "omeprazole"],
        "finding" => &[
            "BP 128/76",
            "vitals stable",
            "exam normal",
            "labs pending",
            "weight 72 kg",
            "INR 2.1",
            "lungs clear",
            "sleep is fair",
            "f/u in {n} weeks",
            "A1c 6.1",
        ],
        "denial" => {
            &["no new complaints", "denies chest pain", "no rash", "does not smoke", "no edema", "not on {drug}"]
        }
        _ => return None,
    })
}
