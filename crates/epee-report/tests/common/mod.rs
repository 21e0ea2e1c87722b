//! A trace of graded difficulty, and a report with every section.

#![allow(dead_code, clippy::unwrap_used)]

use epee_exit::{Provenance, Trace, TraceParts};
use epee_report::{Options, TraceReport, gather, max_points};

/// A script that a page without escaping would run.
pub(crate) const EVIL: &str = "<script>alert(1)</script>";

/// xorshift64*: uniform in [0, 1).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed | 1)
    }

    pub(crate) fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1 << 24) as f32
    }
}

/// Logits whose correct class gains with depth, faster for easy samples.
pub(crate) fn parts(samples: usize, exits: usize, classes: usize) -> TraceParts {
    let mut random = Random::new(0x9E37_79B9_7F4A_7C15);
    let mut parts = TraceParts { exits, classes, provenance: Provenance::here(), ..TraceParts::default() };
    for sample in 0..samples {
        let label = (random.next().powi(2) * classes as f32) as usize;
        let ease = 1.5 * random.next();
        let mut noise = vec![0.0f32; classes];
        for exit in 1..=exits {
            for (k, noise) in noise.iter_mut().enumerate() {
                *noise = 0.8 * *noise + 1.2 * (random.next() + random.next() - 1.0);
                let signal = if k == label { ease * exit as f32 / 2.0 } else { 0.0 };
                parts.logits.push(signal + *noise);
            }
        }
        parts.labels.push(label as i64);
        parts.ids.push(format!("note/{sample}"));
        parts.tokens.push(10 + (60.0 * random.next()) as i64);
    }
    parts
}

pub(crate) fn trace() -> Trace {
    Trace::new(parts(600, 12, 4)).unwrap()
}

/// A report with every section.
pub(crate) fn whole() -> TraceReport {
    let mut report = gather(&trace(), "phee-dev", &Options::new(max_points(1))).unwrap();
    report.facts.insert(0, ("file".to_owned(), "phee-dev.safetensors".to_owned()));
    report
}
