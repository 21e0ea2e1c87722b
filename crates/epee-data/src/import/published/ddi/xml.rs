//! One document's sentences, drugs and pairs.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use quick_xml::errors::{Error as XmlError, IllFormedError};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::LABELS;
use crate::error::{Error, Result};

#[derive(Default)]
pub(super) struct Sentence {
    pub(super) text: Vec<char>,
    pub(super) entities: Vec<Entity>,
}

pub(super) struct Entity {
    /// `drug`, `brand`, `group` or `drug_n`.
    pub(super) kind: String,
    pub(super) name: String,
    /// From and to, in characters, the end excluded; more than one piece if the mention is discontinuous.
    pub(super) pieces: Vec<(usize, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Negative,
    /// An interaction of this class, by its place among [`LABELS`].
    Typed(usize),
    Untyped,
}

/// Two drugs of a sentence, by their places among its entities.
pub(super) struct Pair {
    pub(super) id: String,
    pub(super) sentence: Rc<Sentence>,
    pub(super) first: usize,
    pub(super) second: usize,
    pub(super) class: Class,
}

/// The document's pairs.
///
/// # Errors
/// With the line: XML that is cut short or malformed, an attribute that is missing, an offset
/// outside the sentence, a pair of an entity that is not there, a class that is not known.
pub(super) fn pairs(path: &Path, text: &str) -> Result<Vec<Pair>> {
    let mut reader = Reader::from_str(text);
    let mut document = Reading::default();
    let mut depth = 0_usize;
    let mut elements = 0_usize;
    loop {
        let from = reader.buffer_position() as usize;
        let refuse = |at: usize, problem: String| Error::line(path, line(text, at), problem);
        let event = reader.read_event().map_err(|e| refuse(reader.error_position() as usize, xml_problem(&e)))?;
        match event {
            Event::Start(tag) => {
                (depth, elements) = (depth + 1, elements + 1);
                document.open(&tag).map_err(|problem| refuse(from, problem))?;
            }
            Event::Empty(tag) => {
                elements += 1;
                document.open(&tag).map_err(|problem| refuse(from, problem))?;
                document.close(tag.name().as_ref());
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                document.close(tag.name().as_ref());
            }
            Event::Eof if depth > 0 => {
                return Err(refuse(text.len(), format!("the XML is cut short: {depth} elements are not closed")));
            }
            Event::Eof if elements == 0 => return Err(Error::content(path, "expected XML, got no element")),
            Event::Eof => return Ok(document.pairs),
            _ => {}
        }
    }
}

/// An error of the parser without the names and entities that it quotes from the file.
fn xml_problem(error: &XmlError) -> String {
    match error {
        XmlError::Syntax(problem) => problem.to_string(),
        XmlError::IllFormed(IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_)) => {
            "an element is closed that is not open".to_owned()
        }
        XmlError::IllFormed(_) => "the XML is not well-formed".to_owned(),
        XmlError::Escape(_) => "an entity is not one of XML's".to_owned(),
        XmlError::InvalidAttr(_) => "an attribute is malformed".to_owned(),
        XmlError::Io(_) | XmlError::Encoding(_) | XmlError::Namespace(_) => "the XML cannot be read".to_owned(),
    }
}

/// The line, from 1, of the first character at or behind this byte that is no white space.
fn line(text: &str, byte: usize) -> u64 {
    let bytes = text.as_bytes();
    let rest = bytes.get(byte..).unwrap_or_default();
    let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let blank = if blank == rest.len() { 0 } else { blank };
    let before = &bytes[..(byte + blank).min(bytes.len())];
    1 + before.iter().filter(|&&byte| byte == b'\n').count() as u64
}

#[derive(Default)]
struct Reading {
    sentence: Sentence,
    /// Place of each entity of the sentence.
    places: HashMap<String, usize>,
    /// Id, drugs and class of the sentence's pairs, until it ends.
    open: Vec<(String, [usize; 2], Class)>,
    pairs: Vec<Pair>,
}

impl Reading {
    fn open(&mut self, tag: &BytesStart) -> Result<(), String> {
        match tag.name().as_ref() {
            "sentence" => {
                self.sentence = Sentence { text: attribute(tag, "text")?.chars().collect(), entities: Vec::new() };
                self.places.clear();
            }
            "entity" => {
                let (id, offsets) = (attribute(tag, "id")?, attribute(tag, "charOffset")?);
                let pieces = pieces(&offsets, self.sentence.text.len()).map_err(|e| format!("an entity: {e}"))?;
                let (kind, name) = (attribute(tag, "type")?, attribute(tag, "text")?);
                self.places.insert(id, self.sentence.entities.len());
                self.sentence.entities.push(Entity { kind, name, pieces });
            }
            "pair" => {
                let id = attribute(tag, "id")?;
                let mut drugs = [0; 2];
                for (drug, key) in drugs.iter_mut().zip(["e1", "e2"]) {
                    let entity = attribute(tag, key)?;
                    let Some(&place) = self.places.get(&entity) else {
                        return Err(format!("a pair: `{key}` is no entity of the sentence"));
                    };
                    *drug = place;
                }
                let class = class(tag).map_err(|e| format!("a pair: {e}"))?;
                self.open.push((id, drugs, class));
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) {
        if name == "sentence" {
            let sentence = Rc::new(std::mem::take(&mut self.sentence));
            for (id, [first, second], class) in self.open.drain(..) {
                self.pairs.push(Pair { id, sentence: Rc::clone(&sentence), first, second, class });
            }
        }
    }
}

fn class(tag: &BytesStart) -> Result<Class, String> {
    match attribute(tag, "ddi")?.as_str() {
        "false" => Ok(Class::Negative),
        "true" => match find(tag, "type")? {
            None => Ok(Class::Untyped),
            Some(kind) => match LABELS.iter().skip(1).position(|label| *label == kind) {
                Some(place) => Ok(Class::Typed(place + 1)),
                None => Err(format!("expected a type out of {}, got another", LABELS[1..].join(", "))),
            },
        },
        _ => Err("expected ddi true or false, got another value".to_owned()),
    }
}

/// Reads `10-15;20-25`; the ends are included.
fn pieces(offsets: &str, length: usize) -> Result<Vec<(usize, usize)>, String> {
    let piece = |text: &str| {
        let number = |text: &str| text.trim().parse::<usize>().ok();
        let ends = text.split_once('-').and_then(|(from, to)| Some((number(from)?, number(to)?)));
        match ends {
            Some((from, to)) if from <= to && to < length => Ok((from, to + 1)),
            Some((from, to)) => {
                Err(format!("expected offsets within the {length} characters of the sentence, got {from}-{to}"))
            }
            None => Err("expected offsets such as 10-15, got others".to_owned()),
        }
    };
    let mut pieces = offsets.split(';').map(piece).collect::<Result<Vec<_>, _>>()?;
    pieces.sort_unstable();
    Ok(pieces)
}

fn attribute(tag: &BytesStart, key: &str) -> Result<String, String> {
    find(tag, key)?.ok_or_else(|| format!("no attribute `{key}` in <{}>", tag.name().as_ref()))
}

fn find(tag: &BytesStart, key: &str) -> Result<Option<String>, String> {
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|e| xml_problem(&e.into()))?;
        if attribute.key.as_ref() == key {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| xml_problem(&e))?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}
