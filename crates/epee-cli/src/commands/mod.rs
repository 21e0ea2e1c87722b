//! One file per command: its flags, and what it does with them.

pub(crate) mod bench;
pub(crate) mod calibrate;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod eval;
pub(crate) mod grid;
pub(crate) mod info;
pub(crate) mod policy;
pub(crate) mod predict;
pub(crate) mod quickstart;
pub(crate) mod report;
pub(crate) mod sweep;
pub(crate) mod trace;
pub(crate) mod train;
