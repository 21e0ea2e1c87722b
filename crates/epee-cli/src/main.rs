//! The `epee` command: argument parsing, wiring, what the user reads.

mod commands;
mod core_dumps;
mod fetch;
mod flags;
mod grids;
mod hints;
mod private;
mod status;
mod training;
mod ui;

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};

use commands::{
    bench, calibrate, compare, data, eval, grid, info, policy, predict, quickstart, report, sweep, trace, train,
};
use ui::{Format, Ui};

/// Early-exit transformer classifiers: they answer at the first layer that is certain enough
#[derive(Parser)]
#[command(name = "epee", version, arg_required_else_help = true)]
#[command(after_help = "Example:\n  epee quickstart\n\n`epee COMMAND --help` has an example of each command.")]
struct Cli {
    /// Output format on stdout
    #[arg(long, global = true, value_enum, default_value_t)]
    format: Format,
    /// Compute threads [default: all that this process may use]
    #[arg(long, global = true, value_name = "N", value_parser = flags::threads)]
    threads: Option<usize>,
    /// Let a crash write a core dump, which holds texts and weights, and debuggers attach
    #[arg(long, global = true)]
    allow_core_dumps: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Quickstart(quickstart::Args),
    Data(data::Args),
    Train(train::Args),
    Grid(grid::Args),
    Trace(trace::Args),
    Sweep(sweep::Args),
    Compare(compare::Args),
    Calibrate(calibrate::Args),
    Report(report::Args),
    Eval(eval::Args),
    Predict(predict::Args),
    Bench(bench::Args),
    Policy(policy::Args),
    Info(info::Args),
}

fn main() -> ExitCode {
    private::hide_panic_messages();
    let cli = Cli::try_parse().unwrap_or_else(|error| refuse(&private::without_texts(error)));
    if !cli.allow_core_dumps {
        core_dumps::forbid();
    }
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            Ui { format: cli.format }.note(format!("error: {}", hints::text(&error)));
            if error.is::<status::Stopped>() { ExitCode::from(status::STOPPED) } else { ExitCode::FAILURE }
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    let ui = Ui { format: cli.format };
    if matches!(cli.format, Format::Csv | Format::Parquet) && !matches!(cli.command, Command::Sweep(_)) {
        let problem = "--format csv and parquet are for rows, which `epee sweep` prints; expected table or json here";
        Cli::command().error(clap::error::ErrorKind::ValueValidation, problem).exit();
    }
    epee_nn::check_isa()?;
    if let Some(threads) = cli.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .with_context(|| format!("cannot start {threads} threads"))?;
    }
    match &cli.command {
        Command::Quickstart(args) => quickstart::run(args, ui),
        Command::Data(args) => data::run(args, ui),
        Command::Train(args) => train::run(args, ui),
        Command::Grid(args) => grid::run(args, ui),
        Command::Trace(args) => trace::run(args, ui),
        Command::Sweep(args) => sweep::run(args, ui),
        Command::Compare(args) => compare::run(args, ui),
        Command::Calibrate(args) => calibrate::run(args, ui),
        Command::Report(args) => report::run(args, ui),
        Command::Eval(args) => eval::run(args, ui),
        Command::Predict(args) => predict::run(args, ui),
        Command::Bench(args) => bench::run(args, ui),
        Command::Policy(args) => policy::run(args, ui),
        Command::Info(args) => info::run(args, ui),
    }
}

/// Prints a wrong usage, or the help, and ends the process. An argument that would control the terminal is printed without colours.
fn refuse(error: &clap::Error) -> ! {
    let acts = |text: std::ffi::OsString| matches!(ui::plain_line(&text.to_string_lossy()), std::borrow::Cow::Owned(_));
    if !error.use_stderr() || !std::env::args_os().any(acts) {
        error.exit();
    }
    Ui { format: Format::Table }.note(error.render().to_string().trim_end());
    std::process::exit(error.exit_code())
}

/// The reader of stdout went away, as `head` does: not an error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
