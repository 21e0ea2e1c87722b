//! A grid of training runs as plain data: what its file says ([`GridConfig`]), the runs that makes ([`Plan`]), what a run's
//! log tells ([`read_log`]), what is kept of each ([`RunRecord`]) and of all ([`Summary`]). Nothing here starts a run.

mod config;
mod log;
mod plan;
mod record;
mod schema;

pub use config::{Axes, GridConfig, GridFile};
pub use log::{LogLine, RunLog, read_line, read_log};
pub use plan::{Plan, Run};
pub use record::{ExitScore, Majority, RunRecord, RunResult, State, Summary};
pub use schema::schema;
