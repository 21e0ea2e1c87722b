//! Figures and one self-contained HTML page, from the traces of early-exit classifiers.
//!
//! [`gather`] replays a trace and returns the contents of its report as plain data ([`TraceReport`]);
//! [`figures`] draws them, each figure as SVG and PNG; [`html`] writes the page. Only `gather` knows how
//! a trace is replayed, so a [`TraceReport`] may come from elsewhere; empty fields are left out. This
//! crate neither reads nor writes files, and runs no model.
//!
//! ```
//! use epee_exit::{Trace, TraceParts};
//! let logits = vec![0.0, 1.0, 0.0, 2.0, 3.0, 0.0, 4.0, 0.0];
//! let parts = TraceParts { exits: 2, classes: 2, logits, labels: vec![1, 0], ..Default::default() };
//! let report = epee_report::gather(&Trace::new(parts)?, "toy", &epee_report::Options::new(150))?;
//! let page = epee_report::html(&[report], None);
//! assert!(page.starts_with("<!DOCTYPE html>"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod axis;
mod data;
mod error;
mod figure;
mod figures;
mod gather;
mod names;
mod page;
mod png;
mod shape;
mod sketch;
mod style;
mod text;

pub use data::{
    ChosenSetting, Curve, ExitBin, Grid, GridRow, LateSample, LateSamples, Point, Reliability, RiskCurve, RiskPoint,
    SpecialCase, SpecialCases, TraceReport, Tradeoff, TrainingGrid, TrainingRun,
};
pub use error::ReportError;
pub use figure::{Figure, Panel, Table};
pub use figures::{figures, training_figure};
pub use gather::{Options, gather};
pub use names::{max_points, trace_names};
pub use page::html;
