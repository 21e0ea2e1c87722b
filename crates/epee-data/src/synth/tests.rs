use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::phrases::{GRADES, filler, phrases};
use super::*;

const QUICK: SynthConfig = SynthConfig { seed: 1, train: 4000, dev: 1000, test: 5000 };

fn splits(notes: &Splits) -> [(&str, &Vec<Example>); 3] {
    [("train", &notes.train), ("dev", &notes.dev), ("test", &notes.test)]
}

fn template(example: &Example) -> &str {
    example.id.split_once('/').unwrap().0
}

#[test]
fn a_seed_gives_the_same_notes_whatever_the_other_splits_and_the_counts_are_the_papers() {
    let config = SynthConfig::default();
    let notes = generate(&config);
    assert_eq!(notes, generate(&config));
    assert_ne!(notes.train, generate(&SynthConfig { seed: 2, ..config }).train);
    assert_eq!(notes.test, generate(&SynthConfig { train: 10, ..config }).test);
    assert_eq!(splits(&notes).map(|(_, split)| split.len()), [2000, 230, 230]);
}

#[test]
fn classes_are_even_and_every_grade_is_there() {
    let notes = generate(&QUICK);
    for (name, split) in splits(&notes) {
        let mut classes = [0_usize; 4];
        let mut grades = BTreeMap::new();
        for note in split {
            classes[note.label.unwrap()] += 1;
            *grades.entry(note.grade.unwrap()).or_insert(0_usize) += 1;
        }
        let even = split.len() / 4;
        for count in classes {
            assert!(count.abs_diff(even) <= even / 50, "{name}: {classes:?}");
        }
        let total: usize = SHARES.iter().sum();
        for (grade, share) in (1..).zip(SHARES) {
            assert_eq!(grades[&grade], split.len() * share / total, "{name}: {grades:?}");
        }
    }
    let seen: HashSet<_> = notes.test.iter().map(|note| (note.grade, note.label)).collect();
    assert_eq!(seen.len(), 5 * 4, "every grade has every class");
    let distinct: HashSet<&str> = notes.test.iter().map(|note| note.text.expose()).collect();
    assert!(distinct.len() > 4900, "{} distinct sentences of 5000", distinct.len());
}

#[test]
fn no_template_and_no_sentence_of_one_split_is_in_another() {
    let notes = generate(&QUICK);
    let splits = splits(&notes);
    for (i, (left, a)) in splits.iter().enumerate() {
        for (right, b) in &splits[i + 1..] {
            let templates: HashSet<&str> = a.iter().map(template).collect();
            let texts: HashSet<&str> = a.iter().map(|note| note.text.expose()).collect();
            for note in *b {
                assert!(!templates.contains(template(note)), "{left} and {right} share {}", note.id);
                assert!(!texts.contains(note.text.expose()), "{left} and {right} share {:?}", note.text.expose());
            }
        }
    }
    let mut frames = HashSet::new();
    for grade in GRADES.iter() {
        for frame in grade.values().flatten() {
            assert!(frames.insert(frame.to_lowercase()), "`{frame}` is there twice");
        }
    }
}

#[test]
fn the_same_sentence_never_has_two_labels() {
    let notes = generate(&QUICK);
    let mut labels = BTreeMap::new();
    for (_, split) in splits(&notes) {
        for note in split {
            let label = labels.entry(note.text.expose().to_lowercase()).or_insert(note.label);
            assert_eq!(*label, note.label, "{}", note.text.expose());
        }
    }
}

#[test]
fn no_slot_is_left_open_and_the_supplement_is_marked_where_there_are_two() {
    let notes = generate(&QUICK);
    for (_, split) in splits(&notes) {
        for note in split {
            let text = note.text.expose();
            assert!(!text.contains(['{', '}', '@']), "{text}");
            assert!(!text.contains("  "), "{text}");
            let plain = text.replace(['[', ']'], "").to_lowercase();
            let named = SUPPLEMENTS.iter().filter(|name| plain.contains(&name.to_lowercase())).count();
            let marks = text.matches('[').count();
            assert_eq!(marks, text.matches(']').count(), "{text}");
            if note.grade >= Some(4) {
                assert_eq!((named, marks), (2, 1), "{text}");
            } else {
                assert_eq!((named, marks), (1, 0), "{text}");
            }
        }
    }
}

/// Two notes are made of each two-supplement sentence: apart from the brackets they are the same.
#[test]
fn a_sentence_with_two_supplements_is_asked_about_both() {
    let train = generate(&QUICK).train;
    let mut labels: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for note in train.iter().filter(|note| note.grade >= Some(4)) {
        labels
            .entry(note.text.expose().replace(['[', ']'], "").to_lowercase())
            .or_default()
            .insert(note.label.unwrap());
    }
    for (text, labels) in labels {
        assert!(labels.len() >= 2, "{text}");
    }
}

#[test]
fn every_slot_of_every_frame_and_phrase_can_be_filled() {
    let mut choices = Choices::new(1, 0);
    let scene = Scene::new(&mut choices, Status::Started, Status::Continuing);
    for grade in GRADES.iter() {
        for frame in grade.values().flatten() {
            for _ in 0..100 {
                assert!(!scene.write(&mut choices, frame, Some(0)).contains(['{', '}', '@']));
            }
        }
    }
    for form in ["plain", "negated", "past", "present", "hedged"] {
        for status in Status::ALL {
            for phrase in phrases(form, status).unwrap() {
                assert_eq!(phrase.matches('@').count(), 1, "`{phrase}`");
                scene.write(&mut choices, phrase, None);
            }
        }
    }
}

/// A model that starts from nothing cannot know a word that it has never met: what is held out is the frames.
#[test]
fn dev_and_test_use_no_word_that_training_lacks() {
    let words = |split: &[Example]| -> BTreeSet<String> {
        let words = split.iter().flat_map(|note| note.text.expose().split(|c: char| !c.is_alphanumeric()));
        words.map(str::to_lowercase).collect()
    };
    for seed in 1..=5 {
        let notes = generate(&SynthConfig { seed, ..QUICK });
        let known = words(&notes.train);
        for split in [&notes.dev, &notes.test] {
            let unknown: Vec<String> = words(split).difference(&known).cloned().collect();
            assert!(unknown.is_empty(), "seed {seed}: {unknown:?}");
        }
    }
}

#[test]
fn fillers_name_no_supplement() {
    for slot in ["past", "day", "reason", "visit", "source", "drug", "finding", "denial", "often", "amount"] {
        for text in filler(slot).unwrap() {
            assert!(!SUPPLEMENTS.iter().any(|name| text.contains(name)), "`{text}`");
        }
    }
}

#[test]
fn the_embedded_vocabulary_is_the_default_seeds() {
    let notes = generate(&SynthConfig::default());
    let made = train_tokenizer(notes.train.iter().map(|note| note.text.expose())).unwrap();
    if made != DEFAULT_TOKENIZER {
        let path = std::env::temp_dir().join("notes-tokenizer.json");
        std::fs::write(&path, made).unwrap();
        panic!("assets/notes-tokenizer.json is not what the generator makes now, which is in {}", path.display());
    }
}

#[test]
fn what_is_written_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("notes");
    let config = SynthConfig { seed: 3, train: 400, dev: 40, test: 40 };
    let dataset = write(&config, &out, false).unwrap();
    assert_eq!(dataset.info().labels, ["Continuing", "Discontinued", "Started", "Uncertain"]);
    assert!(out.join("tokenizer.json").is_file());
    assert!(matches!(write(&config, &out, false), Err(crate::Error::NotEmpty { .. })));
    write(&config, &out, true).unwrap();
}
