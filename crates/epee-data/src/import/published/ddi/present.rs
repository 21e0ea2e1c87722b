//! Marking or blinding the two drugs of a pair within their sentence.

use super::super::Entities;
use super::xml::{Entity, Pair};

/// The sentence with its two drugs marked, or with all drugs blinded.
///
/// Marks are `@` around the first drug and `#` around the second, typed ones `@ * brand *` and
/// `# ^ group ^` (Zhou and Chen 2022): characters that every vocabulary has as one token. Each piece of
/// a discontinuous mention is marked. Blinded, the two are `DRUG1` and `DRUG2`, the others `DRUG0`.
pub(super) fn present(pair: &Pair, entities: Entities) -> String {
    let text = match entities {
        Entities::Markers => mark(pair, ["@".to_owned(), "#".to_owned()]),
        Entities::Typed => {
            let kind = |place: usize| &pair.sentence.entities[place].kind;
            mark(pair, [format!("@ * {} *", kind(pair.first)), format!("# ^ {} ^", kind(pair.second))])
        }
        Entities::Blind => blind(pair),
    };
    text.trim().to_owned()
}

/// Puts an opening before and a sign behind each piece; a piece within another is marked within it.
fn mark(pair: &Pair, openings: [String; 2]) -> String {
    let sentence = &pair.sentence;
    // Where, openings behind closings, the longer outside; what.
    let mut marks: Vec<((usize, bool, isize, usize), String)> = Vec::new();
    for (order, (place, opening)) in [pair.first, pair.second].into_iter().zip(openings).enumerate() {
        let sign = opening.chars().take(1).collect::<String>();
        for &(from, to) in &sentence.entities[place].pieces {
            let length = (to - from) as isize;
            marks.push(((from, true, -length, order), format!("{opening} ")));
            marks.push(((to, false, length, 1 - order), format!(" {sign}")));
        }
    }
    marks.sort();
    let mut text = String::new();
    let mut marks = marks.into_iter().peekable();
    for at in 0..=sentence.text.len() {
        while let Some((_, mark)) = marks.next_if(|((place, ..), _)| *place == at) {
            text.push_str(&mark);
        }
        text.extend(sentence.text.get(at));
    }
    text
}

/// Each drug once, by its number, in the place of its first piece.
fn blind(pair: &Pair) -> String {
    let sentence = &pair.sentence;
    let numbers = (0..sentence.entities.len()).map(|place| match place {
        _ if place == pair.first => 1,
        _ if place == pair.second => 2,
        _ => 0,
    });
    let size = |entity: &Entity| entity.pieces.iter().map(|(from, to)| to - from).sum::<usize>();
    let mut order: Vec<(usize, &Entity)> = numbers.zip(&sentence.entities).collect();
    // Later ones cover earlier ones: the pair's over the others, the shorter over the longer.
    order.sort_by_key(|(number, entity)| (*number > 0, std::cmp::Reverse(size(entity))));
    let mut owners: Vec<Option<usize>> = vec![None; sentence.text.len()];
    for (owner, (_, entity)) in order.iter().enumerate() {
        for &(from, to) in &entity.pieces {
            owners[from..to].fill(Some(owner));
        }
    }
    let mut text = String::new();
    let mut shown = vec![false; order.len()];
    for (at, owner) in owners.iter().enumerate() {
        match *owner {
            None => text.extend(sentence.text.get(at)),
            Some(owner) if !std::mem::replace(&mut shown[owner], true) => {
                if text.ends_with(|c: char| c.is_alphanumeric()) {
                    text.push(' ');
                }
                text.push_str(&format!("DRUG{}", order[owner].0));
                // One of the pair whose every character is the other's.
                for (hidden, (number, entity)) in order.iter().enumerate() {
                    let covered = !owners.contains(&Some(hidden));
                    if *number > 0 && covered && entity.pieces.iter().any(|&(from, to)| (from..to).contains(&at)) {
                        text.push_str(&format!(" DRUG{number}"));
                    }
                }
                if owners.get(at + 1).is_some_and(|next| next.is_some_and(|next| next != owner)) {
                    text.push(' ');
                }
            }
            Some(owner) => {
                let next = owners.get(at + 1).copied().flatten();
                if next.is_some_and(|next| next != owner) && !text.ends_with(' ') {
                    text.push(' ');
                }
            }
        }
    }
    text
}
