//! Times a whole report: a trace of 50,000 samples × 12 exits × 4 classes, from the file on disk to the page and to every
//! figure as SVG and PNG.
//!
//! Run: `cargo bench -p epee-report`. Goal: the page within 5 s on two cores, below 2 MB.

#![allow(clippy::unwrap_used)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use epee_exit::Trace;
use epee_report::{Options, figures, gather, html, max_points};

const SAMPLES: usize = 50_000;
const RUNS: usize = 5;

/// Peak memory of this process, in MiB; `None` if the system does not say.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.safetensors");
    // A child makes the trace, so that the peak is the report's alone.
    if let Some(path) = std::env::args().skip_while(|arg| arg != "--make").nth(1) {
        return Trace::new(common::parts(SAMPLES, 12, 4)).unwrap().save(std::path::Path::new(&path)).unwrap();
    }
    let made = std::process::Command::new(std::env::current_exe().unwrap()).arg("--make").arg(&path).status();
    assert!(made.unwrap().success());
    println!("{SAMPLES} samples, 12 exits, 4 classes, {} threads", rayon::current_num_threads());
    for run in 1..=RUNS {
        let start = Instant::now();
        let trace = Trace::load(&path).unwrap();
        let loaded = start.elapsed().as_secs_f64();
        let report = gather(&trace, "bench", &Options::new(max_points(1))).unwrap();
        let gathered = start.elapsed().as_secs_f64();
        let page = html(std::slice::from_ref(&report), None);
        let total = start.elapsed().as_secs_f64();
        println!(
            "run {run}: load {loaded:.3} s  gather {:.3} s  page {:.3} s  total {total:.3} s  {} bytes",
            gathered - loaded,
            total - gathered,
            page.len()
        );
        if run == RUNS {
            println!("peak memory {:.0} MiB", peak().unwrap_or(f64::NAN));
            let start = Instant::now();
            let (mut svg, mut png) = (0, 0);
            let figures = figures(&report);
            for figure in &figures {
                svg += figure.svg("bench").len();
                png += figure.png("bench").unwrap().len();
            }
            let seconds = start.elapsed().as_secs_f64();
            println!("{} figures as files: {seconds:.3} s, SVG {svg} bytes, PNG {png} bytes", figures.len());
        }
    }
}
