//! Hub ids on the command line. The protocol itself is tested in `epee-hub`.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use assert_cmd::Command;
use common::{Workshop, epee, error_of, json};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// The binary with a home and nothing else of the user's.
fn at_home(shop: &Workshop) -> Command {
    let mut command = epee();
    for name in ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE"] {
        command.env_remove(name);
    }
    command.current_dir(shop.dir()).env("HF_HOME", shop.path("home")).env("HF_ENDPOINT", "http://127.0.0.1:1");
    command
}

/// Trains one epoch from `model`.
fn train(shop: &Workshop, model: &str) -> Command {
    let mut command = at_home(shop);
    command.args(["train", "--model", model, "--data", "data", "--out", "out", "--epochs", "1", "--format", "json"]);
    command
}

#[test]
fn a_model_in_the_cache_is_trained_from_its_id() {
    let shop = Workshop::trained();
    let repository = shop.dir().join("home/hub/models--owner--tiny");
    fs::create_dir_all(repository.join("snapshots")).unwrap();
    fs::create_dir_all(repository.join("refs")).unwrap();
    fs::rename(shop.dir().join("model"), repository.join("snapshots").join(COMMIT)).unwrap();
    fs::write(repository.join("refs/main"), COMMIT).unwrap();
    let report = json(train(&shop, "owner/tiny").env("HF_HUB_OFFLINE", "1"));
    assert_eq!(report["best_epoch"], 1);
    let card = shop.read_text("out/README.md");
    assert!(card.contains("tiny (v2:"), "{card}");
}

#[test]
fn what_cannot_be_had_is_said_and_nothing_is_written() {
    let shop = Workshop::trained();
    let error = error_of(train(&shop, "owner/tiny").env("HF_HUB_OFFLINE", "1"));
    for part in ["owner/tiny: no such path here, so it was taken for the hub id of a model", "HF_HUB_OFFLINE forbids"] {
        assert!(error.contains(part), "{error}");
    }
    let error = error_of(&mut train(&shop, "owner/tiny"));
    assert!(error.contains("cannot reach http://127.0.0.1:1/api/models/owner/tiny/revision/main"), "{error}");
    let mut import = at_home(&shop);
    import.args(["data", "import", "phee", "--from", "owner/phee", "--out", "out"]);
    let error = error_of(&mut import);
    assert!(error.contains("cannot reach http://127.0.0.1:1/api/datasets/owner/phee/revision/main"), "{error}");
    let error = error_of(at_home(&shop).args(["data", "download", "nothing"]));
    assert!(error.contains("no archive `nothing`, there are pathmnist, pathmnist_224"), "{error}");
    assert!(!shop.dir().join("out").exists() && !shop.dir().join("home").exists());
}

#[test]
fn a_path_never_touches_the_network() {
    let shop = Workshop::trained();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    listener.set_nonblocking(true).unwrap();
    json(train(&shop, "model").env("HF_ENDPOINT", &endpoint));
    for missing in ["./tiny", &shop.path("tiny"), "a/b/tiny", "../tiny"] {
        let error = error_of(train(&shop, missing).args(["--force"]).env("HF_ENDPOINT", &endpoint));
        assert!(error.contains("no such folder: expected a model directory"), "{error}");
    }
    assert!(listener.accept().is_err(), "somebody asked");
}

#[test]
fn a_refusal_comes_through() {
    let shop = Workshop::trained();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let answer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let len = stream.read(&mut request).unwrap();
        write!(stream, "HTTP/1.1 401 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        String::from_utf8_lossy(&request[..len]).into_owned()
    });
    let error = error_of(train(&shop, "owner/tiny").env("HF_ENDPOINT", &endpoint).env("HF_TOKEN", "hf_secret"));
    assert!(error.contains("is private or gated, or does not exist") && error.contains("HF_TOKEN"), "{error}");
    assert!(!error.contains("hf_secret"), "{error}");
    let request = answer.join().unwrap().to_ascii_lowercase();
    assert!(request.contains("authorization: bearer hf_secret"), "{request}");
}
