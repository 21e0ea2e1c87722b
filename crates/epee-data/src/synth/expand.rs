//! Turning a frame into a sentence by filling its slots.

use super::phrases::{SUPPLEMENTS, Status, filler, phrases};
use crate::random::Choices;

/// Slots nest at most this deep; a test expands every phrase, so a deeper nesting is seen there.
const DEEPEST: usize = 6;

/// The subject of a sentence: one supplement, or two.
pub(super) struct Scene {
    /// The first supplement's status, that of the second, and the first's earlier one.
    statuses: [Status; 3],
    names: [&'static str; 2],
    pronouns: [&'static str; 2],
    patient: &'static str,
}

const PRONOUNS: [[&str; 2]; 2] = [["he", "his"], ["she", "her"]];

impl Scene {
    /// A scene of two supplements with the statuses `first` and `second`; the earlier status of the first differs from `first`.
    pub(super) fn new(choices: &mut Choices, first: Status, second: Status) -> Self {
        let one = choices.below(SUPPLEMENTS.len());
        let two = (one + 1 + choices.below(SUPPLEMENTS.len() - 1)) % SUPPLEMENTS.len();
        let known: Vec<Status> =
            Status::ALL.into_iter().filter(|&status| status != Status::Uncertain && status != first).collect();
        let earlier = *choices.pick(&known);
        let pronouns = *choices.pick(&PRONOUNS);
        let patient = *choices.pick(&["pt", "patient", pronouns[0]]);
        Self { statuses: [first, second, earlier], names: [SUPPLEMENTS[one], SUPPLEMENTS[two]], pronouns, patient }
    }

    /// The sentence of `frame`, with the supplement `marked` (0 or 1) in brackets.
    pub(super) fn write(&self, choices: &mut Choices, frame: &str, marked: Option<usize>) -> String {
        let mut out = String::new();
        self.fill(choices, frame, marked, &mut out, 0);
        capitalised(&out)
    }

    fn fill(&self, choices: &mut Choices, text: &str, marked: Option<usize>, out: &mut String, depth: usize) {
        assert!(depth < DEEPEST, "slots nest too deep in `{text}`");
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let (slot, after) = after.split_once('}').unwrap_or((after, ""));
            self.slot(choices, slot, marked, out, depth);
            rest = after;
        }
        out.push_str(rest);
    }

    fn slot(&self, choices: &mut Choices, slot: &str, marked: Option<usize>, out: &mut String, depth: usize) {
        match slot {
            "s" => out.push_str(self.patient),
            "S" => out.push_str(&capitalised(self.patient)),
            "he" => out.push_str(self.pronouns[0]),
            "He" => out.push_str(&capitalised(self.pronouns[0])),
            "his" => out.push_str(self.pronouns[1]),
            _ => {
                let text = match slot.split_once('.') {
                    Some((form, role)) => self.clause(choices, form, role, marked),
                    None => filler(slot).map(|list| (*choices.pick(list)).to_owned()),
                };
                match text {
                    Some(text) => self.fill(choices, &text, marked, out, depth + 1),
                    None => panic!("no such slot: `{slot}`"),
                }
            }
        }
    }

    /// A phrase with its supplement in place, its other slots still open.
    fn clause(&self, choices: &mut Choices, form: &str, role: &str, marked: Option<usize>) -> Option<String> {
        let (role, it) = match role.strip_suffix(".it") {
            Some(role) => (role, true),
            None => (role, false),
        };
        let (mention, status) = match role {
            "a" => (0, self.statuses[0]),
            "b" => (1, self.statuses[1]),
            "p" => (0, self.statuses[2]),
            _ => return None,
        };
        let phrases = phrases(form, status)?;
        let object = if it {
            "it".to_owned()
        } else {
            // Doses stand where nothing has to be told apart.
            let dose = match form {
                "plain" if marked.is_none() && choices.percent(25) => " {amount} {often}",
                "plain" if marked.is_none() && choices.percent(25) => " {amount}",
                _ => "",
            };
            let name = self.names[mention];
            match marked {
                Some(marked) if marked == mention => format!("[{name}]{dose}"),
                _ => format!("{name}{dose}"),
            }
        };
        let phrase = *choices.pick(phrases);
        Some(phrase.replace('@', &object))
    }
}

/// The text with its first letter, which may stand behind a bracket, as a capital.
fn capitalised(text: &str) -> String {
    let first = text.find(|c: char| c.is_alphanumeric()).unwrap_or(0);
    let (head, tail) = text.split_at(first);
    let mut letters = tail.chars();
    match letters.next() {
        Some(letter) => head.chars().chain(letter.to_uppercase()).chain(letters).collect(),
        None => text.to_owned(),
    }
}
