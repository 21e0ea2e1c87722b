//! Trainings that are killed at random moments and resumed end with the same bits as one left alone.
//!
//! A dozen kills in CI; `just chaos` makes two hundred. There is a checkpoint after each step, and its write pauses at each
//! of its points (feature `fault-injection` of epee-train), so that many kills fall within a write; a log of the points tells
//! how many.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::Workshop;
use epee_files::sha256;

/// Kills in CI.
const QUICK: usize = 12;

/// Moments from a seed.
struct Moments(u64);

impl Moments {
    /// Uniform in `[0, 1)`.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }
}

/// A training of three epochs of six steps into a folder of the workshop.
struct Training<'a> {
    shop: &'a Workshop,
    out: String,
}

impl Training<'_> {
    fn dir(&self) -> &Path {
        Path::new(&self.out)
    }

    /// Starts it, or resumes it if it was started.
    fn start(&self) -> Child {
        let points = self.shop.dir().join("points.log");
        let _ = fs::remove_file(&points);
        let (config, data) = (self.shop.config(), self.shop.path("data"));
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("epee"));
        command
            .args(["train", "--init", &config, "--data", &data, "--out", &self.out, "--epochs", "3"])
            .args(["--learning-rate", "2e-3", "--checkpoint-every", "0"])
            .env("EPEE_FAULT", "pause:4ms")
            .env("EPEE_FAULT_LOG", points)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if self.dir().join("checkpoints").exists() {
            command.arg("--resume");
        }
        command.spawn().unwrap()
    }

    /// Its result: digests of weights and newest checkpoint, and the log without seconds.
    fn result(&self) -> (String, String, String) {
        let newest = fs::read_dir(self.dir().join("checkpoints")).unwrap().map(|entry| entry.unwrap().path());
        let newest = newest.filter(|path| path.extension().is_some()).max().unwrap();
        let log = fs::read_to_string(self.dir().join("metrics.jsonl")).unwrap();
        let log = log.lines().map(|line| line.split(",\"seconds\"").next().unwrap_or(line)).collect::<Vec<_>>();
        let digest = |path: &Path| sha256(&fs::read(path).unwrap());
        (digest(&self.dir().join("model.safetensors")), digest(&newest), log.join("\n"))
    }
}

/// Waits at most so long; true if it has ended. It must not fail.
fn ended(child: &mut Child, limit: Duration) -> bool {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            let mut stderr = String::new();
            std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut stderr).unwrap();
            assert!(status.success(), "a training failed: {stderr}");
            return true;
        }
        if start.elapsed() >= limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn killed_trainings_end_with_the_bits_of_one_left_alone() {
    let wanted =
        std::env::var("EPEE_CHAOS").map_or(QUICK, |kills| kills.parse().expect("EPEE_CHAOS: a number of kills"));
    let shop = Workshop::empty();
    shop.run("data synth --out data --train 96 --dev 24 --test 24");
    let whole = Training { shop: &shop, out: shop.path("whole") };
    let start = Instant::now();
    assert!(ended(&mut whole.start(), Duration::from_secs(600)), "the uninterrupted training does not end");
    let length = start.elapsed();
    let expected = whole.result();
    let points = fs::read_to_string(shop.dir().join("points.log")).unwrap_or_default();
    // Three epochs of six steps, and a second checkpoint after each epoch's evaluation.
    let writes = points.lines().filter(|&point| point == "before-rename").count();
    assert_eq!(writes, 21, "this binary has no fault injection: build it with the feature of epee-train");

    let mut moments = Moments(6);
    let (mut kills, mut inside, mut trainings) = (0, 0, 0);
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    while kills < wanted {
        let training = Training { shop: &shop, out: shop.path(&format!("parts-{trainings}")) };
        loop {
            let mut child = training.start();
            if ended(&mut child, length.mul_f64(moments.next())) {
                break;
            }
            child.kill().unwrap();
            // It may have ended just before.
            if child.wait().unwrap().success() {
                break;
            }
            kills += 1;
            let points = fs::read_to_string(shop.dir().join("points.log")).unwrap_or_default();
            let place = points.lines().last().filter(|&point| point != "end").unwrap_or("no write");
            inside += usize::from(place != "no write");
            *places.entry(place.to_owned()).or_default() += 1;
        }
        assert!(training.result() == expected, "training {trainings} ended differently, after {kills} kills in all");
        fs::remove_dir_all(training.dir()).unwrap();
        trainings += 1;
    }
    println!("{kills} kills in {trainings} trainings, {inside} within a checkpoint's write; every training ended");
    println!("with the weights {}", expected.0);
    for (place, n) in places {
        println!("  {n:4} {place}");
    }
    assert!(4 * inside >= kills, "expected at least a quarter of {kills} kills within a write, got {inside}");
}
