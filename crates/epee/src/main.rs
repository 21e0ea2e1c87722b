//! The `epee` command: argument parsing, wiring, what the user reads.

mod commands;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use ui::{Format, Ui};

#[derive(Parser)]
#[command(name = "epee", version, about, arg_required_else_help = true)]
struct Cli {
    /// How results are printed on stdout.
    #[arg(long, global = true, value_enum, default_value_t)]
    format: Format,
    /// Threads to compute with [default: what this process may use].
    #[arg(long, global = true, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let _ui = Ui { format: cli.format };
    match cli.command {}
}
