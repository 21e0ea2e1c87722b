//! The hub's protocol, spoken with a server on this machine.

use std::path::Path;

use epee_hub::{Error, Hub, Kind, Progress, Settings, Wanted};

use crate::server::{Answer, Server};
use crate::world::{COMMIT, Faults, World, fetch, git, model, read, sha256, weights};

#[test]
fn a_model_lies_where_python_puts_it() {
    let world = World::new(model());
    let mut steps = Vec::new();
    let hub = Hub::with(world.settings());
    let snapshot = hub
        .fetch("owner/name", Kind::Model, &Wanted::MODEL, &mut |progress| match progress {
            Progress::Begin { file, size, have } => steps.push((file.to_owned(), size, have, 0)),
            Progress::Bytes(bytes) => steps.last_mut().unwrap().3 += bytes,
            _ => {}
        })
        .unwrap();
    let repository = world.repository();
    assert_eq!(snapshot, repository.join("snapshots").join(COMMIT));
    assert_eq!(read(repository.join("refs/main")), COMMIT.as_bytes());
    for (file, bytes) in &model()[1..] {
        assert_eq!(&read(snapshot.join(file)), bytes);
    }
    let link = |file: &str| std::fs::read_link(snapshot.join(file)).unwrap();
    assert_eq!(link("model.safetensors"), Path::new("../../blobs").join(sha256(&weights())));
    assert_eq!(link("tokenizer.json"), Path::new("../../blobs").join(git(b"{}")));
    assert!(!snapshot.join("README.md").exists(), "not wanted");
    assert!(repository.join(".no_exist").join(COMMIT).join("spiece.model").exists());
    let expected = [("config.json", 23), ("model.safetensors", 300_000), ("tokenizer.json", 2)];
    assert_eq!(steps, expected.map(|(file, size)| (file.to_owned(), Some(size), 0, size)));
    let [api, head, get, ..] = &world.hub.lines()[..] else { panic!() };
    assert_eq!(api, "GET /api/models/owner/name/revision/main");
    assert_eq!(head, &format!("HEAD /owner/name/resolve/{COMMIT}/config.json"));
    assert_eq!(get, &format!("GET /owner/name/resolve/{COMMIT}/config.json"));
    assert_eq!(world.cdn.lines(), ["GET /cdn/model.safetensors"]);
}

#[test]
fn what_the_cache_has_costs_no_request() {
    let world = World::new(model());
    let first = world.fetch("owner/name").unwrap();
    assert!(!world.hub.take().is_empty() && !world.cdn.take().is_empty());
    assert_eq!(world.fetch("owner/name").unwrap(), first);
    assert_eq!(world.fetch(&format!("owner/name@{COMMIT}")).unwrap(), first);
    assert_eq!(fetch(Settings { offline: true, ..world.settings() }, "owner/name").unwrap(), first);
    assert!(world.hub.take().is_empty() && world.cdn.take().is_empty());
    // Another branch at the same commit: its list alone.
    assert_eq!(world.fetch("owner/name@refs/pr/1").unwrap(), first);
    assert_eq!(world.hub.lines(), ["GET /api/models/owner/name/revision/refs%2Fpr%2F1"]);
    assert_eq!(read(world.repository().join("refs/refs/pr/1")), COMMIT.as_bytes());
}

/// As `huggingface_hub` leaves it where a file was fetched alone: no word on the files that are optional.
#[test]
fn what_python_fetched_is_used() {
    let world = World::new(model());
    let snapshot = world.repository().join("snapshots").join(COMMIT);
    std::fs::create_dir_all(&snapshot).unwrap();
    std::fs::create_dir_all(world.repository().join("refs")).unwrap();
    std::fs::write(world.repository().join("refs/main"), COMMIT).unwrap();
    std::fs::write(snapshot.join("config.json"), "{}").unwrap();
    std::fs::write(snapshot.join("model.safetensors"), "weights").unwrap();
    let offline = Settings { offline: true, ..world.settings() };
    assert_eq!(fetch(offline, "owner/name").unwrap(), snapshot);
    assert!(world.hub.take().is_empty());
    assert_eq!(world.fetch("owner/name").unwrap(), snapshot);
    assert_eq!(read(snapshot.join("model.safetensors")), b"weights");
    assert_eq!(read(snapshot.join("tokenizer.json")), b"{}");
    assert!(world.cdn.take().is_empty());
}

