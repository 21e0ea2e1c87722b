//! Archives by address, from a server on this machine.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use crate::server::{Answer, Server};
use epee_hub::{Error, download};

const BYTES: &[u8] = b"hello\n";
const MD5: &str = "b1946ac92492d2347c6235b4d2611184";

/// Serves `BYTES`; `cut` once breaks off after so many of them.
fn server(cut: Option<usize>) -> Server {
    let cut = Arc::new(Mutex::new(cut));
    Server::start(move |request| match request.path.as_str() {
        "/files/a.npz?download=1" => {
            let mut answer = Answer::file(request, BYTES);
            if request.method == "GET" {
                answer.cut = cut.lock().unwrap().take();
            }
            answer
        }
        _ => Answer::status(404),
    })
}

#[test]
fn a_file_is_fetched_once_and_checked() {
    let server = server(None);
    let dir = tempfile::tempdir().unwrap();
    let into = dir.path().join("new/folder");
    let url = format!("{}/files/a.npz?download=1", server.url);
    let path = download(&url, Some(&MD5.to_uppercase()), &into, &mut |_| {}).unwrap();
    assert_eq!(path, into.join("a.npz"));
    assert_eq!(std::fs::read(&path).unwrap(), BYTES);
    server.take();
    download(&url, Some(MD5), &into, &mut |_| {}).unwrap();
    assert!(server.take().is_empty());
    assert_eq!(std::fs::read_dir(&into).unwrap().count(), 1);
    std::fs::write(&path, "mine").unwrap();
    let error = download(&url, Some(MD5), &into, &mut |_| {}).unwrap_err();
    assert!(matches!(&error, Error::Other { .. }), "{error}");
    assert!(error.to_string().ends_with("hint: move it away and run again"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
}

#[test]
fn a_lost_connection_is_gone_on_with() {
    let server = server(Some(4));
    let dir = tempfile::tempdir().unwrap();
    let url = format!("{}/files/a.npz?download=1", server.url);
    let error = download(&url, Some(MD5), dir.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(&error, Error::Lost { have: 4, size: Some(6), .. }), "{error}");
    assert_eq!(std::fs::read(dir.path().join("a.npz.part")).unwrap(), b"hell");
    server.take();
    download(&url, Some(MD5), dir.path(), &mut |_| {}).unwrap();
    let asked: Vec<_> = server.take().into_iter().map(|request| (request.method.clone(), request.from())).collect();
    assert_eq!(asked, [("HEAD".to_owned(), 0), ("GET".to_owned(), 4)]);
    assert_eq!(std::fs::read(dir.path().join("a.npz")).unwrap(), BYTES);
    assert!(!dir.path().join("a.npz.part").exists());
}

#[test]
fn another_md5_and_no_such_file() {
    let server = server(None);
    let dir = tempfile::tempdir().unwrap();
    let url = format!("{}/files/a.npz?download=1", server.url);
    let other = "0".repeat(32);
    let error = download(&url, Some(&other), dir.path(), &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains(&format!("expected MD5 {other}, got {MD5}")), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    let error = download(&format!("{}/b.npz", server.url), None, dir.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(&error, Error::Gone { .. }), "{error}");
    for (url, md5) in [("https://a.org/", None), ("a.npz", None), (url.as_str(), Some("12"))] {
        assert!(matches!(download(url, md5, dir.path(), &mut |_| {}), Err(Error::Url { .. })), "{url}");
    }
    assert_eq!(download(&url, None, dir.path(), &mut |_| {}).unwrap(), dir.path().join("a.npz"));
}

/// A server that says no size and never stops.
#[test]
fn an_endless_answer_stops_at_a_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.npz", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let head = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            let body = head.collect::<Vec<_>>().first().is_some_and(|line| line.starts_with("GET"));
            // Until the client goes away.
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            while body && stream.write_all(&[0; 1 << 16]).is_ok() {}
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let mut arrived = 0;
    let mut count = |progress: epee_hub::Progress<'_>| {
        if let epee_hub::Progress::Bytes(bytes) = progress {
            arrived += bytes;
        }
    };
    let error = download(&url, None, dir.path(), &mut count).unwrap_err().to_string();
    let expected = "expected at most 268435456 bytes of a file without a size, got more";
    assert!(error.ends_with(expected), "{error}");
    assert!(arrived <= 1 << 28);
    assert_eq!(std::fs::metadata(dir.path().join("a.npz.part")).unwrap().len(), 0);
}
