//! Named points between the file-system calls of a checkpoint's write, at which a test can pause, fail or look.
//!
//! The environment has a say with the feature `fault-injection` only, which the tests of `epee-cli` switch on:
//! `EPEE_FAULT=pause:20ms` pauses at each point; `EPEE_FAULT=fail:POINT` fails at one as a full disk does. With
//! `EPEE_FAULT_LOG=FILE` beside it, a line is appended there when a write begins, at each point, after each call, and when the
//! write has ended, so that a test that kills the process can tell how far it was.

use std::io;
use std::path::Path;

use crate::Error;

/// The points of a write, in order.
#[cfg(any(test, feature = "fault-injection"))]
pub(super) const POINTS: [&str; 7] = [
    "before-temporary",
    "mid-data",
    "before-sync",
    "before-rename",
    "before-folder-sync",
    "before-pruning",
    "after-pruning",
];

/// Called with the name of a point or a call, and the file or folder.
type Hook = Box<dyn FnMut(&str, &Path) -> io::Result<()> + Send>;

/// The points of a write, and a hook for tests.
#[derive(Default)]
pub(super) struct Disk(pub(super) Option<Hook>);

impl Disk {
    /// A point, or the end of a call.
    pub(super) fn at(&mut self, point: &str, path: &Path) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), |hook| hook(point, path))
    }

    #[cfg(not(feature = "fault-injection"))]
    pub(super) fn from_env() -> Result<Disk, Error> {
        Ok(Disk::default())
    }

    #[cfg(feature = "fault-injection")]
    pub(super) fn from_env() -> Result<Disk, Error> {
        let Some(fault) = std::env::var_os("EPEE_FAULT") else { return Ok(Disk::default()) };
        let log = std::env::var_os("EPEE_FAULT_LOG").map(std::path::PathBuf::from);
        let open = |path: &std::path::PathBuf| std::fs::File::options().create(true).append(true).open(path);
        let log = log.map(|path| open(&path).map_err(Error::write(&path))).transpose()?;
        Disk::parse(&fault.to_string_lossy(), log)
    }

    /// A disk that pauses or fails as `EPEE_FAULT` says.
    #[cfg(any(test, feature = "fault-injection"))]
    pub(super) fn parse(fault: &str, mut log: Option<std::fs::File>) -> Result<Disk, Error> {
        use std::io::Write;
        let (kind, text) = fault.split_once(':').unwrap_or_default();
        let pause = text.strip_suffix("ms").and_then(|text| text.parse().ok()).filter(|_| kind == "pause");
        let fail = POINTS.into_iter().find(|&point| kind == "fail" && point == text);
        if pause.is_none() && fail.is_none() {
            let points = POINTS.join(", ");
            let problem = format!("EPEE_FAULT: expected pause:Nms or fail:POINT, one of {points}; got `{fault}`");
            return Err(Error::Data(problem));
        }
        Ok(Disk(Some(Box::new(move |point, _| {
            if let Some(log) = &mut log {
                log.write_all(format!("{point}\n").as_bytes())?;
            }
            if let Some(milliseconds) = pause.filter(|_| POINTS.contains(&point)) {
                std::thread::sleep(std::time::Duration::from_millis(milliseconds));
            }
            if fail == Some(point) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }))))
    }
}