#[test]
fn offline_never_asks() {
    let world = World::new(model());
    let offline = || Settings { offline: true, ..world.settings() };
    let hint = "hint: unset HF_HUB_OFFLINE, or give the path of a folder";
    assert_eq!(
        world.refusal(offline(), "owner/name"),
        format!(
            "`owner/name` is not in the cache, DIR/hub lacks any commit, and HF_HUB_OFFLINE forbids fetching it\n{hint}"
        )
    );
    let snapshot = world.fetch("owner/name").unwrap();
    world.hub.take();
    std::fs::remove_file(snapshot.join("model.safetensors")).unwrap();
    assert!(world.refusal(offline(), "owner/name").contains("lacks model.safetensors"));
    assert!(world.hub.take().is_empty());
    // The blob is still there: the link is made again, nothing is fetched.
    world.fetch("owner/name").unwrap();
    assert_eq!(world.cdn.lines().len(), 1);
    assert_eq!(read(snapshot.join("model.safetensors")), weights());
}

#[test]
fn a_lost_connection_is_gone_on_with() {
    let world = World::new(model());
    world.fetch("owner/name").unwrap();
    for no_ranges in [false, true] {
        std::fs::remove_dir_all(world.repository().join("snapshots")).unwrap();
        std::fs::remove_file(world.repository().join("blobs").join(sha256(&weights()))).unwrap();
        world.set(Faults { cut: Some(100_000), ..Faults::default() });
        world.cdn.take();
        let error = world.fetch("owner/name").unwrap_err();
        let Error::Lost { have, size, partial, .. } = &error else { panic!("{error}") };
        assert_eq!((*have, *size, partial), (100_000, Some(300_000), &world.partial()));
        let text = error.to_string();
        assert!(text.starts_with("the connection was lost after 100000 of 300000 bytes of http://"), "{text}");
        assert!(text.contains("is kept; run the same command again"), "{text}");
        assert_eq!(read(world.partial()), &weights()[..100_000]);
        assert!(!world.repository().join("snapshots").join(COMMIT).join("model.safetensors").exists());

        world.set(Faults { no_ranges, ..Faults::default() });
        let mut begun = Vec::new();
        let hub = Hub::with(world.settings());
        let snapshot = hub
            .fetch("owner/name", Kind::Model, &Wanted::MODEL, &mut |progress| {
                if let Progress::Begin { have, .. } = progress {
                    begun.push(have);
                }
            })
            .unwrap();
        let asked: Vec<_> = world.cdn.take().iter().map(|request| request.header("range").map(str::to_owned)).collect();
        assert_eq!(asked, [None, Some("bytes=100000-".to_owned())]);
        assert_eq!(begun, [if no_ranges { 0 } else { 100_000 }]);
        assert_eq!(read(snapshot.join("model.safetensors")), weights());
        assert!(!world.partial().exists());
    }
}

#[test]
fn a_partial_file_that_is_whole_or_too_long_is_no_trouble() {
    let world = World::new(model());
    for (content, asked) in [(weights(), 0), ([weights(), vec![0]].concat(), 1)] {
        let _ = std::fs::remove_dir_all(world.repository());
        std::fs::create_dir_all(world.repository().join("blobs")).unwrap();
        std::fs::write(world.partial(), content).unwrap();
        let snapshot = world.fetch("owner/name").unwrap();
        assert_eq!(read(snapshot.join("model.safetensors")), weights());
        assert_eq!(world.cdn.take().len(), asked);
    }
}

