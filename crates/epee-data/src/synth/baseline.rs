//! A bag-of-words baseline: multinomial logistic regression on word counts.

use std::collections::BTreeMap;

use epee_input::Example;

/// Steps of gradient descent.
const STEPS: usize = 500;
/// Step length: the loss's curvature is at most 1, since a row's length and its bias are 1.
const RATE: f64 = 1.0;
/// How much of the last step goes into the next (Nesterov).
const MOMENTUM: f64 = 0.95;
/// Weight of half the squared weights in the loss, chosen once, on a dev split.
const RIDGE: f64 = 3e-5;

/// Trains a multinomial logistic regression on the words of `train` and returns the class of each example of `test`.
///
/// A word is a run of letters and digits, or any other character by itself, in lower case; a feature is how often it occurs,
/// divided by the length of the vector. Full-batch gradient descent with momentum, from zero weights: nothing is random. Examples of `train`
/// without a label are left out; words that `train` does not have count for nothing.
///
/// ```
/// use epee_data::synth::bag_of_words;
/// use epee_input::Example;
/// let of = |text: &str, label| Example { label: Some(label), ..Example::from(text) };
/// let train = [of("stopped garlic", 0), of("takes garlic", 1)];
/// assert_eq!(bag_of_words(&train, &[of("takes ginger", 1), of("stopped it", 0)], 2), [1, 0]);
/// ```
#[must_use]
pub fn bag_of_words(train: &[Example], test: &[Example], classes: usize) -> Vec<usize> {
    let mut index = BTreeMap::new();
    let mut rows = Vec::new();
    let mut labels = Vec::new();
    for example in train {
        let Some(label) = example.label.filter(|&label| label < classes) else { continue };
        for word in example_words(example) {
            let next = index.len();
            index.entry(word).or_insert(next);
        }
        rows.push(features(example, &index));
        labels.push(label);
    }
    let weights = fit(&rows, &labels, index.len(), classes);
    test.iter().map(|example| argmax(&scores(&features(example, &index), &weights, classes))).collect()
}

fn example_words(example: &Example) -> Vec<String> {
    std::iter::once(&example.text).chain(&example.pair).flat_map(|text| words(text.expose())).collect()
}

/// Runs of letters and digits, and every other character by itself, in lower case.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.to_lowercase().chars() {
        if c.is_alphanumeric() {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if !c.is_whitespace() {
            words.push(c.to_string());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Pairs of feature and value, in the order of the features.
type Row = Vec<(usize, f64)>;

fn features(example: &Example, index: &BTreeMap<String, usize>) -> Row {
    let mut counts = BTreeMap::new();
    for word in example_words(example) {
        if let Some(&feature) = index.get(&word) {
            *counts.entry(feature).or_insert(0.0) += 1.0;
        }
    }
    let length = counts.values().map(|count: &f64| count * count).sum::<f64>().sqrt();
    counts.into_iter().map(|(feature, count)| (feature, count / length)).collect()
}

/// Weights `[features + 1, classes]`, the biases last.
fn fit(rows: &[Row], labels: &[usize], features: usize, classes: usize) -> Vec<f64> {
    let mut weights = vec![0.0; (features + 1) * classes];
    let mut last = weights.clone();
    let share = 1.0 / rows.len().max(1) as f64;
    for _ in 0..STEPS {
        let ahead: Vec<f64> = weights.iter().zip(&last).map(|(now, was)| now + MOMENTUM * (now - was)).collect();
        let mut next: Vec<f64> = ahead.iter().map(|weight| weight * (1.0 - RATE * RIDGE)).collect();
        for (row, &label) in rows.iter().zip(labels) {
            let mut errors = softmax(scores(row, &ahead, classes));
            errors[label] -= 1.0;
            for &(feature, value) in row.iter().chain(&[(features, 1.0)]) {
                for (class, error) in errors.iter().enumerate() {
                    next[feature * classes + class] -= RATE * share * error * value;
                }
            }
        }
        last = std::mem::replace(&mut weights, next);
    }
    weights
}

fn scores(row: &Row, weights: &[f64], classes: usize) -> Vec<f64> {
    let mut scores = weights[weights.len() - classes..].to_vec();
    for &(feature, value) in row {
        for (class, score) in scores.iter_mut().enumerate() {
            *score += value * weights[feature * classes + class];
        }
    }
    scores
}

fn softmax(mut scores: Vec<f64>) -> Vec<f64> {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for score in &mut scores {
        *score = (*score - highest).exp();
    }
    let total: f64 = scores.iter().sum();
    scores.iter().map(|score| score / total).collect()
}

/// The lowest index of the highest score.
fn argmax(scores: &[f64]) -> usize {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = class;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(text: &str, label: usize) -> Example {
        Example { label: Some(label), ..Example::from(text) }
    }

    #[test]
    fn words_are_runs_of_letters_and_single_marks() {
        let words = words("D/c'd [ginkgo] 120 mg");
        assert_eq!(words, ["d", "/", "c", "'", "d", "[", "ginkgo", "]", "120", "mg"]);
    }

    #[test]
    fn a_class_is_learned_and_the_weights_of_the_classes_cancel() {
        let weights = fit(&[vec![(0, 1.0)]], &[1], 1, 2);
        assert!(weights[1] > 1.0 && weights[3] > 1.0);
        assert!((weights[0] + weights[1]).abs() < 1e-9, "the classes' weights sum to zero");
    }

    #[test]
    fn order_is_not_seen() {
        let train = [example("had stopped it, takes it", 0), example("takes it, had stopped it", 1)];
        let seen = bag_of_words(&train, &train, 2);
        assert_eq!(seen[0], seen[1]);
    }

    #[test]
    fn nothing_to_learn_from_is_class_zero() {
        assert_eq!(bag_of_words(&[], &[example("takes it", 1)], 3), [0]);
    }
}
