//! Cutting examples into train, dev and test: seeded, stratified, equal inputs together.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::random::Choices;

/// The shares of train, dev and test; they add up to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fractions {
    train: f64,
    dev: f64,
    test: f64,
}

impl Default for Fractions {
    /// 80, 10 and 10 %.
    fn default() -> Self {
        Self { train: 0.8, dev: 0.1, test: 0.1 }
    }
}

impl Fractions {
    /// Checks that each share is in [0, 1], that train's is above 0 and that they add up to 1.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the numbers.
    pub fn new(train: f64, dev: f64, test: f64) -> Result<Self> {
        let all = [train, dev, test];
        if all.iter().any(|share| !(0.0..=1.0).contains(share)) || train == 0.0 {
            let problem = format!("expected fractions in [0, 1], that of train above 0, got {train},{dev},{test}");
            return Err(Error::Invalid(problem));
        }
        let sum: f64 = all.iter().sum();
        if (sum - 1.0).abs() > 1e-6 {
            return Err(Error::Invalid(format!("expected fractions that add up to 1, got {sum}")));
        }
        Ok(Self { train, dev, test })
    }

    /// Train and dev alone, in the same proportion: for files that bring a test split.
    pub(crate) fn without_test(self) -> Self {
        let sum = self.train + self.dev;
        Self { train: self.train / sum, dev: self.dev / sum, test: 0.0 }
    }
}

impl FromStr for Fractions {
    type Err = Error;

    /// Reads `0.8,0.1,0.1`.
    fn from_str(text: &str) -> Result<Self> {
        let parts: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
        match parts.as_deref() {
            Ok(&[train, dev, test]) => Self::new(train, dev, test),
            _ => Err(Error::Invalid(format!("expected three numbers such as 0.8,0.1,0.1, got `{text}`"))),
        }
    }
}

/// The cut into train, dev and test for files that bring no splits.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct Cut {
    /// Seed of the cut, if the dataset brings no splits
    #[cfg_attr(feature = "clap", arg(long, default_value_t = 1))]
    pub seed: u64,
    /// Shares of train, dev and test in that cut: stratified, equal texts together
    #[cfg_attr(feature = "clap", arg(long, value_name = "TRAIN,DEV,TEST", default_value = "0.8,0.1,0.1"))]
    pub fractions: Fractions,
}

impl Default for Cut {
    /// Seed 1, 80/10/10.
    fn default() -> Self {
        Self { seed: 1, fractions: Fractions::default() }
    }
}

/// Indices of train, dev and test, each in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub struct Partition {
    pub train: Vec<usize>,
    pub dev: Vec<usize>,
    pub test: Vec<usize>,
}

/// Cuts rows with the given keys (their texts) and classes into three.
///
/// Rows with equal keys always land together. Dev and test get `ceil(n · share)` rows (train what
/// is left), spread over the classes in proportion, by largest remainder. A class keeps at least
/// one row in train. The same keys, classes and seed give the same cut on every machine. If
/// many rows share a key, sizes may fall short of this by less than the largest such group.
///
/// `keys` and `labels` have the same length; a row beyond the shorter one is left out.
///
/// ```
/// let keys: Vec<String> = (0..100).map(|i| format!("text {i}")).collect();
/// let labels: Vec<usize> = (0..100).map(|i| i % 2).collect();
/// let cut = epee_data::partition(&keys, &labels, epee_data::Fractions::default(), 1);
/// assert_eq!([cut.train.len(), cut.dev.len(), cut.test.len()], [80, 10, 10]);
/// ```
pub fn partition<K: AsRef<str>>(keys: &[K], labels: &[usize], fractions: Fractions, seed: u64) -> Partition {
    let mut strata = strata(keys, labels);
    let mut choices = Choices::new(seed, 0);
    for groups in &mut strata {
        choices.shuffle(groups);
    }
    let sizes: Vec<usize> = strata.iter().map(|groups| groups.iter().map(Vec::len).sum()).collect();
    // A class's last row stays in train.
    let mut room: Vec<usize> = sizes.iter().map(|&n| n.saturating_sub(1)).collect();
    let mut take = |share: f64| {
        let quotas = apportion(&sizes, &room, share);
        for (room, quota) in room.iter_mut().zip(&quotas) {
            *room -= quota;
        }
        let mut rows: Vec<usize> =
            strata.iter_mut().zip(quotas).flat_map(|(groups, quota)| draw(groups, quota)).flatten().collect();
        rows.sort_unstable();
        rows
    };
    let test = take(fractions.test);
    let dev = take(fractions.dev);
    let mut train: Vec<usize> = strata.into_iter().flatten().flatten().collect();
    train.sort_unstable();
    Partition { train, dev, test }
}

/// Per class, in ascending order of the class, its groups of rows with one key; a group counts
/// under the class of its first row.
fn strata<K: AsRef<str>>(keys: &[K], labels: &[usize]) -> Vec<Vec<Vec<usize>>> {
    let mut group_of: HashMap<&str, (usize, usize)> = HashMap::new();
    let mut strata: BTreeMap<usize, Vec<Vec<usize>>> = BTreeMap::new();
    for (row, (key, &label)) in keys.iter().zip(labels).enumerate() {
        let (label, group) = *group_of.entry(key.as_ref()).or_insert_with(|| {
            let groups = strata.entry(label).or_default();
            groups.push(Vec::new());
            (label, groups.len() - 1)
        });
        strata.entry(label).or_default()[group].push(row);
    }
    strata.into_values().collect()
}

