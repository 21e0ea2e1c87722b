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
const SHARES: [usize; 5] = [5, 4, 4, 4, 3];

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
    let grades: Vec<usize> = SHARES
        .iter()
        .enumerate()
        .flat_map(|(grade, &share)| std::iter::repeat_n(grade, share))
        .collect();
    let mut notes: Vec<Note> = (0..count)
        .map(|i| {
            // Every block of 80 sentences holds each grade with each status in its share.
            let status = Status::ALL[i % 4];
            let grade = grades[(i / 4) % grades.len()];
            note(&mut choices, split, grade, status)
        })
        .collect();
    choices.shuffle(&mut notes);
    notes
}

fn note(choices: &mut Choices, split: Split, grade: usize, status: Status) -> Note {
    let (frames, name) = match split {
        Split::Train => (GRADES[grade].train, "train"),
        Split::Dev => (GRADES[grade].dev, "dev"),
        Split::Test => (GRADES[grade].test, "test"),
    };
    let index = choices.below(frames.len());
    let frame = frames[index];
    let marked = frame.contains(".o}") || choices.percent(50);
    let scene = Scene::new(choices, status, marked);
    Note {
        text: scene.write(choices, frame),
        status,
        grade: u8::try_from(grade + 1).unwrap_or(u8::MAX),
        template: format!("g{}-{name}-{:02}", grade + 1, index + 1),
    }
}
