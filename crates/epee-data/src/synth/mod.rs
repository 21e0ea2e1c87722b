//! Generated notes on dietary supplements, in the scheme of the paper's private data set.

mod expand;
mod frames;
mod phrases;
mod random;
mod status;

pub use status::{SUPPLEMENTS, Status};

use expand::Scene;
use frames::GRADES;
use random::Choices;

/// How much to generate, and from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SynthConfig {
    /// Seed of every choice.
    pub seed: u64,
    /// Sentences of the training split.
    pub train: usize,
    /// Sentences of the development split.
    pub dev: usize,
    /// Sentences of the test split.
    pub test: usize,
}

impl Default for SynthConfig {
    /// Seed 1 and the paper's counts, 2000/230/230.
    fn default() -> Self {
        Self { seed: 1, train: 2000, dev: 230, test: 230 }
    }
}

/// A generated sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The sentence.
    pub text: String,
    /// The target's use status.
    pub status: Status,
    /// Difficulty, 1 to 5.
    pub grade: u8,
    /// The frame it was made from, such as `g4-test-03`.
    pub template: String,
}

/// The three splits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notes {
    /// Training sentences.
    pub train: Vec<Note>,
    /// Development sentences.
    pub dev: Vec<Note>,
    /// Test sentences.
    pub test: Vec<Note>,
}

#[derive(Debug, Clone, Copy)]
enum Split {
    Train,
    Dev,
    Test,
}

/// Of 20 sentences, how many are of grades 1 to 5.
const SHARES: [usize; 5] = [3, 3, 4, 6, 4];

/// Generates the three splits.
#[must_use]
pub fn generate(config: &SynthConfig) -> Notes {
    Notes {
        train: split(config.seed, Split::Train, config.train),
        dev: split(config.seed, Split::Dev, config.dev),
        test: split(config.seed, Split::Test, config.test),
    }
}

fn split(seed: u64, split: Split, count: usize) -> Vec<Note> {
    let mut choices = Choices::new(seed, split as u64);
    let mut notes = Vec::with_capacity(count);
    let mut done = 0;
    for (grade, share) in SHARES.iter().enumerate() {
        done += share;
        let end = count * done / SHARES.iter().sum::<usize>();
        let begin = notes.len();
        while notes.len() < end {
            let index = notes.len() - begin;
            add_notes(&mut choices, split, grade, index, &mut notes);
        }
        notes.truncate(end);
    }
    choices.shuffle(&mut notes);
    notes
}

fn add_notes(choices: &mut Choices, split: Split, grade: usize, index: usize, notes: &mut Vec<Note>) {
    let (frames, name) = match split {
        Split::Train => (GRADES[grade].train, "train"),
        Split::Dev => (GRADES[grade].dev, "dev"),
        Split::Test => (GRADES[grade].test, "test"),
    };
    let number = choices.below(frames.len());
    let frame = frames[number];
    let two = frame.contains(".b");
    let pair = if two { index / 2 } else { index };
    let first = Status::ALL[pair % 4];
    let second = Status::ALL[(first.index() + 1 + (pair / 4) % 3) % 4];
    let scene = Scene::new(choices, first, second);
    let mut add = |choices: &mut Choices, status: Status, marked| {
        notes.push(Note {
            text: scene.write(choices, frame, marked),
            status,
            grade: u8::try_from(grade + 1).unwrap_or(u8::MAX),
            template: format!("g{}-{name}-{:02}", grade + 1, number + 1),
        });
    };
    if two {
        add(&mut choices.clone(), first, Some(0));
        add(choices, second, Some(1));
    } else {
        let marked = choices.percent(50).then_some(0);
        add(choices, first, marked);
    }
}
