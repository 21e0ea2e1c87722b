//! `epee data synth`: notes or cells, generated.

use std::path::PathBuf;

use anyhow::bail;
use clap::ValueEnum;
use epee_data::synth::cells::{self, CellsConfig};
use epee_data::synth::{self, SynthConfig};

use super::written;
use crate::ui::Ui;

#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  epee data synth --out data/notes --seed 1
  epee data synth --task vision --out data/cells")]
pub(super) struct SynthArgs {
    /// Generate text (notes on dietary supplements) or vision (drawings of blood cells)
    #[arg(long, value_enum, default_value_t = Kind::Text)]
    task: Kind,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Seed of every random choice
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Training sentences or images [default: 2000 sentences, 4000 images]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    train: Option<u32>,
    /// Development sentences or images [default: 230, 800]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    dev: Option<u32>,
    /// Test sentences or images [default: 230, 800]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    test: Option<u32>,
    /// vision: pixels a side [default: 28]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(8..=512))]
    pixels: Option<u32>,
    /// Write into a folder that is not empty
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Text,
    Vision,
}

pub(super) fn run(args: &SynthArgs, ui: Ui) -> anyhow::Result<()> {
    let count = |given: Option<u32>, default: usize| given.map_or(default, |count| count as usize);
    let dataset = match args.task {
        Kind::Text => {
            if args.pixels.is_some() {
                bail!("--pixels is for --task vision");
            }
            let default = SynthConfig::default();
            let [train, dev, test] = [(args.train, default.train), (args.dev, default.dev), (args.test, default.test)]
                .map(|(given, default)| count(given, default));
            synth::write(&SynthConfig { seed: args.seed, train, dev, test }, &args.out, args.force)
        }
        Kind::Vision => {
            let default = CellsConfig::default();
            let config = CellsConfig {
                seed: args.seed,
                train: count(args.train, default.train),
                dev: count(args.dev, default.dev),
                test: count(args.test, default.test),
                pixels: count(args.pixels, default.pixels),
            };
            cells::write(&config, &args.out, args.force)
        }
    };
    written(&dataset?, ui)
}