#[test]
fn other_bytes_than_published_are_not_kept() {
    let world = World::new(model());
    world.set(Faults { wrong: true, ..Faults::default() });
    let error = world.fetch("owner/name").unwrap_err().to_string();
    let mut config = model()[1].1.clone();
    let expected = git(&config);
    config[0] ^= 1;
    assert!(error.contains(&format!("expected git SHA-1 {expected}, got {}", git(&config))), "{error}");
    world.set(Faults::default());
    world.fetch("owner/name").unwrap();

    std::fs::remove_dir_all(world.repository().join("snapshots")).unwrap();
    std::fs::remove_file(world.repository().join("blobs").join(sha256(&weights()))).unwrap();
    // A wrong byte in what was kept shows at the end, too.
    let mut damaged = weights()[..50_000].to_vec();
    damaged[7] ^= 1;
    std::fs::write(world.partial(), damaged).unwrap();
    let error = world.fetch("owner/name").unwrap_err();
    let Error::Digest { expected, got, .. } = &error else { panic!("{error}") };
    assert_eq!(expected, &sha256(&weights()));
    let mut whole = weights();
    whole[7] ^= 1;
    assert_eq!(got, &sha256(&whole));
    assert!(!world.partial().exists());
    world.fetch("owner/name").unwrap();
}

#[test]
fn a_name_nobody_has_and_a_revision_it_has_not() {
    let world = World::new(model());
    let hint = "hint: check the name; a private one needs HF_TOKEN";
    assert_eq!(world.refusal(world.settings(), "no/such"), format!("no model `no/such` at HUB\n{hint}"));
    assert_eq!(
        world.refusal(world.settings(), "owner/name@v9"),
        format!("no revision v9 of the model `owner/name` at HUB\n{hint}")
    );
    let error = world.fetch("owner/na me").unwrap_err().to_string();
    assert!(error.starts_with("`owner/na me`: expected a hub id"), "{error}");
    assert!(!world.dir.path().join("hub").exists(), "nothing half-written");
    world.fetch("old/name").unwrap();
}

#[test]
fn no_access_names_the_token() {
    let world = World::new(model());
    world.set(Faults { token: Some("hf_good"), ..Faults::default() });
    let without = world.refusal(world.settings(), "owner/name");
    assert_eq!(
        without,
        "`owner/name` is private or gated, or does not exist: HUB answered 401\n\
         hint: check the name, accept the terms at HUB/owner/name, and set HF_TOKEN to a token with access"
    );
    let wrong = Settings { token: Some("hf_bad".to_owned()), ..world.settings() };
    let text = world.refusal(wrong, "owner/name");
    assert!(text.contains("hint: the token in use has no access; accept the terms at HUB/owner/name"), "{text}");
    assert!(!text.contains("hf_bad"), "{text}");
    world.set(Faults { status: Some(403), ..Faults::default() });
    assert!(world.refusal(world.settings(), "owner/name").contains("HUB answered 403"));
}

