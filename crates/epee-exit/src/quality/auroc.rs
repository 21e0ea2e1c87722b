//! How well a score tells two groups apart.

/// The area under the ROC curve: how often a member of the group scores above one outside it, ties
/// counting half (Mann and Whitney's U over the number of pairs). `None` if either side is
/// empty. Each item is a score and whether it is a member; sorts them.
pub(super) fn auroc(items: &mut [(f64, bool)]) -> Option<f64> {
    items.sort_by(|a, b| a.0.total_cmp(&b.0));
    let members = items.iter().filter(|item| item.1).count() as u64;
    let others = items.len() as u64 - members;
    // Twice the number of pairs won, so that a tie is whole.
    let (mut won, mut others_below) = (0u64, 0u64);
    for tied in items.chunk_by(|a, b| a.0 == b.0) {
        let here = tied.iter().filter(|item| item.1).count() as u64;
        let others_here = tied.len() as u64 - here;
        won += here * (2 * others_below + others_here);
        others_below += others_here;
    }
    (members > 0 && others > 0).then(|| won as f64 / (2 * members * others) as f64)
}

#[cfg(test)]
mod tests {
    use super::auroc;

    #[test]
    fn pairs_are_counted() {
        assert_eq!(auroc(&mut [(0.9, true), (0.1, false)]), Some(1.0));
        assert_eq!(auroc(&mut [(0.1, true), (0.9, false)]), Some(0.0));
        assert_eq!(auroc(&mut [(0.5, true), (0.5, false), (0.2, false)]), Some(0.75));
        assert_eq!(auroc(&mut [(0.5, true), (0.4, true)]), None);
        assert_eq!(auroc(&mut [(0.5, false)]), None);
        assert_eq!(auroc(&mut []), None);
        // 0.0 and -0.0 are a tie.
        assert_eq!(auroc(&mut [(0.0, false), (-0.0, true)]), Some(0.5));
    }
}