/// Spreads `ceil(n · share)` over classes in proportion to `sizes`, by largest remainder, none
/// above its `room`.
fn apportion(sizes: &[usize], room: &[usize], share: f64) -> Vec<usize> {
    let total: usize = sizes.iter().sum();
    // 868 of 8,680 is 868, though a tenth is no binary number.
    let target = (total as f64 * share - 1e-9).ceil().max(0.0) as usize;
    let exact: Vec<f64> = sizes.iter().map(|&n| n as f64 * target as f64 / total.max(1) as f64).collect();
    let mut quotas: Vec<usize> = exact.iter().zip(room).map(|(&x, &room)| (x as usize).min(room)).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    let mut left = target.saturating_sub(quotas.iter().sum());
    while left > 0 {
        let before = left;
        for &class in &order {
            if left > 0 && quotas[class] < room[class] {
                quotas[class] += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    quotas
}

/// Takes groups off the end until `quota` rows are taken; a group that does not fit stays.
fn draw(groups: &mut Vec<Vec<usize>>, quota: usize) -> Vec<Vec<usize>> {
    let mut taken = Vec::new();
    let mut rows = 0;
    for i in (0..groups.len()).rev() {
        // The class's last group stays in train.
        if rows < quota && rows + groups[i].len() <= quota && groups.len() > 1 {
            rows += groups[i].len();
            taken.push(groups.remove(i));
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fractions_are_checked() {
        assert_eq!("0.8,0.1,0.1".parse::<Fractions>().unwrap(), Fractions::default());
        assert_eq!("1,0,0".parse::<Fractions>().unwrap(), Fractions::new(1.0, 0.0, 0.0).unwrap());
        let message = |text: &str| text.parse::<Fractions>().unwrap_err().to_string();
        assert_eq!(message("0.8,0.2"), "expected three numbers such as 0.8,0.1,0.1, got `0.8,0.2`");
        assert_eq!(message("0.8,0.1,0.2"), "expected fractions that add up to 1, got 1.1");
        for bad in ["0,0.5,0.5", "-0.1,0.6,0.5", "NaN,0.5,0.5", "inf,0,0"] {
            assert!(message(bad).starts_with("expected fractions in [0, 1]"), "{bad}");
        }
    }

    #[test]
    fn a_class_of_one_row_stays_in_train() {
        let keys: Vec<String> = (0..11).map(|i| i.to_string()).collect();
        let labels = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0];
        for seed in 0..50 {
            let cut = partition(&keys, &labels, Fractions::default(), seed);
            assert!(cut.train.contains(&5), "seed {seed}");
        }
    }

    #[test]
    fn one_text_stays_within_one_split() {
        let keys: Vec<String> = (0..400).map(|i| (i % 300).to_string()).collect();
        let labels: Vec<usize> = (0..400).map(|i| usize::from(i % 7 == 0)).collect();
        for seed in 0..20 {
            let cut = partition(&keys, &labels, Fractions::default(), seed);
            let keys_of = |rows: &[usize]| -> std::collections::BTreeSet<&str> {
                rows.iter().map(|&row| keys[row].as_str()).collect()
            };
            let (train, dev, test) = (keys_of(&cut.train), keys_of(&cut.dev), keys_of(&cut.test));
            assert!(train.is_disjoint(&dev) && train.is_disjoint(&test) && dev.is_disjoint(&test));
            // A pair too large for the last free row is left in train.
            assert!((38..=40).contains(&cut.dev.len()), "seed {seed}");
            assert!((38..=40).contains(&cut.test.len()), "seed {seed}");
        }
    }

    #[test]
    fn the_cut_is_the_same_on_every_machine() {
        let keys: Vec<String> = (0..20).map(|i| i.to_string()).collect();
        let labels: Vec<usize> = (0..20).map(|i| i % 2).collect();
        let cut = partition(&keys, &labels, Fractions::default(), 1);
        assert_eq!((cut.dev, cut.test), (vec![0, 9], vec![8, 15]));
    }

    proptest! {
        #[test]
        fn every_row_once_stratified_and_repeatable(
            labels in prop::collection::vec(0_usize..4, 1..400),
            seed in any::<u64>(),
            (train, dev) in (0.1_f64..0.9, 0.0_f64..0.5),
        ) {
            let dev = dev * (1.0 - train);
            let fractions = Fractions::new(train, dev, 1.0 - train - dev).unwrap();
            let keys: Vec<String> = (0..labels.len()).map(|i| i.to_string()).collect();
            let cut = partition(&keys, &labels, fractions, seed);
            prop_assert_eq!(&cut, &partition(&keys, &labels, fractions, seed));
            let mut all = [cut.train.clone(), cut.dev.clone(), cut.test.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
            for (rows, share) in [(&cut.dev, dev), (&cut.test, 1.0 - train - dev)] {
                for class in 0..4 {
                    let in_class = |&&row: &&usize| labels[row] == class;
                    let of = labels.iter().filter(|&&label| label == class).count() as f64;
                    let got = rows.iter().filter(in_class).count() as f64;
                    // Largest remainder: within one of the proportion, and the rounding up of
                    // the total adds at most one more; a train row is kept in reserve.
                    prop_assert!((got - of * share).abs() <= 4.0, "{got} of {of}, share {share}");
                }
            }
            for class in 0..4 {
                let holds = |rows: &[usize]| rows.iter().any(|&row| labels[row] == class);
                prop_assert!(holds(&cut.train) || !(holds(&cut.dev) || holds(&cut.test)));
            }
        }
    }
}
