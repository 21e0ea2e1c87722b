use super::*;

#[test]
fn a_full_disk_is_an_error() {
    // The device that is always full.
    let Ok(mut full) = File::options().write(true).open("/dev/full") else {
        println!("skipped: a_full_disk_is_an_error needs /dev/full");
        return;
    };
    let error = full.write_all(&[0; 16]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn threads_that_write_one_path_leave_one_whole_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace.safetensors");
    std::thread::scope(|scope| {
        for thread in 0u8..8 {
            let path = &path;
            scope.spawn(move || (0..20).for_each(|_| write_atomic(path, &[vec![thread; 100_000]]).unwrap()));
        }
    });
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.len() == 100_000 && bytes.iter().all(|&byte| byte == bytes[0]), "a mixture was written");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Any name that a write could choose for its temporary, if it did not choose at random.
    #[test]
    fn a_link_planted_in_the_place_of_the_temporary_keeps_its_target() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("mine"), "mine").unwrap();
        symlink(path("mine"), path(&format!(".out.json.{}.tmp", std::process::id()))).unwrap();
        write_atomic(&path("out.json"), &["out"]).unwrap();
        assert_eq!(fs::read(path("mine")).unwrap(), b"mine");
        assert_eq!(fs::read(path("out.json")).unwrap(), b"out");
    }

    #[test]
    fn no_link_is_followed_by_the_options_for_logs() {
        let dir = tempfile::tempdir().unwrap();
        let [mine, log] = ["mine", "train.log"].map(|name| dir.path().join(name));
        fs::write(&mine, "mine").unwrap();
        symlink(&mine, &log).unwrap();
        let options = || crate::open_options(&log, Access::Usual);
        assert!(options().write(true).create(true).truncate(true).open(&log).is_err());
        assert!(options().append(true).create(true).open(&log).is_err());
        assert_eq!(fs::read(&mine).unwrap(), b"mine");
    }

    #[test]
    fn a_replaced_file_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("exits.json");
        for kept in [0o600, 0o640, 0o664, 0o400] {
            for write in [write_atomic::<&str>, write_private::<&str>] {
                write_atomic(&path, &["old"]).unwrap();
                set_mode(&path, kept);
                write(&path, &["new"]).unwrap();
                assert_eq!((mode(&path), fs::read(&path).unwrap()), (kept, b"new".to_vec()));
            }
        }
    }

    #[test]
    fn a_private_file_is_the_owners_unless_its_folder_is_shared_by_choice() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("usual"), "").unwrap();
        // What the umask leaves to the group.
        let group = mode(&dir.path().join("usual")) & 0o060;
        for (folder, private) in
            [(0o700, 0o600), (0o755, 0o600), (0o1777, 0o600), (0o2770, 0o600 | group), (0o775, 0o600 | group)]
        {
            set_mode(dir.path(), folder);
            let path = dir.path().join("dev.safetensors");
            write_private(&path, &["logits"]).unwrap();
            assert_eq!(mode(&path), private, "in a folder of mode {folder:o}");
            fs::remove_file(&path).unwrap();
        }
        set_mode(dir.path(), 0o755);
        write_atomic(&dir.path().join("results.csv"), &["rows"]).unwrap();
        assert_eq!(mode(&dir.path().join("results.csv")), mode(&dir.path().join("usual")));
    }

    #[test]
    fn a_pipe_is_refused_and_a_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let refused = |path: &Path| {
            let error = check_output(path).unwrap_err();
            let text = std::error::Error::source(&error).unwrap().to_string();
            assert!(write_atomic(path, &[b"x"]).is_err());
            text
        };
        let made = std::process::Command::new("mkfifo").arg(path("pipe")).status();
        if made.is_ok_and(|status| status.success()) {
            assert_eq!(refused(&path("pipe")), "expected a regular file, got a device or a pipe");
        }
        assert!(refused(dir.path()).contains("got a folder"));
        fs::write(path("real"), b"old").unwrap();
        symlink(path("real"), path("link")).unwrap();
        write_atomic(&path("link"), &[&b"n"[..], b"ew"]).unwrap();
        assert_eq!(fs::read(path("real")).unwrap(), b"new");
        assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
        symlink(path("nothing"), path("dangling")).unwrap();
        assert!(refused(&path("dangling")).contains("got a symbolic link to nothing"));
        assert!(!path("nothing").exists());
        assert_eq!(
            fs::read_dir(dir.path())
                .unwrap()
                .filter(|e| e.as_ref().is_ok_and(|e| e.path().extension().is_some_and(|x| x == "tmp")))
                .count(),
            0
        );
    }
}
