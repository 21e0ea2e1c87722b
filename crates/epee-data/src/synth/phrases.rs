//! What the slots of a frame are filled with. All splits share these lists; only frames are held out.
//!
//! `@` stands for the supplement. Every phrase is one that a reader can label without the rest of the note.

use super::status::Status::{self, Continuing, Discontinued, Started, Uncertain};

/// How a status is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// After a subject, by its own verb: "stopped @".
    Plain,
    /// With the supplement as its subject: "@ was stopped".
    Passive,
    /// An order: "stop @".
    Order,
    /// After a subject, by a negation that turns a verb round: "did not stop @".
    Negated,
    /// The same with the supplement as subject: "@ was not stopped".
    NegatedPassive,
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
        Form::Passive => passive(status),
        Form::Order => order(status),
        Form::Negated => negated(status),
        Form::NegatedPassive => negated_passive(status),
        Form::Past => past(status),
        Form::Present => present(status),
        Form::Hedged => hedged(status),
    }
}

fn plain(status: Status) -> &'static [&'static str] {
    match status {
        Continuing => &[
            "takes @",
            "still takes @",
            "continues @",
            "continues to take @",
            "remains on @",
            "keeps taking @",
            "is still on @",
            "stays on @",
            "has continued @",
        ],
        Discontinued => &[
            "stopped @",
            "has stopped taking @",
            "quit @",
            "has quit taking @",
            "discontinued @",
            "gave up @",
            "came off @",
            "d/c'd @",
            "stopped taking @",
        ],
        Started => &[
            "started @",
            "has started taking @",
            "began @",
            "has begun taking @",
            "was started on @",
            "was put on @",
            "just started @",
            "newly began @",
            "started taking @",
        ],
        Uncertain => &[
            "may be taking @",
            "might take @",
            "possibly takes @",
            "may be on @",
            "is perhaps on @",
            "might be on @",
            "is possibly on @",
            "may take @",
            "perhaps takes @",
        ],
    }
}

fn passive(status: Status) -> &'static [&'static str] {
    match status {
        Continuing => &[
            "@ is continued",
            "@ was continued",
            "@ is still taken",
            "@ has been continued",
        ],
        Discontinued => &[
            "@ was stopped",
            "@ was discontinued",
            "@ was d/c'd",
            "@ has been stopped",
        ],
        Started => &[
            "@ was started",
            "@ was begun",
            "@ was newly started",
            "@ has been started",
        ],
        Uncertain => &[
            "@ is possibly taken",
            "@ may be taken",
            "@ is perhaps taken",
            "@ might be taken",
        ],
    }
}

fn order(status: Status) -> &'static [&'static str] {
    match status {
        Continuing => &["continue @", "keep taking @", "stay on @", "remain on @"],
        Discontinued => &["stop @", "discontinue @", "d/c @", "come off @"],
        Started => &["start @", "begin @", "start taking @", "begin taking @"],
        Uncertain => &[
            "clarify use of @",
            "ask whether {he} takes @",
            "clarify whether {he} takes @",
            "ask about use of @",
        ],
    }
}

fn negated(status: Status) -> &'static [&'static str] {
    match status {
        Continuing => &[
            "did not stop @",
            "has not stopped taking @",
            "never quit @",
            "has not quit @",
            "did not discontinue @",
            "did not give up @",
            "never came off @",
            "never stopped taking @",
            "did not come off @",
        ],
        Discontinued => &[
            "no longer takes @",
            "does not take @ any more",
            "did not continue @",
            "has not continued @",
            "is not on @ any more",
            "is no longer on @",
            "did not stay on @",
            "did not remain on @",
            "did not keep taking @",
        ],
        Started => &[
            "did not take @ until {day}",
            "never took @ before {day}",
            "was not on @ until {day}",
            "was never on @ before {day}",
            "did not start @ until {day}",
            "did not begin @ until {day}",
            "did not take @ before {day}",
        ],
        Uncertain => &[
            "does not know whether {he} takes @",
            "cannot say whether {he} stopped @",
            "is not sure whether {he} takes @",
            "does not know whether {he} started @",
            "cannot say whether {he} is on @",
            "did not say whether {he} continues @",
            "is not sure whether {he} quit @",
            "did not say whether {he} stopped @",
        ],
    }
}

fn negated_passive(status: Status) -> &'static [&'static str] {
    match status {
        Continuing => &[
            "@ was not stopped",
            "@ was never stopped",
            "@ has not been discontinued",
            "@ was not d/c'd",
        ],
        Discontinued => &[
            "@ was not continued",
            "@ is no longer taken",
            "@ is not taken any more",
            "@ has not been continued",
        ],
        Started => &[
            "@ was not taken until {day}",
            "@ was never taken before {day}",
            "@ was not started until {day}",
            "@ was not begun until {day}",
        ],
        Uncertain => &[
            "it is not known whether @ was stopped",
            "it is not known whether @ is taken",
            "it is not clear whether @ was continued",
            "it is not clear whether @ was started",
        ],
    }
}

