use std::collections::HashSet;

use super::{CellsConfig, Kind, generate, nearest_colour, write};
use epee_files::sha256;
use epee_input::Example;

fn small(seed: u64) -> CellsConfig {
    CellsConfig { seed, train: 400, dev: 40, test: 200, ..CellsConfig::default() }
}

#[test]
fn kinds_and_grades_are_equally_frequent() {
    let cells = generate(&small(1));
    for (split, each) in [(&cells.train, 10), (&cells.dev, 1), (&cells.test, 5)] {
        for kind in Kind::ALL {
            for grade in 1..=5 {
                let here = |e: &&Example| e.label == Some(kind.index()) && e.grade == Some(grade);
                assert_eq!(split.iter().filter(here).count(), each, "{kind:?} {grade}");
            }
        }
    }
    let all = cells.train.iter().chain(&cells.dev).chain(&cells.test);
    assert_eq!(all.map(|e| e.image.clone()).collect::<HashSet<_>>().len(), 640, "no image twice");
}

#[test]
fn the_bytes_of_a_seed_never_change() {
    let digest = |seed| {
        let pixels: Vec<u8> = generate(&CellsConfig { train: 80, dev: 8, test: 8, ..small(seed) })
            .train
            .iter()
            .flat_map(|e| e.image.as_ref().unwrap().data.to_vec())
            .collect();
        sha256(&pixels)
    };
    assert_eq!(digest(1), "sha256:2f3146fb674671c29a81666549997720fc3613fe5c05e4176b542d8f3f2bd7a8");
    assert_ne!(digest(1), digest(2));
}

#[test]
fn what_is_drawn_is_written_and_read() {
    let dir = tempfile::tempdir().unwrap();
    let config = CellsConfig { train: 80, dev: 40, test: 40, pixels: 16, seed: 3 };
    let dataset = write(&config, &dir.path().join("cells"), false).unwrap();
    assert_eq!(dataset.split("dev").unwrap().examples, generate(&config).dev);
    let error = write(&CellsConfig { pixels: 7, ..config }, &dir.path().join("no"), false).unwrap_err();
    assert_eq!(error.to_string(), "expected sides from 8 to 512 pixels, got 7");
}

/// Share of a grade's test images whose kind is that of the nearest mean of the training images' mean colours.
fn by_colour(grade: u32) -> f64 {
    let cells = generate(&CellsConfig { train: 2000, test: 800, ..small(1) });
    let here = |rows: &[Example]| rows.iter().filter(|e| e.grade == Some(grade)).cloned().collect::<Vec<_>>();
    let test = here(&cells.test);
    let found = nearest_colour(&here(&cells.train), &test, Kind::ALL.len());
    let correct = found.iter().zip(&test).filter(|(found, example)| Some(**found) == example.label).count();
    correct as f64 / test.len() as f64
}

#[test]
fn colour_tells_at_the_first_grade_and_not_at_the_last() {
    let shares: Vec<f64> = (1..=5).map(by_colour).collect();
    println!("by mean colour, grades 1 to 5: {shares:.3?}");
    assert!(shares[0] > 0.95 && shares[4] < 0.35, "{shares:.3?}");
    assert!(shares.is_sorted_by(|a, b| a >= b), "{shares:.3?}");
}
