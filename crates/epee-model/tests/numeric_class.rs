//! Whole models on every instruction set of this machine, each in a process of its own: where two have the same numeric class, all
//! logits and scores have the same bits. Each class against committed bits: `epee-nn/src/precision/tests.rs`.

#![allow(clippy::unwrap_used)]

mod common;

use std::process::Command;

use common::{Expected, FAMILIES};
use epee_model::{Engine, ExitConfig, Model};
use epee_nn::{Isa, Precision};

/// Set in the processes that print what they compute.
const PRINT: &str = "EPEE_TEST_PRINT_BITS";

/// A line for each architecture and precision: its class, and the digest of the bits of all logits.
fn print_bits() {
    for family in FAMILIES {
        let config = common::fixture_config(&format!("tiny-{family}"));
        let model = Model::new(&config, ExitConfig::of(&config, 3), 7);
        let batch = Expected::read(&format!("tiny-{family}/expected.safetensors")).batch();
        for precision in Precision::ALL {
            let logits = Engine::new(&model, precision).unwrap().logits(&batch);
            let bits: Vec<u8> = logits.iter().flat_map(|z| z.data()).flat_map(|x| x.to_bits().to_le_bytes()).collect();
            println!("bits {family} {precision} {} {}", precision.numeric_class(), epee_files::sha256(&bits));
        }
    }
}

#[test]
fn instruction_sets_of_one_numeric_class_compute_the_same_bits() {
    if std::env::var_os(PRINT).is_some() {
        return print_bits();
    }
    let run = |isa: Isa| {
        let name = "instruction_sets_of_one_numeric_class_compute_the_same_bits";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", name, "--nocapture"]).env(PRINT, "1").env("EPEE_ISA", isa.name());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{isa}: {}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<String> = lines.lines().filter(|line| line.starts_with("bits ")).map(str::to_owned).collect();
        assert_eq!(lines.len(), FAMILIES.len() * Precision::ALL.len(), "{isa}: {lines:?}");
        lines
    };
    let runs: Vec<(Isa, Vec<String>)> = Isa::here().into_iter().map(|isa| (isa, run(isa))).collect();
    let (mut same, mut different) = (0, 0);
    for (i, (a, a_lines)) in runs.iter().enumerate() {
        for (b, b_lines) in &runs[..i] {
            for (a_line, b_line) in a_lines.iter().zip(b_lines) {
                let class = |line: &str| line.split(' ').nth(3).map(str::to_owned).unwrap();
                let equal_class = class(a_line) == class(b_line);
                assert_eq!(a_line == b_line, equal_class, "{a}: {a_line}\n{b}: {b_line}");
                *(if equal_class { &mut same } else { &mut different }) += 1;
            }
        }
    }
    println!("{same} pairs of one class, {different} of two");
}
