//! Validates SentencePiece's table of characters, since the library that reads it does not check its indices.
//!
//! The table is a double-array trie, its length in bytes before it, and then the texts that its leaves point to, each
//! with a zero after it. `spm_precompiled` indexes both as the table says: one that is damaged would make it panic.

/// True if no text can lead outside of the table.
pub(super) fn is_sound(charsmap: &[u8]) -> bool {
    let Some((len, rest)) = charsmap.split_first_chunk::<4>() else { return false };
    let Some((trie, texts)) = rest.split_at_checked(u32::from_le_bytes(*len) as usize) else { return false };
    let Ok(texts) = std::str::from_utf8(texts) else { return false };
    let (units, odd) = trie.as_chunks::<4>();
    let units: Vec<u32> = units.iter().map(|unit| u32::from_le_bytes(*unit)).collect();
    let Some(root) = units.first().filter(|_| odd.is_empty()) else { return false };
    let mut seen = vec![false; units.len()];
    let mut open = vec![offset(*root)];
    while let Some(base) = open.pop() {
        for byte in 1..=255 {
            let at = base ^ byte;
            let Some(&unit) = units.get(at) else { return false };
            if label(unit) != byte || std::mem::replace(&mut seen[at], true) {
                continue;
            }
            let next = at ^ offset(unit);
            if has_leaf(unit) {
                let text = units.get(next).map(|leaf| (leaf & 0x7FFF_FFFF) as usize);
                if !text.is_some_and(|start| texts.is_char_boundary(start)) {
                    return false;
                }
            }
            open.push(next);
        }
    }
    true
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
