//! Validates SentencePiece's table of characters, since the library that reads it does not check its indices.
//!
//! The table is a double-array trie, its length in bytes before it, and then the texts that its leaves point to, each
//! with a zero after it. `spm_precompiled` indexes both as the table says: one that is damaged would make it panic.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The table as a `tokenizer.json` holds it.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The length in bytes of the longest text that a character becomes; `None` if a text can lead outside of the table.
pub(super) fn longest_text(charsmap: &[u8]) -> Option<usize> {
    let (len, rest) = charsmap.split_first_chunk::<4>()?;
    let (trie, texts) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
    let texts = std::str::from_utf8(texts).ok()?;
    let (units, odd) = trie.as_chunks::<4>();
    let units: Vec<u32> = units.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
    let root = units.first().filter(|_| odd.is_empty())?;
    let mut seen = vec![false; units.len()];
    let mut open = vec![offset(*root)];
    let mut longest = 0;
    while let Some(base) = open.pop() {
        for byte in 1..=255 {
            let at = base ^ byte;
            let &unit = units.get(at)?;
            if label(unit) != byte || std::mem::replace(&mut seen[at], true) {
                continue;
            }
            let next = at ^ offset(unit);
            if has_leaf(unit) {
                let start = (units.get(next)? & 0x7FFF_FFFF) as usize;
                let text = texts.get(start..)?;
                longest = longest.max(text.find('\0').unwrap_or(text.len()));
            }
            open.push(next);
        }
    }
    Some(longest)
}

/// How far away a unit's children are.
fn offset(unit: u32) -> usize {
    ((unit as usize) >> 10) << ((unit & (1 << 9)) >> 6)
}

/// The byte that leads to a unit; a leaf has none.
fn label(unit: u32) -> usize {
    (unit & ((1 << 31) | 0xFF)) as usize
}

fn has_leaf(unit: u32) -> bool {
    (unit >> 8) & 1 == 1
}