#[test]
fn the_token_is_for_the_endpoint_alone() {
    let world = World::new(model());
    world.set(Faults { token: Some("hf_good"), ..Faults::default() });
    fetch(Settings { token: Some("hf_good".to_owned()), ..world.settings() }, "owner/name").unwrap();
    let asked = world.hub.take();
    assert!(asked.len() > 3 && asked.iter().all(|request| request.header("authorization") == Some("Bearer hf_good")));
    let asked = world.cdn.take();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].header("authorization"), None, "the files' server is another one");
    // Nobody else is told of it without one, either.
    let other = World::new(model());
    other.fetch("owner/name").unwrap();
    assert!(other.hub.take().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn a_model_without_safetensors_says_what_to_do() {
    let world = World::new(vec![("config.json", b"{}".to_vec()), ("pytorch_model.bin", b"x".to_vec())]);
    assert_eq!(
        world.refusal(world.settings(), "owner/name"),
        "`owner/name` has no model.safetensors, only pytorch_model.bin, a pickle\n\
         hint: load it with Transformers and save_pretrained it"
    );
    let world = World::new(vec![("model.safetensors", b"x".to_vec())]);
    assert_eq!(world.refusal(world.settings(), "owner/name"), "`owner/name` has no config.json");
}

#[test]
fn an_endpoint_that_is_no_hub_is_told_so() {
    let world = World::new(model());
    world.set(Faults { status: Some(503), ..Faults::default() });
    let text = world.refusal(world.settings(), "owner/name");
    assert_eq!(text, "HUB/api/models/owner/name/revision/main answered 503\nhint: try again later");
    let page = Server::start(|_| Answer::body("<html>"));
    let error = fetch(Settings { endpoint: page.url.clone(), ..world.settings() }, "a/b").unwrap_err().to_string();
    assert!(error.contains("expected the hub's list of files: expected value at line 1 column 1"), "{error}");
    let lost = Server::start(|_| Answer::status(302).with("Location", "/again"));
    let error = fetch(Settings { endpoint: lost.url.clone(), ..world.settings() }, "a/b").unwrap_err().to_string();
    assert!(error.contains("after at most 10 redirects"), "{error}");
    let https = Settings { endpoint: world.hub.url.replace("http", "https"), ..world.settings() };
    // Where the system has no certificates, that is what it says.
    let error = fetch(https, "a/b").unwrap_err();
    assert!(matches!(&error, Error::Unreachable { .. } | Error::Setting { .. }), "{error}");
    let nobody = Settings { endpoint: "http://127.0.0.1:1".to_owned(), ..world.settings() };
    let error = fetch(nobody, "a/b").unwrap_err().to_string();
    assert!(
        error.starts_with("cannot reach http://127.0.0.1:1/api/models/a/b/revision/main: ")
            && error.contains("\nhint: "),
        "{error}"
    );
}

/// A file is named after what the server says its digest is.
#[test]
fn an_entity_tag_that_is_no_digest_is_refused() {
    let world = World::new(model());
    for etag in ["../../../../evil", "abc"] {
        world.set(Faults { etag: Some(etag), ..Faults::default() });
        let text = world.refusal(world.settings(), "owner/name");
        assert!(
            text.ends_with(&format!("expected an ETag of 40 or 64 digits, the file's digest, got `\"{etag}\"`")),
            "{text}"
        );
    }
    assert!(!world.repository().join("blobs").exists());
}

#[test]
fn a_dataset_is_its_files_of_known_forms() {
    let world = World::new(vec![
        ("README.md", b"# Data\n".to_vec()),
        ("data/train 1.csv", b"text,label\n".to_vec()),
        ("test.jsonl", b"{}\n".to_vec()),
        ("../evil.csv", b"x".to_vec()),
        ("/etc/evil.csv", b"x".to_vec()),
    ]);
    let get = |settings| Hub::with(settings).fetch("owner/name", Kind::Dataset, &Wanted::DATA, &mut |_| {});
    let offline = Settings { offline: true, ..world.settings() };
    assert!(matches!(get(offline.clone()), Err(Error::Offline { .. })));
    let snapshot = get(world.settings()).unwrap();
    let repository = world.dir.path().join("hub/datasets--owner--name");
    assert_eq!(snapshot, repository.join("snapshots").join(COMMIT));
    assert_eq!(read(snapshot.join("data/train 1.csv")), b"text,label\n");
    assert_eq!(
        std::fs::read_link(snapshot.join("data/train 1.csv")).unwrap(),
        Path::new("../../../blobs").join(git(b"text,label\n"))
    );
    assert_eq!(read(snapshot.join("test.jsonl")), b"{}\n");
    assert!(!snapshot.join("README.md").exists());
    let asked = world.hub.lines();
    assert!(asked.contains(&format!("GET /datasets/owner/name/resolve/{COMMIT}/data/train%201.csv")), "{asked:?}");
    assert!(!asked.iter().any(|line| line.contains("evil")), "{asked:?}");
    // The list alone says that nothing is missing.
    assert_eq!(get(world.settings()).unwrap(), snapshot);
    assert_eq!(world.hub.lines(), ["GET /api/datasets/owner/name/revision/main"]);
    assert_eq!(get(offline).unwrap(), snapshot);
}

#[test]
fn two_at_once_fetch_a_file_once() {
    let world = World::new(model());
    std::thread::scope(|scope| {
        let both: Vec<_> = (0..2).map(|_| scope.spawn(|| world.fetch("owner/name").unwrap())).collect();
        for thread in both {
            assert_eq!(read(thread.join().unwrap().join("model.safetensors")), weights());
        }
    });
    assert_eq!(world.cdn.lines(), ["GET /cdn/model.safetensors"]);
}
