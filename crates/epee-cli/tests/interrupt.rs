//! Ctrl-C and SIGTERM write a checkpoint and end with status 3; `--resume` ends with the bits of an undisturbed run.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::Workshop;

#[test]
fn an_interrupted_run_resumes_to_the_same_bits() {
    let shop = Workshop::trained();
    let whole = "train --init config.json --data data --epochs 12 --out whole";
    let parts = "train --init config.json --data data --epochs 12 --out parts";
    let resumed = format!("{parts} --resume");
    let start = |resume: bool| {
        let child = Command::new(assert_cmd::cargo::cargo_bin!("epee"))
            .current_dir(shop.dir())
            .args(if resume { &resumed } else { parts }.split(' '))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = shop.dir().join("parts/metrics.jsonl");
        let lines = || fs::read_to_string(&log).unwrap_or_default().lines().count();
        // The log of a resumed run has lines already.
        let (begun, first) = (Instant::now(), if resume { lines() } else { 0 });
        while lines() < first + 3 {
            assert!(begun.elapsed() < Duration::from_secs(60), "no step after a minute");
            std::thread::sleep(Duration::from_millis(1));
        }
        child
    };
    shop.run(whole);

    for (signal, resume) in [("-INT", false), ("-TERM", true)] {
        let child = start(resume);
        let error = shop.error(&resumed);
        let expected = format!("another process ({}) is writing to it", child.id());
        assert!(error.contains(&expected), "expected `{expected}` in {error}");
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(stderr.contains("a checkpoint was written") && stderr.contains("hint: "), "{stderr}");
    }

    let error = shop.error(parts);
    assert!(error.contains("holds something already"), "{error}");
    let error = shop.error(&format!("{resumed} --seed 2"));
    assert!(error.contains("belongs to another run: options.seed: expected 1, got 2"), "{error}");
    shop.run(&resumed);
    let last = "checkpoints/step-000000180.safetensors";
    for file in ["model.safetensors", "exits.json", "config.json", last] {
        let (whole, parts) = (shop.read(&format!("whole/{file}")), shop.read(&format!("parts/{file}")));
        assert!(whole == parts, "{file} differs after a resume");
    }
}
