//! Ctrl-C writes a checkpoint, `--resume` ends where an undisturbed run ends.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Workshop, epee, error_of};

#[test]
fn an_interrupted_run_resumes_to_the_same_bits() {
    let shop = Workshop::trained();
    let train = |out: &str| {
        let (config, data, out) = (shop.config(), shop.path("data"), shop.path(out));
        ["train", "--init", &config, "--data", &data, "--out", &out, "--epochs", "12"].map(str::to_owned)
    };
    epee().args(train("whole")).assert().success();

    let child = Command::new(assert_cmd::cargo::cargo_bin!("epee"))
        .args(train("parts"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = shop.dir().join("parts/metrics.jsonl");
    let begun = Instant::now();
    while fs::read_to_string(&log).unwrap_or_default().lines().count() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no step after a minute");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("a checkpoint was written") && stderr.contains("hint: "), "{stderr}");

    let error = error_of(epee().args(train("parts")));
    assert!(error.contains("holds something already"), "{error}");
    let error = error_of(epee().args(train("parts")).args(["--resume", "--seed", "2"]));
    assert!(error.contains("belongs to another run"), "{error}");
    epee().args(train("parts")).arg("--resume").assert().success();
    for file in ["model.safetensors", "exits.json", "config.json", "checkpoints/last.safetensors"] {
        let read = |out: &str| fs::read(shop.dir().join(out).join(file)).unwrap();
        assert!(read("whole") == read("parts"), "{file} differs after a resume");
    }
}
