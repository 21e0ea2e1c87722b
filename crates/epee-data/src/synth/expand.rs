//! From a frame to a sentence: slots are filled until none is left.

use super::phrases::{Form, filler, phrases};
use super::random::Choices;
use super::status::{SUPPLEMENTS, Status};

/// Slots nest at most this deep; a test expands every phrase, so a deeper nesting is seen there.
const DEEPEST: usize = 6;

/// What a sentence is about.
pub(super) struct Scene {
    target: Mention,
    other: Mention,
    /// The target's earlier status.
    earlier: Status,
    pronouns: Pronouns,
    patient: &'static str,
}

struct Mention {
    status: Status,
    /// The name, in brackets where the sentence has to say which supplement is meant.
    name: String,
}

#[derive(Clone, Copy)]
struct Pronouns {
    he: &'static str,
    his: &'static str,
}

const PRONOUNS: [Pronouns; 2] = [
    Pronouns { he: "he", his: "his" },
    Pronouns { he: "she", his: "her" },
];

impl Scene {
    /// A scene whose target has `status`; the other supplement and the earlier status differ from it.
    pub(super) fn new(choices: &mut Choices, status: Status, marked: bool) -> Self {
        let first = choices.below(SUPPLEMENTS.len());
        let second = (first + 1 + choices.below(SUPPLEMENTS.len() - 1)) % SUPPLEMENTS.len();
        let pronouns = *choices.pick(&PRONOUNS);
        let patient = *choices.pick(&["pt", "patient", "the patient", pronouns.he]);
        let name = SUPPLEMENTS[first];
        Self {
            target: Mention {
                status,
                name: if marked {
                    format!("[{name}]")
                } else {
                    name.to_owned()
                },
            },
            other: Mention {
                status: another(choices, status),
                name: SUPPLEMENTS[second].to_owned(),
            },
            earlier: another(choices, status),
            pronouns,
            patient,
        }
    }

    /// The sentence of `frame`.
    pub(super) fn write(&self, choices: &mut Choices, frame: &str) -> String {
        let mut out = String::new();
        self.fill(choices, frame, &mut out, 0);
        capitalised(&out)
    }

    fn fill(&self, choices: &mut Choices, text: &str, out: &mut String, depth: usize) {
        assert!(depth < DEEPEST, "slots nest too deep in `{text}`");
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let (slot, after) = after.split_once('}').unwrap_or((after, ""));
            self.slot(choices, slot, out, depth);
            rest = after;
        }
        out.push_str(rest);
    }

    fn slot(&self, choices: &mut Choices, slot: &str, out: &mut String, depth: usize) {
        match slot {
            "s" => out.push_str(self.patient),
            "S" => out.push_str(&capitalised(self.patient)),
            "he" => out.push_str(self.pronouns.he),
            "He" => out.push_str(&capitalised(self.pronouns.he)),
            "his" => out.push_str(self.pronouns.his),
            _ => {
                let text = match slot.split_once('.') {
                    Some((form, role)) => self.clause(choices, form, role),
                    None => filler(slot).map(|list| (*choices.pick(list)).to_owned()),
                };
                match text {
                    Some(text) => self.fill(choices, &text, out, depth + 1),
                    None => panic!("no such slot: `{slot}`"),
                }
            }
        }
    }

    /// A phrase with its supplement in place, its other slots still open.
    fn clause(&self, choices: &mut Choices, form: &str, role: &str) -> Option<String> {
        let (role, it) = match role.strip_suffix(".it") {
            Some(role) => (role, true),
            None => (role, false),
        };
        let (mention, status) = match role {
            "t" => (&self.target, self.target.status),
            "p" => (&self.target, self.earlier),
            "o" => (&self.other, self.other.status),
            _ => return None,
        };
        let form = match form {
            "plain" => Form::Plain,
            "passive" => Form::Passive,
            "order" => Form::Order,
            "negated" => Form::Negated,
            "negated_passive" => Form::NegatedPassive,
            "past" => Form::Past,
            "present" => Form::Present,
            "hedged" => Form::Hedged,
            "any" => *choices.pick(&[Form::Plain, Form::Negated, Form::Hedged]),
            _ => return None,
        };
        let phrase = *choices.pick(phrases(form, status));
        let object = if it {
            "it".to_owned()
        } else {
            let dose = match form {
                Form::Plain | Form::Order if choices.percent(15) => " {amount} {often}",
                Form::Plain | Form::Order | Form::Passive if choices.percent(20) => " {amount}",
                _ => "",
            };
            format!("{}{dose}", mention.name)
        };
        Some(phrase.replace('@', &object))
    }
}

/// A status other than `status`.
fn another(choices: &mut Choices, status: Status) -> Status {
    Status::ALL[(status.index() + 1 + choices.below(3)) % 4]
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
