//! A grid of training runs as plain data: its file ([`GridConfig`]), its runs ([`Plan`]), a line of a run's log ([`LogLine`]), the
//! record of a run ([`RunRecord`]) and of all runs ([`Summary`]). Nothing here starts a run.

mod config;
mod plan;
mod record;

pub use config::{GridConfig, GridFile, GridLists, schema};
pub use plan::{Plan, value_text};
pub use record::{ExitScore, LogLine, Majority, RunRecord, RunResult, State, Summary, read_line};
