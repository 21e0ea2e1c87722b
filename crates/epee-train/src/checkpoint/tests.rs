#![allow(clippy::unwrap_used)]

use std::io;
use std::sync::{Arc, Mutex};

use epee_model::{Config, ExitConfig, Model};
use epee_nn::Parameters;

use super::format::tensors;
use super::write::{POINTS, put};
use super::*;

fn trainer(seed: u64) -> Trainer {
    let json = r#"{"model_type": "bert", "vocab_size": 5, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1,
        "intermediate_size": 4, "max_position_embeddings": 4}"#;
    let config = Config::from_json(serde_json::from_str(json).unwrap()).unwrap();
    let mut trainer = Trainer::new(Model::new(&config, ExitConfig::of(&config, 2), seed), 0.0);
    for (i, (_, tensor)) in trainer.optimiser.m.parameters_mut().into_iter().enumerate() {
        tensor.data_mut().fill(seed as f32 + i as f32);
    }
    trainer
}

fn run() -> RunIdentity {
    RunIdentity::from([("options".to_owned(), r#"{"clip":1.0,"seed":1}"#.to_owned())])
}

fn state(step: u64) -> State {
    State {
        run: run(),
        step,
        epoch: 1,
        batch: 2,
        epoch_loss: 0.1 + 0.2,
        seed: 1,
        best: Some((1, 1.0 / 3.0)),
        schedule: LinearSchedule { peak: 3e-5, warmup: 2, total: 40 },
        order: order_digest(&[vec![1, 0], vec![2]]),
    }
}

/// A folder with the checkpoints of some steps, each of another model.
fn folder(steps: &[u64]) -> (tempfile::TempDir, Checkpoints) {
    let dir = tempfile::tempdir().unwrap();
    let mut checkpoints = Checkpoints::open(dir.path(), false, 60.0).unwrap();
    for &step in steps {
        checkpoints.save(&state(step), &trainer(step)).unwrap();
    }
    (dir, checkpoints)
}

type Loaded = (Result<Option<State>, Error>, Trainer, Vec<String>);

fn load(checkpoints: &mut Checkpoints) -> Loaded {
    let (mut trainer, mut warnings) = (trainer(99), Vec::new());
    let state = checkpoints.load(&run(), &mut trainer, &mut |text| warnings.push(text.to_owned()));
    (state, trainer, warnings)
}

fn names(checkpoints: &Checkpoints) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(&checkpoints.folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn assert_is(found: &Trainer, step: u64) {
    let expected = trainer(step);
    let values = |trainer: &Trainer| -> Vec<u32> {
        tensors(trainer).values().flat_map(|tensor| tensor.data().iter().map(|x| x.to_bits())).collect()
    };
    assert!(values(found) == values(&expected), "not the tensors of step {step}");
}

#[test]
fn what_was_written_is_read_and_the_last_two_are_kept() {
    let (_dir, mut checkpoints) = folder(&[9, 10, 11]);
    assert_eq!(names(&checkpoints), ["step-000000010.safetensors", "step-000000011.safetensors"]);
    let (found, trainer, warnings) = load(&mut checkpoints);
    assert_eq!(found.unwrap().unwrap(), state(11));
    assert_eq!(trainer.optimiser.steps, 11);
    assert_is(&trainer, 11);
    assert!(warnings.is_empty());
    // A step written again, as after its epoch's evaluation, takes the place of its own file.
    checkpoints.save(&State { epoch: 2, ..state(11) }, &trainer).unwrap();
    assert_eq!(names(&checkpoints), ["step-000000010.safetensors", "step-000000011.safetensors"]);
    assert_eq!(load(&mut checkpoints).0.unwrap().unwrap().epoch, 2);
}

#[test]
fn the_file_is_one_that_safetensors_reads() {
    let (_dir, checkpoints) = folder(&[7]);
    let bytes = fs::read(checkpoints.path(7)).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let all = trainer(7);
    let expected = tensors(&all);
    assert_eq!(file.len(), expected.len());
    for (name, tensor) in expected {
        let view = file.tensor(&name).unwrap();
        let bytes: Vec<u8> = tensor.data().iter().flat_map(|x| x.to_le_bytes()).collect();
        assert!(view.shape() == tensor.shape() && view.data() == bytes, "{name}");
    }
}

#[test]
fn a_damaged_newest_file_is_passed_over_with_a_warning() {
    let (_dir, mut checkpoints) = folder(&[5, 6]);
    let path = checkpoints.path(6);
    let whole = fs::read(&path).unwrap();
    let body = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let mut damaged = vec![Vec::new(), whole[..4].to_vec(), whole[..body - 1].to_vec(), vec![0; whole.len()]];
    damaged.extend([whole[..whole.len() - 1].to_vec(), [&whole[..], b"x"].concat()]);
    // A prime stride over every bit of the header, and over some of the values.
    let bits = (0..8 * body).step_by(61).chain((8 * body..8 * whole.len()).step_by(1999));
    for bit in bits.chain([8 * whole.len() - 1]) {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        damaged.push(flipped);
    }
    for (i, bytes) in damaged.iter().enumerate() {
        fs::write(&path, bytes).unwrap();
        let (found, trainer, warnings) = load(&mut checkpoints);
        let found = found.unwrap_or_else(|error| panic!("damage {i}: {error}"));
        assert_eq!(found.unwrap().step, 5, "damage {i} went unseen");
        assert_is(&trainer, 5);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].starts_with(&format!("{}: not a whole checkpoint: ", path.display())), "{}", warnings[0]);
        assert!(warnings[0].ends_with("step-000000005.safetensors"), "{}", warnings[0]);
    }
    // The next one written takes the damaged one's place among the last two.
    checkpoints.save(&state(5), &trainer(5)).unwrap();
    assert_eq!(names(&checkpoints), ["step-000000005.safetensors"]);
}

fn rewrite(path: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let bytes = fs::read(path).unwrap();
    let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
    let mut changed = bytes.clone();
    changed[at..at + to.len()].copy_from_slice(to.as_bytes());
    fs::write(path, changed).unwrap();
}

#[test]
fn two_damaged_files_are_both_named() {
    let (dir, mut checkpoints) = folder(&[5, 6]);
    fs::write(checkpoints.path(6), b"short").unwrap();
    let bytes = fs::read(checkpoints.path(5)).unwrap();
    fs::write(checkpoints.path(5), &bytes[..bytes.len() - 4]).unwrap();
    let error = load(&mut checkpoints).0.unwrap_err().to_string();
    let n = bytes.len();
    for part in [
        "no whole checkpoint to resume from",
        "step-000000006.safetensors: expected a header, got 5 bytes",
        &format!("step-000000005.safetensors: expected {n} bytes, got {}", n - 4),
    ] {
        assert!(error.contains(part), "expected `{part}` in {error}");
    }
    drop(dir);
}

#[test]
fn another_format_is_refused_by_name_and_a_damaged_format_is_damage() {
    let (_dir, mut checkpoints) = folder(&[5, 6]);
    rewrite(&checkpoints.path(6), r#"\"format\":2"#, r#"\"format\":3"#);
    let (found, _, warnings) = load(&mut checkpoints);
    assert_eq!(found.unwrap().unwrap().step, 5);
    assert!(warnings[0].contains("its format number was changed"), "{warnings:?}");
    // As another version would write it: its number, and another kind of digest.
    rewrite(&checkpoints.path(6), r#"\"sha256\":\""#, r#"\"sha512\":\""#);
    let error = load(&mut checkpoints).0.unwrap_err().to_string();
    assert!(error.contains("step-000000006.safetensors: expected checkpoint format 2, got 3"), "{error}");
    // As format 1 was.
    let tensor = safetensors::tensor::TensorView::new(safetensors::Dtype::U8, vec![1], &[1]).unwrap();
    let metadata = std::collections::HashMap::from([("epee".to_owned(), r#"{"run": "x", "step": 3}"#.to_owned())]);
    let bytes = safetensors::serialize([("model.x", tensor)], Some(metadata)).unwrap();
    for file in checkpoints.files().unwrap() {
        fs::remove_file(file).unwrap();
    }
    fs::write(checkpoints.folder.join("last.safetensors"), bytes).unwrap();
    let error = load(&mut checkpoints).0.unwrap_err().to_string();
    assert!(error.contains("last.safetensors: expected checkpoint format 2, got 1"), "{error}");
}

#[test]
fn another_run_is_refused_by_the_part_that_differs() {
    let (_dir, mut checkpoints) = folder(&[5]);
    let mut refusal = |options: &str, train: Option<&str>| {
        let mut run = RunIdentity::from([("options".to_owned(), options.to_owned())]);
        run.extend(train.map(|digest| ("train".to_owned(), digest.to_owned())));
        let error = checkpoints.load(&run, &mut trainer(1), &mut |_| ()).unwrap_err();
        assert!(matches!(error, Error::OtherRun { .. }));
        error.to_string()
    };
    for (options, train, part) in [
        (r#"{"clip":0.5,"seed":1}"#, None, "another run: options.clip: expected 1.0, got 0.5"),
        (r#"{"clip":1.0,"seed":1,"new":true}"#, None, "options.new: expected null, got true"),
        (r#"{"clip":1.0,"seed":1}"#, Some("sha256:12"), "another run: train: expected nothing, got sha256:12"),
    ] {
        let error = refusal(options, train);
        assert!(error.contains(part), "{error}");
    }

    let schedule = state(5).schedule;
    let order = order_digest(&[vec![1, 0], vec![2]]);
    checkpoints.load(&run(), &mut trainer(1), &mut |_| ()).unwrap();
    checkpoints.check(&state(5), 1, schedule, &order).unwrap();
    let other = order_digest(&[vec![1], vec![0, 2]]);
    let error = checkpoints.check(&state(5), 1, schedule, &other).unwrap_err().to_string();
    assert!(error.contains("step-000000005.safetensors: ") && error.contains("the order of the data"), "{error}");
    let other = LinearSchedule { warmup: 3, ..schedule };
    let error = checkpoints.check(&state(5), 1, other, &order).unwrap_err().to_string();
    assert!(error.contains("schedule") && error.contains("warmup: 3"), "{error}");
}

#[test]
fn a_second_training_is_refused_until_the_first_has_ended() {
    let (dir, first) = folder(&[]);
    let expected = format!("{}: another process ({}) is writing to it", dir.path().display(), std::process::id());
    assert_eq!(OutputLock::check(dir.path()).unwrap_err().to_string(), expected);
    for resume in [true, false] {
        let error = Checkpoints::open(dir.path(), resume, 60.0).err().unwrap();
        assert_eq!(error.to_string(), expected);
    }
    drop(first);
    OutputLock::check(dir.path()).unwrap();
    Checkpoints::open(dir.path(), true, 60.0).unwrap();
}

#[test]
fn a_start_removes_what_killed_writes_left_and_a_fresh_one_old_checkpoints() {
    let (dir, checkpoints) = folder(&[5, 6]);
    drop(checkpoints);
    let left =
        [".model.safetensors.77.tmp", "checkpoints/.step-000000007.safetensors.77.tmp"].map(|x| dir.path().join(x));
    for path in &left {
        fs::write(path, b"half").unwrap();
    }
    let checkpoints = Checkpoints::open(dir.path(), true, 60.0).unwrap();
    assert!(left.iter().all(|path| !path.exists()));
    assert_eq!(names(&checkpoints).len(), 2);
    drop(checkpoints);
    assert!(names(&Checkpoints::open(dir.path(), false, 60.0).unwrap()).is_empty());
}

#[test]
fn nothing_is_removed_before_the_new_file_and_its_name_are_on_the_disk() {
    let (_dir, checkpoints) = folder(&[5]);
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let mut disk = Disk(Some(Box::new(move |call, path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        // The temporary's name has a random part.
        let name = name.split_once(".epee-").map_or(name, |(temporary, _)| temporary);
        match call {
            // All of it is in the file by now.
            "before-sync" => assert!(read::open(path).is_ok(), "{name} is not whole"),
            call if POINTS.contains(&call) => {}
            call => seen.lock().unwrap().push(format!("{call} {name}")),
        }
        Ok(())
    })));
    let old = [checkpoints.path(5)];
    put(&mut disk, &checkpoints.path(6), &state(6), &trainer(6), &old).unwrap();
    let temporary = ".step-000000006.safetensors";
    let expected = [
        "begin step-000000006.safetensors",
        &format!("create {temporary}"),
        &format!("sync {temporary}"),
        &format!("rename {temporary}"),
        "sync folder checkpoints",
        "remove step-000000005.safetensors",
        "end step-000000006.safetensors",
    ];
    assert_eq!(*calls.lock().unwrap(), expected);
}

#[test]
fn a_write_that_fails_anywhere_leaves_a_whole_checkpoint_and_no_temporary() {
    for (i, point) in POINTS.into_iter().enumerate() {
        let (_dir, mut checkpoints) = folder(&[5, 6]);
        checkpoints.disk = Disk::parse(&format!("fail:{point}"), None).unwrap();
        let error = checkpoints.save(&state(7), &trainer(7)).unwrap_err();
        let text = error.to_string();
        assert!(matches!(&error, Error::Save { reason, .. } if reason.kind() == io::ErrorKind::StorageFull), "{text}");
        assert!(text.contains("step-000000007.safetensors: "), "{text}");
        // From the renaming on the new one is there.
        let step = if i < 4 { 6 } else { 7 };
        let (found, trainer, warnings) = load(&mut checkpoints);
        assert_eq!(found.unwrap().unwrap().step, step, "after {point}");
        assert_is(&trainer, step);
        assert!(warnings.is_empty());
        assert!(names(&checkpoints).iter().all(|name| !name.ends_with(".tmp")), "after {point}");
        assert!(names(&checkpoints).len() >= 2);
    }
    assert!(Disk::parse("fail:nowhere", None).is_err(), "an unknown point is refused");
}

/// A disk of 64 KiB that is mounted while this lives.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
            .arg(dir.path())
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(SmallDisk(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_disk_that_fills_up_keeps_the_checkpoint_before() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: a_disk_that_fills_up_keeps_the_checkpoint_before needs the right to mount a tmpfs");
        return;
    };
    let mut checkpoints = Checkpoints::open(disk.0.path(), false, 60.0).unwrap();
    checkpoints.save(&state(5), &trainer(5)).unwrap();
    let size = fs::metadata(checkpoints.path(5)).unwrap().len();
    assert!(size < 50_000, "a file of {size} bytes does not fit this test");
    // Half of what is free stays free.
    fs::write(disk.0.path().join("ballast"), vec![0; 65_536 - 8192 - size as usize - size as usize / 2]).unwrap();
    let error = checkpoints.save(&state(6), &trainer(6)).unwrap_err();
    assert!(matches!(&error, Error::Save { reason, .. } if reason.kind() == io::ErrorKind::StorageFull), "{error}");
    let (found, trainer, _) = load(&mut checkpoints);
    assert_eq!(found.unwrap().unwrap().step, 5);
    assert_is(&trainer, 5);
    assert_eq!(names(&checkpoints), ["step-000000005.safetensors"]);
    fs::remove_file(disk.0.path().join("ballast")).unwrap();
    checkpoints.save(&state(6), &trainer).unwrap();
}