fn past(status: Status) -> &'static [&'static str] {
    match status {
        Continuing => &[
            "took @ {past}",
            "was on @ {past}",
            "was taking @ {past}",
            "continued @ {past}",
        ],
        Discontinued => &[
            "stopped @ {past}",
            "quit @ {past}",
            "came off @ {past}",
            "discontinued @ {past}",
        ],
        Started => &[
            "started @ {past}",
            "began @ {past}",
            "was put on @ {past}",
            "started taking @ {past}",
        ],
        Uncertain => &[
            "may have taken @ {past}",
            "was perhaps on @ {past}",
            "possibly took @ {past}",
            "might have been on @ {past}",
        ],
    }
}

fn present(status: Status) -> &'static [&'static str] {
    match status {
        Continuing => &[
            "takes @ {now}",
            "is on @ {now}",
            "is taking @ {now}",
            "{now} takes @",
            "{now} continues @",
        ],
        Discontinued => &[
            "stopped @ {recent}",
            "quit @ {recent}",
            "came off @ {recent}",
            "discontinued @ {recent}",
            "is off @ {now}",
        ],
        Started => &[
            "started @ {recent}",
            "began @ {recent}",
            "was put on @ {recent}",
            "started taking @ {recent}",
            "was started on @ {recent}",
        ],
        Uncertain => &[
            "may be on @ {now}",
            "is perhaps on @ {now}",
            "possibly takes @ {now}",
            "might be on @ {now}",
            "{now} may take @",
        ],
    }
}

fn hedged(status: Status) -> &'static [&'static str] {
    match status {
        Continuing => &[
            "is not sure why {he} takes @",
            "cannot say why {he} continues @",
            "does not know why {he} remains on @",
            "is unsure why {he} still takes @",
            "may later stop @ but still takes it",
            "might quit @ later but continues it",
        ],
        Discontinued => &[
            "is not sure why {he} stopped @",
            "cannot say why {he} quit @",
            "does not know why {he} came off @",
            "is unsure why {he} discontinued @",
            "may later take @ but has stopped it",
            "might start @ later but quit it",
        ],
        Started => &[
            "is not sure why {he} started @",
            "cannot say why {he} began @",
            "does not know why {he} was put on @",
            "is unsure why {he} just started @",
            "may later stop @ but started it",
            "might quit @ later but began it",
        ],
        Uncertain => &[
            "is not sure whether {he} stopped @",
            "cannot say whether {he} still takes @",
            "does not know whether {he} came off @",
            "is unsure whether {he} started @",
            "may have stopped @",
            "might have quit @",
            "may have started @",
            "is unsure whether {he} continues @",
        ],
    }
}

/// Fillers that say nothing about the status, by the name of their slot.
pub(super) fn filler(slot: &str) -> Option<&'static [&'static str]> {
    Some(match slot {
        "past" => &[
            "in {year}",
            "in {year}",
            "{n} years ago",
            "years ago",
            "last year",
            "as a student",
            "before surgery in {year}",
        ],
        "recent" => &[
            "this week",
            "today",
            "yesterday",
            "{n} days ago",
            "on {weekday}",
            "this morning",
            "last week",
        ],
        "day" => &[
            "this week",
            "today",
            "yesterday",
            "{n} days ago",
            "{weekday}",
            "this morning",
            "last week",
        ],
        "now" => &["now", "currently", "at present", "these days"],
        "year" => &[
            "2009", "2010", "2011", "2012", "2013", "2014", "2015", "2016", "2017", "2018",
        ],
        "weekday" => &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"],
        "n" => &["two", "three", "four", "five", "six", "2", "3", "4", "5", "6"],
        "amount" => &[
            "100 mg", "200 mg", "250 mg", "400 mg", "500 mg", "600 mg", "1000 mg", "1 g", "2 caps",
            "1 tab", "2 tabs", "5 ml",
        ],
        "often" => &["daily", "bid", "tid", "qhs", "qd", "prn", "twice a day", "every morning"],
        "reason" => &[
            "sleep", "joint pain", "hot flashes", "memory", "mood", "anxiety", "nausea", "cholesterol",
            "hair loss", "BPH", "UTI", "energy", "colds", "arthritis", "liver health", "BP",
        ],
        "visit" => &[
            "annual exam", "follow-up", "med review", "pre-op visit", "refill", "blood work", "telephone visit",
        ],
        "source" => &["{his} daughter", "{his} son", "{his} wife", "the chart", "the nurse", "the pharmacy"],
        "drug" => &["lisinopril", "metformin", "aspirin", "warfarin", "sertraline", "omeprazole"],
        "finding" => &[
            "BP 128/76", "vitals stable", "exam normal", "labs pending", "weight 72 kg", "INR 2.1", "lungs clear",
            "no new complaints", "denies chest pain", "no rash", "allergies not reviewed", "sleep is fair",
            "does not smoke", "f/u in {n} weeks", "on {drug} as well", "A1c 6.1", "no edema",
        ],
        _ => return None,
    })
}
