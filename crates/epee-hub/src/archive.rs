//! Downloads of published archives, checked against their MD5 digest.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::http::StatusCode;

use crate::digest::{Algorithm, Expected, Hasher};
use crate::error::Error;
use crate::id::is_hex;
use crate::remote::{Method, Remote, Reply};
use crate::transfer::{Progress, Transfer};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Downloads a file into a folder, which is created if needed, and returns its path.
///
/// The name is the last part of the address. A file that exists with this MD5 costs no request. A lost connection leaves
/// `NAME.part`, and the next call resumes from there. Without an MD5 only the size is checked, if the server says it,
/// and a file that exists is taken as it is.
///
/// # Errors
/// An invalid address, no such file, no connection or a lost one, or another MD5: the file is deleted, unless it existed
/// before.
pub fn download(
    url: &str,
    md5: Option<&str>,
    dir: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<PathBuf, Error> {
    let refuse = |problem: &str| Error::Url { url: url.to_owned(), problem: problem.to_owned() };
    let name = name(url).ok_or_else(|| refuse("expected https:// or http:// and a path that ends in a file's name"))?;
    let expected = match md5.map(str::to_ascii_lowercase) {
        Some(hex) if is_hex(&hex, 32) => Some(Expected { algorithm: Algorithm::Md5, hex }),
        Some(_) => return Err(refuse("expected an MD5 of 32 hexadecimal digits")),
        None => None,
    };
    let target = dir.join(name);
    if target.exists() {
        return check(&target, expected.as_ref()).map(|()| target);
    }
    fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
    let remote = Remote::new(PATIENCE, url, None);
    let refusal = |reply: &Reply| match reply.status() {
        StatusCode::NOT_FOUND | StatusCode::GONE => Error::Gone { url: url.to_owned() },
        status => Error::Status { url: url.to_owned(), status: status.as_u16() },
    };
    let partial = dir.join(format!("{name}.part"));
    let transfer = Transfer {
        remote: &remote,
        url,
        name,
        partial: &partial,
        target: &target,
        size: size(&remote, url)?,
        expected: expected.as_ref(),
        refuse: &refusal,
    };
    transfer.run(progress)?;
    Ok(target)
}

/// The size, from a server that answers to HEAD.
fn size(remote: &Remote, url: &str) -> Result<Option<u64>, Error> {
    let head = remote.ask(Method::Head, url, 0)?;
    Ok(head.number("content-length").filter(|&size| size > 0 && head.status() == StatusCode::OK))
}

/// Checks that a file that existed before is the published one.
fn check(path: &Path, expected: Option<&Expected>) -> Result<(), Error> {
    let Some(Expected { algorithm, hex }) = expected else { return Ok(()) };
    let mut hasher = Hasher::new(Some(*algorithm), None);
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    hasher.file(&mut file, path)?;
    let got = hasher.hex();
    if got == *hex {
        return Ok(());
    }
    Err(Error::Other { path: path.to_owned(), algorithm: *algorithm, expected: hex.clone(), got })
}

/// The last part of an address's path.
fn name(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let (_, path) = rest.split(['?', '#']).next()?.split_once('/')?;
    let name = path.rsplit('/').next()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
    (!name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn the_name_is_the_last_part() {
        assert_eq!(name("https://z.org/records/1/files/a_64.npz?download=1"), Some("a_64.npz"));
        let bad = "https://z.org https://z.org/ https://z.org/a/ ftp://z.org/a https://z.org/.. https://z.org/%2e";
        for bad in bad.split(' ') {
            assert_eq!(name(bad), None, "{bad}");
        }
    }
}
