//! Named points of a checkpoint's write at which a test makes it pause or fail.
//!
//! `EPEE_FAULT=pause:20ms` pauses at each point; with `EPEE_FAULT_LOG=FILE` a line is appended there when a write
//! begins, at each point, and when it has ended, so that whoever killed the process knows where it was.
//! `EPEE_FAULT=fail:POINT` fails there as a full disk does.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use crate::Error;

/// The points of a write, in order.
pub(super) const POINTS: [&str; 7] =
    [BEFORE_TEMPORARY, MID_DATA, BEFORE_SYNC, BEFORE_RENAME, BEFORE_FOLDER_SYNC, BEFORE_PRUNING, AFTER_PRUNING];
pub(super) const BEFORE_TEMPORARY: &str = "before-temporary";
pub(super) const MID_DATA: &str = "mid-data";
pub(super) const BEFORE_SYNC: &str = "before-sync";
pub(super) const BEFORE_RENAME: &str = "before-rename";
pub(super) const BEFORE_FOLDER_SYNC: &str = "before-folder-sync";
pub(super) const BEFORE_PRUNING: &str = "before-pruning";
pub(super) const AFTER_PRUNING: &str = "after-pruning";

/// What happens at the points: nothing, unless a test asked.
#[derive(Default)]
pub(super) struct Points {
    pause: Duration,
    fail: Option<&'static str>,
    log: Option<File>,
}

impl Points {
    /// As the environment says.
    pub(super) fn from_env() -> Result<Points, Error> {
        let Some(fault) = std::env::var_os("EPEE_FAULT") else {
            return Ok(Points::default());
        };
        let mut points = Points::parse(&fault.to_string_lossy())?;
        if let Some(path) = std::env::var_os("EPEE_FAULT_LOG").map(PathBuf::from) {
            let file = File::options().create(true).append(true).open(&path);
            points.log = Some(file.map_err(Error::write(&path))?);
        }
        Ok(points)
    }

    fn parse(fault: &str) -> Result<Points, Error> {
        let pause = |text: &str| text.strip_suffix("ms")?.parse().ok().map(Duration::from_millis);
        let point = |text: &str| POINTS.into_iter().find(|&point| point == text);
        match fault.split_once(':') {
            Some(("pause", time)) => pause(time).map(|pause| Points { pause, ..Points::default() }),
            Some(("fail", name)) => point(name).map(|name| Points { fail: Some(name), ..Points::default() }),
            _ => None,
        }
        .ok_or_else(|| {
            let points = POINTS.join(", ");
            Error::Data(format!("EPEE_FAULT: expected pause:Nms or fail:POINT, one of {points}; got `{fault}`"))
        })
    }

    #[cfg(test)]
    pub(super) fn failing(point: &str) -> Points {
        Points::parse(&format!("fail:{point}")).unwrap_or_default()
    }

    /// A write begins or has ended, or is at a point.
    pub(super) fn log(&mut self, line: &str) -> io::Result<()> {
        match &mut self.log {
            Some(log) => log.write_all(format!("{line}\n").as_bytes()),
            None => Ok(()),
        }
    }

    /// At a point of a write.
    pub(super) fn at(&mut self, point: &'static str) -> io::Result<()> {
        self.log(point)?;
        if !self.pause.is_zero() {
            std::thread::sleep(self.pause);
        }
        match self.fail {
            Some(name) if name == point => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}
