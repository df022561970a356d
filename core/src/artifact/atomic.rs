//! Whole or absent: outputs appear under their final name only when complete and on disk.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Writes a file through `write(temporary path)`, then fsyncs and renames it to `path`.
///
/// On an error nothing is left behind; after SIGKILL only a hidden `.NAME.tmp-*` file may remain.
pub fn write_file<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    let temporary = temporary_name(path)?;
    let cleanup = RemoveOnDrop(&temporary);
    let value = write(&temporary)?;
    File::open(&temporary)?.sync_all()?;
    fs::rename(&temporary, path)?;
    std::mem::forget(cleanup);
    sync_directory(path)?;
    Ok(value)
}

/// Fills a directory through `fill(temporary path)`, then fsyncs its files and renames it to `path`.
///
/// An existing directory at `path` is replaced.
pub fn write_directory<T, E: From<io::Error>>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    let temporary = temporary_name(path)?;
    fs::create_dir(&temporary)?;
    let cleanup = RemoveOnDrop(&temporary);
    let value = fill(&temporary)?;
    sync_tree(&temporary)?;
    if path.exists() {
        let old = temporary_name(path)?;
        fs::rename(path, &old)?;
        fs::rename(&temporary, path)?;
        if old.is_dir() { fs::remove_dir_all(&old)? } else { fs::remove_file(&old)? }
    } else {
        fs::rename(&temporary, path)?;
    }
    std::mem::forget(cleanup);
    sync_directory(path)?;
    Ok(value)
}

/// Serialises `value` as indented JSON into a file, atomically.
pub fn write_json<T: serde::Serialize>(path: &Path, value: &T) -> io::Result<()> {
    write_file(path, |temporary| {
        let mut text = serde_json::to_vec_pretty(value)?;
        text.push(b'\n');
        fs::write(temporary, text)
    })
}

struct RemoveOnDrop<'a>(&'a Path);

impl Drop for RemoveOnDrop<'_> {
    fn drop(&mut self) {
        let _ = if self.0.is_dir() { fs::remove_dir_all(self.0) } else { fs::remove_file(self.0) };
    }
}

/// `dir/.NAME.tmp-PID-N`: hidden, in the same directory so that the rename cannot cross file systems.
fn temporary_name(path: &Path) -> io::Result<PathBuf> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("`{}` names no file", path.display()))
    })?;
    let parent = parent(path);
    fs::create_dir_all(parent)?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".tmp-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    Ok(parent.join(hidden))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync_tree(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?
        } else {
            File::open(entry.path())?.sync_all()?
        }
    }
    File::open(directory)?.sync_all()
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temporary() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.json");
        write_json(&path, &1).unwrap();
        let failed: io::Result<()> = write_file(&path, |temporary| {
            fs::write(temporary, "half")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
        assert_eq!(names(directory.path()), ["a.json"]);
    }

    #[test]
    fn a_directory_is_replaced_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("model");
        for name in ["old", "new"] {
            write_directory(&path, |temporary| fs::write(temporary.join(name), name)).unwrap();
        }
        assert_eq!(names(&path), ["new"]);
        assert_eq!(names(directory.path()), ["model"]);
    }
}
