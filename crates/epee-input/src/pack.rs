//! Packing sequences of unequal length into batches, end to end and without padding.

/// Batches by token budget: indices into `lengths`, in their order, each exactly once.
///
/// A batch takes sequences as long as their lengths add up to at most `token_budget`. A sequence
/// longer than the budget is a batch of its own. As there is no padding, the cost of a batch is
/// its number of tokens, whatever lengths meet in it; so the order given is kept.
///
/// ```
/// assert_eq!(epee_input::pack(&[3, 4, 9, 1, 1], 8), [vec![0, 1], vec![2], vec![3, 4]]);
/// ```
pub fn pack(lengths: &[usize], token_budget: usize) -> Vec<Vec<usize>> {
    let order: Vec<usize> = (0..lengths.len()).collect();
    pack_order(lengths, &order, token_budget, usize::MAX)
}

/// Batches by number of sequences: chunks of `order`, the last one perhaps shorter.
///
/// Training's "16 sequences" over a shuffled order. A `batch_size` of 0 counts as 1.
///
/// ```
/// assert_eq!(epee_input::pack_count(&[4, 0, 2, 1, 3], 2), [vec![4, 0], vec![2, 1], vec![3]]);
/// ```
pub fn pack_count(order: &[usize], batch_size: usize) -> Vec<Vec<usize>> {
    order.chunks(batch_size.max(1)).map(<[usize]>::to_vec).collect()
}

/// Batches by both: at most `token_budget` tokens and at most `batch_size` sequences.
///
/// `order` holds indices into `lengths`; an index outside counts as an empty sequence. A sequence
/// longer than the budget is a batch of its own; a `batch_size` of 0 counts as 1.
pub fn pack_order(lengths: &[usize], order: &[usize], token_budget: usize, batch_size: usize) -> Vec<Vec<usize>> {
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    let mut tokens = 0_usize;
    for &index in order {
        let length = lengths.get(index).copied().unwrap_or(0);
        let full = batch.len() >= batch_size.max(1) || tokens.saturating_add(length) > token_budget;
        if full && !batch.is_empty() {
            batches.push(std::mem::take(&mut batch));
            tokens = 0;
        }
        batch.push(index);
        tokens = tokens.saturating_add(length);
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_packs_to_nothing() {
        assert!(pack(&[], 8).is_empty());
        assert!(pack_count(&[], 8).is_empty());
    }

    #[test]
    fn a_budget_of_zero_gives_one_sequence_a_batch() {
        assert_eq!(pack(&[2, 3], 0), [vec![0], vec![1]]);
        assert_eq!(pack_count(&[1, 0], 0), [vec![1], vec![0]]);
        assert_eq!(pack_order(&[2, 3], &[1, 0], usize::MAX, 0), [vec![1], vec![0]]);
    }

    #[test]
    fn lengths_near_the_limit_of_usize_do_not_overflow() {
        assert_eq!(pack(&[usize::MAX, usize::MAX, 1], 8), [vec![0], vec![1], vec![2]]);
    }

    proptest! {
        #[test]
        fn every_index_once_in_order_and_within_the_budget(
            lengths in prop::collection::vec(0_usize..60, 0..200),
            budget in 0_usize..200,
            batch_size in 1_usize..20,
        ) {
            let order: Vec<usize> = (0..lengths.len()).rev().collect();
            let batches = pack_order(&lengths, &order, budget, batch_size);
            prop_assert_eq!(batches.concat(), order);
            let tokens = |batch: &[usize]| batch.iter().map(|&i| lengths[i]).sum::<usize>();
            for (i, batch) in batches.iter().enumerate() {
                prop_assert!(!batch.is_empty() && batch.len() <= batch_size);
                prop_assert!(batch.len() == 1 || tokens(batch) <= budget);
                // Greedy: what starts the next batch did not fit into this one.
                if let Some(next) = batches.get(i + 1) {
                    let with_next = tokens(batch) + lengths[next[0]];
                    prop_assert!(batch.len() == batch_size || with_next > budget);
                }
            }
        }
    }
}
