//! Output: tables and JSON on stdout, everything else on stderr.
//!
//! All printing is here. What people read passes through [`plain`]; what programs read ([`Ui::print_data`]) keeps its bytes.

mod columns;
mod live;
mod plain;
mod tables;

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use epee::Warning;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

pub(crate) use columns::{Column, Kind, csv, parquet};
pub(crate) use live::{
    evaluate, evaluation_json, evaluation_summary, evaluation_text, examples, grade_table, input_name, load, predict,
    prediction_table, record,
};
pub(crate) use plain::{plain, plain_line};
pub(crate) use tables::{
    choice_text, decimal, difference_line, exit_table, grid_tables, heading, p_text, setting_table,
};

/// Output format on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned text, for people.
    #[default]
    Table,
    /// JSON, for scripts.
    Json,
    /// Comma-separated values, for commands that print rows.
    Csv,
    /// Parquet, for commands that print rows.
    Parquet,
}

/// The user interface of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ui {
    /// Output format.
    pub(crate) format: Format,
}

impl Ui {
    /// True if stdout gets JSON.
    pub(crate) fn json(self) -> bool {
        self.format == Format::Json
    }

    /// One line to stderr.
    pub(crate) fn note(self, text: impl AsRef<str>) {
        // A closed stderr is no reason to stop.
        let _ = writeln!(std::io::stderr(), "{}", plain(text.as_ref()));
    }

    pub(crate) fn warn(self, warnings: &[Warning]) {
        for warning in warnings {
            let (kind, hint) = match warning {
                Warning::VoidPromise { .. } => {
                    ("warning", "\nhint: record a trace of it as it runs and use `epee calibrate` again")
                }
                Warning::LowCoverage { .. } | Warning::Caveat { .. } => ("warning", ""),
                _ => ("note", ""),
            };
            self.note(format!("{kind}: {warning}{hint}"));
        }
    }

    /// Text for people, to stdout.
    pub(crate) fn print(self, text: impl AsRef<str>) -> std::io::Result<()> {
        writeln!(std::io::stdout(), "{}", plain(text.as_ref()))
    }

    /// Data for programs, to stdout, byte for byte.
    pub(crate) fn print_data(self, bytes: &[u8]) -> std::io::Result<()> {
        std::io::stdout().write_all(bytes)
    }

    pub(crate) fn print_json(self, value: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        Ok(self.print_data(format!("{text}\n").as_bytes())?)
    }

    /// A progress bar on a terminal; hidden elsewhere.
    pub(crate) fn progress(self, len: u64, what: &str) -> ProgressBar {
        dressed(ProgressBar::with_draw_target(Some(len), target()), what)
    }

    /// Runs something beside a progress bar, which goes on by the numbers that it is given.
    pub(crate) fn while_counting<T>(self, len: usize, what: &str, run: impl FnOnce(&mut dyn FnMut(usize)) -> T) -> T {
        let bar = self.progress(len as u64, what);
        let result = run(&mut |done| bar.inc(done as u64));
        bar.finish_and_clear();
        result
    }

    /// Several progress bars on a terminal; hidden elsewhere.
    pub(crate) fn bars(self) -> MultiProgress {
        MultiProgress::with_draw_target(target())
    }

    /// A progress bar above the last of several.
    pub(crate) fn progress_above(self, bars: &MultiProgress, last: &ProgressBar, len: u64, what: &str) -> ProgressBar {
        dressed(bars.insert_before(last, ProgressBar::new(len)), what)
    }
}

fn target() -> ProgressDrawTarget {
    if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}

fn dressed(bar: ProgressBar, what: &str) -> ProgressBar {
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {eta} {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(plain_line(what).into_owned());
    bar
}

/// One line below the header, so that a grid of twenty thresholds fits on a screen.
const LINES: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A plain table: the first column to the left, the others to the right.
pub(crate) fn table<H>(header: impl IntoIterator<Item = H>, rows: impl IntoIterator<Item = Vec<String>>) -> String
where
    H: Into<Cell>,
{
    let mut table = Table::new();
    table.load_style(LINES);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.into_iter().map(Into::into).collect::<Vec<Cell>>());
    table
        .add_rows(rows.into_iter().map(|row| row.iter().map(|cell| plain_line(cell).into_owned()).collect::<Vec<_>>()));
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_cell_alignment(if i == 0 { CellAlignment::Left } else { CellAlignment::Right });
    }
    table.trim_fmt()
}
