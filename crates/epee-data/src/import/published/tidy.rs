//! Dropping repeats within a split and inputs that leak from one split into another.

use std::collections::HashSet;

use crate::dataset::Draft;
use epee_input::Example;

/// Drops rows that repeat an earlier input and label of the same split; the notes count them.
pub(super) fn drop_repeats(draft: &mut Draft) {
    for (name, rows) in &mut draft.splits {
        let mut seen = HashSet::new();
        let keep: Vec<bool> = rows.iter().map(|row| seen.insert((row.key(), row.label))).collect();
        if let Some(note) = retain(rows, &keep, name, "repeat an earlier one, with its label") {
            draft.notes.push(note);
        }
    }
}

/// Drops rows of train whose input occurs in dev or test, and rows of dev whose input occurs in
/// test, whatever their labels; the notes count them.
pub(super) fn drop_leaks(draft: &mut Draft) {
    let place = |name: &str| draft.splits.iter().position(|(split, _)| split == name);
    let (train, dev, test) = (place("train"), place("dev"), place("test"));
    for (from, against, why) in [(train, vec![dev, test], "occur in dev or test"), (dev, vec![test], "occur in test")] {
        let Some(from) = from else { continue };
        let others = against.into_iter().flatten().flat_map(|split| &draft.splits[split].1);
        let others: HashSet<_> = others.map(Example::key).collect();
        let keep: Vec<bool> = draft.splits[from].1.iter().map(|row| !others.contains(&row.key())).collect();
        let (name, rows) = &mut draft.splits[from];
        if let Some(note) = retain(rows, &keep, name, why) {
            draft.notes.push(note);
        }
    }
}

/// Keeps the rows marked, and says what was dropped, if anything was.
fn retain(rows: &mut Vec<Example>, keep: &[bool], split: &str, why: &str) -> Option<String> {
    let before = rows.len();
    let mut keep = keep.iter();
    rows.retain(|_| keep.next().is_none_or(|&keep| keep));
    let dropped = before - rows.len();
    (dropped > 0).then(|| format!("dropped {dropped} of {before} {split} rows, which {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::example;

    fn ids(draft: &Draft) -> Vec<Vec<&str>> {
        draft.splits.iter().map(|(_, rows)| rows.iter().map(|row| row.id.as_str()).collect()).collect()
    }

    #[test]
    fn repeats_leave_and_contradictions_stay() {
        let rows = vec![example("1", "a", 0), example("2", "a", 1), example("3", " a\n", 0), example("4", "b", 0)];
        let test = vec![example("1", "b", 0)];
        let splits = vec![("train".into(), rows), ("test".into(), test)];
        let mut draft = Draft { splits, ..Draft::default() };
        drop_repeats(&mut draft);
        assert_eq!(ids(&draft), [vec!["1", "2", "4"], vec!["1"]]);
        assert_eq!(draft.notes, ["dropped 1 of 4 train rows, which repeat an earlier one, with its label"]);
    }

    #[test]
    fn leaks_leave_the_split_that_is_not_measured() {
        let row = |text: &str, label| example(text, text, label);
        let train = vec![row("a", 0), row("b", 0), row("c", 0), row("own", 1)];
        let dev = vec![row("b", 1), row("c", 0), row("d", 0)];
        let test = vec![row("c", 1), row("a", 0), row("e", 0)];
        let splits = vec![("train".into(), train), ("dev".into(), dev), ("test".into(), test)];
        let mut draft = Draft { splits, ..Draft::default() };
        drop_leaks(&mut draft);
        assert_eq!(ids(&draft), [vec!["own"], vec!["b", "d"], vec!["c", "a", "e"]]);
        assert_eq!(
            draft.notes,
            ["dropped 3 of 4 train rows, which occur in dev or test", "dropped 1 of 3 dev rows, which occur in test"]
        );
    }
}
