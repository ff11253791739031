//! A file is opened below its folder or not at all: no name leads out, and no pipe makes us wait.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd};

/// Opens the regular file `path` below `folder` for reading, without waiting. Links are followed as
/// long as they stay below (`openat2(2)`: `RESOLVE_BENEATH`, `RESOLVE_NO_MAGICLINKS`).
///
/// # Errors
/// `InvalidInput` for a name with NUL, `CrossesDevices` for one that leads out, `NotFound`,
/// `PermissionDenied`, and `IsADirectory` or `Unsupported` for what is no regular file.
pub fn open_beneath(folder: &impl AsFd, path: &[u8]) -> io::Result<File> {
    let path = CString::new(path).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // SAFETY: `open_how` is three integers, for which zero is a value.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY;
    how.flags = u64::from(flags.unsigned_abs());
    how.resolve = libc::RESOLVE_BENEATH | libc::RESOLVE_NO_MAGICLINKS;
    let folder = folder.as_fd().as_raw_fd();
    // SAFETY: `path` ends in NUL and `how` has the size that is passed; both outlive the call.
    let opened = unsafe {
        let how_bytes = size_of::<libc::open_how>();
        libc::syscall(libc::SYS_openat2, folder, path.as_ptr(), &raw const how, how_bytes)
    };
    if opened < 0 {
        return Err(io::Error::last_os_error());
    }
    let opened = i32::try_from(opened).expect("invariant: a descriptor is an int");
    // SAFETY: the descriptor was just made and has no other owner.
    let file = unsafe { File::from_raw_fd(opened) };
    let kind = file.metadata()?.file_type();
    match () {
        () if kind.is_file() => Ok(file),
        () if kind.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        () => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Read};
    use std::path::PathBuf;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("ringboot-beneath-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(path.join("files/sub")).expect("folder");
            std::fs::write(path.join("files/sub/a.cfg"), "inside").expect("file");
            std::fs::write(path.join("secret"), "outside").expect("file");
            Self(path)
        }

        fn open(&self, name: &[u8]) -> Result<String, ErrorKind> {
            let folder = File::open(self.0.join("files")).expect("folder");
            let mut text = String::new();
            let mut file = open_beneath(&folder, name).map_err(|error| error.kind())?;
            file.read_to_string(&mut text).map_err(|error| error.kind())?;
            Ok(text)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn names_lead_to_files_below_and_nowhere_else() {
        let folder = Folder::new("names");
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(to, folder.0.join("files").join(name)).expect("link");
        };
        link("sub/a.cfg", "inner");
        link("../secret", "outer");
        link("/etc/passwd", "absolute");
        assert_eq!(folder.open(b"sub/a.cfg").as_deref(), Ok("inside"));
        assert_eq!(folder.open(b"./sub/../sub/a.cfg").as_deref(), Ok("inside"));
        assert_eq!(folder.open(b"inner").as_deref(), Ok("inside"));
        for out in [&b"../secret"[..], b"outer", b"absolute", b"/etc/passwd", b"sub/../../secret"] {
            assert_eq!(folder.open(out), Err(ErrorKind::CrossesDevices), "{out:?}");
        }
        assert_eq!(folder.open(b"none"), Err(ErrorKind::NotFound));
        assert_eq!(folder.open(b""), Err(ErrorKind::NotFound));
        assert_eq!(folder.open(b"sub/a.cfg\0.txt"), Err(ErrorKind::InvalidInput));
    }

    #[test]
    fn only_regular_files_and_a_pipe_does_not_hang() {
        let folder = Folder::new("kinds");
        let pipe = folder.0.join("files/pipe");
        let name = CString::new(pipe.to_str().expect("text")).expect("no NUL");
        // SAFETY: `name` ends in NUL.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        assert_eq!(folder.open(b"sub"), Err(ErrorKind::IsADirectory));
        assert_eq!(folder.open(b"pipe"), Err(ErrorKind::Unsupported));
    }
}
