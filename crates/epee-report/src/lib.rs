//! Figures and one self-contained HTML page, from the traces of early-exit classifiers.
//!
//! [`gather`] computes from a trace what a report says, as plain data ([`TraceReport`]); [`figures`]
//! draws it, each figure as SVG and PNG; [`html`] is the page. Only `gather` knows how a trace is
//! replayed: whatever else fills a [`TraceReport`] is drawn the same way, and what it leaves empty is
//! left out. Nothing here reads or writes a file, or runs a model.
//!
//! ```
//! use epee_exit::{Trace, TraceParts};
//! let logits = vec![0.0, 1.0, 0.0, 2.0, 3.0, 0.0, 4.0, 0.0];
//! let parts = TraceParts { exits: 2, classes: 2, logits, labels: vec![1, 0], ..Default::default() };
//! let report = epee_report::gather(&Trace::new(parts)?, "toy", &epee_report::Options::new(150))?;
//! let page = epee_report::html(&[report])?;
//! assert!(page.starts_with("<!DOCTYPE html>"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod canvas;
mod data;
mod error;
mod figure;
mod figures;
mod gather;
mod names;
mod page;
mod png;
mod sketch;
mod style;
mod text;

pub use data::{
    Bin, Certificate, Choice, Curve, Degeneracy, ExitBin, ExitRow, Grid, GridRow, Late, LateSample, Likeness, Point,
    Reliability, Risk, RiskPoint, TraceReport, Tradeoff, TrainingGrid, TrainingRun,
};
pub use error::ReportError;
pub use figure::{Figure, Panel, Table};
pub use figures::{figures, training};
pub use gather::{Options, gather};
pub use names::{most_points, names};
pub use page::{html, html_with};
