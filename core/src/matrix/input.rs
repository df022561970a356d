//! What lies at a path: the format by content rather than by name, and inputs that can be read only once.

use super::{mtx, text};
use crate::stage::UserError;
use anyhow::{Context as _, Result};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Bytes looked at to tell the format.
const HEAD: usize = 4096;
const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
/// Extensions of HDF5 files: such a file that is none is refused as one.
const HDF5_EXTENSIONS: [&str; 5] = ["h5ad", "h5", "h5mu", "hdf5", "loom"];

/// The formats that are told apart here; what an HDF5 file or a directory holds is found by those who read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// AnnData, 10x, loom, MuData in HDF5, or a file that ought to be one.
    Hdf5,
    /// AnnData in a Zarr directory.
    Zarr,
    /// A directory with `matrix.mtx`.
    Directory,
    /// `matrix.mtx` itself.
    MatrixMarket,
    /// Delimited text.
    Text,
}

/// The format of what lies at `path`.
///
/// Errors: 66 if nothing does, or it cannot be opened; 65 if it is an archive.
pub(super) fn format(path: &Path) -> Result<Format> {
    let metadata = fs::metadata(path).map_err(|error| unopened(path, &error))?;
    if metadata.is_dir() {
        let zarr =
            ["zarr.json", ".zgroup", ".zattrs", ".zmetadata"].iter().any(|name| path.join(name).exists());
        return Ok(if zarr { Format::Zarr } else { Format::Directory });
    }
    if let Err(error) = File::open(path) {
        return Err(unopened(path, &error).into());
    }
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let (head, gzipped) = text::head(path, HEAD)?;
    let refuse = |what: &str, hint: String| {
        Err(UserError::bad_data(format!("`{}` is {what}", path.display())).hint(hint).into())
    };
    if head.starts_with(HDF5) && gzipped {
        let remedy = format!("unpack it, or pipe it: `zcat {} | panfoma-qc -i /dev/stdin`", path.display());
        return refuse("a gzipped HDF5 file, which cannot be read as it is", remedy);
    }
    if head.starts_with(b"PK\x03\x04") || head.get(257..262) == Some(&b"ustar"[..]) {
        return refuse("an archive", "unpack it and pass the files in it".to_owned());
    }
    if head.starts_with(mtx::MAGIC) {
        return Ok(Format::MatrixMarket);
    }
    let ought_to_be_hdf5 = extension.is_some_and(|extension| HDF5_EXTENSIONS.contains(&extension.as_str()));
    let binary = head.contains(&0);
    Ok(if head.starts_with(HDF5) || ought_to_be_hdf5 || binary { Format::Hdf5 } else { Format::Text })
}

fn unopened(path: &Path, error: &io::Error) -> UserError {
    let linked = fs::read_link(path).ok().filter(|_| error.kind() == io::ErrorKind::NotFound);
    let kind = crate::stage::Kind::InputMissing;
    let shown = path.display();
    match linked {
        Some(target) => UserError::new(
            kind,
            format!("`{shown}` is a link to `{}`, which does not exist", target.display()),
        ),
        None if error.kind() == io::ErrorKind::NotFound => UserError::missing(path),
        None => UserError::new(kind, format!("cannot open `{shown}`: {error}"))
            .hint("the file and the directories above it must be readable by the user who runs this"),
    }
}

/// Copies of inputs that can be read only once: pipes and sockets. They are removed when this is dropped.
#[derive(Default)]
pub struct Spool {
    directories: Vec<TempDir>,
}

impl Spool {
    /// A path that can be read any number of times: `path` itself, or of a pipe (`/dev/stdin`, a FIFO) a copy in the
    /// directory for temporary files, which bears the same name.
    ///
    /// Errors: 66 if a pipe holds nothing; 74 if there is no room for the copy.
    pub fn take(&mut self, path: &Path) -> Result<PathBuf> {
        // What is missing is refused by whoever opens it.
        let Ok(metadata) = fs::metadata(path) else { return Ok(path.to_owned()) };
        let kind = metadata.file_type();
        if !(kind.is_fifo() || kind.is_socket() || kind.is_char_device()) {
            return Ok(path.to_owned());
        }
        let directory = tempfile::Builder::new().prefix("panfoma-spool-").tempdir();
        let directory = directory.with_context(|| format!("making room for `{}`", path.display()))?;
        let copy = directory.path().join(path.file_name().unwrap_or("stdin".as_ref()));
        let spooling = || format!("copying `{}` to `{}`", path.display(), copy.display());
        let mut from = File::open(path).map_err(|error| unopened(path, &error))?;
        let n = File::create(&copy).and_then(|mut to| io::copy(&mut from, &mut to)).with_context(spooling)?;
        if n == 0 {
            return Err(UserError::bad_data(format!("`{}` holds nothing (0 bytes)", path.display()))
                .hint("does the command before the pipe succeed?")
                .into());
        }
        tracing::info!("`{}`: {n} bytes are held in `{}` until the end", path.display(), copy.display());
        self.directories.push(directory);
        Ok(copy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::error::classify;
    use std::os::unix::fs::symlink;

    fn check(name: &str, bytes: &[u8], expected: Result<Format, &str>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        match (format(&path), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{name}"),
            (Err(error), Err(words)) => {
                assert!(error.to_string().contains(words), "{name}: {error}");
                assert_eq!(classify(&error).0, 65, "{name}");
            }
            (found, expected) => panic!("{name}: {found:?}, expected {expected:?}"),
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn content_tells_the_format_whatever_the_name() {
        check("stdin", HDF5, Ok(Format::Hdf5));
        check("stdin", b"gene\tA\nTP53\t1\n", Ok(Format::Text));
        check("stdin", &gzip(b"gene\tA\nTP53\t1\n"), Ok(Format::Text));
        check("table.csv", &gzip(b"%%MatrixMarket matrix coordinate"), Ok(Format::MatrixMarket));
        check("not.h5ad", b"gene\tA\nTP53\t1\n", Ok(Format::Hdf5));
        check("model.bin", b"\x00\x01\x02", Ok(Format::Hdf5));
        check("a.h5ad.gz", &gzip(HDF5), Err("gzipped HDF5"));
        check("a.zip", b"PK\x03\x04....", Err("is an archive"));
    }

    #[test]
    fn a_link_is_followed_and_a_dangling_one_named() {
        let directory = tempfile::tempdir().unwrap();
        let (link, target) = (directory.path().join("link.h5ad"), directory.path().join("target.csv"));
        symlink(&target, &link).unwrap();
        let error = format(&link).unwrap_err();
        assert!(error.to_string().contains("target.csv`, which does not exist"), "{error}");
        assert_eq!(classify(&error).0, 66);
        fs::write(&target, b"%%MatrixMarket matrix").unwrap();
        assert_eq!(format(&link).unwrap(), Format::MatrixMarket);
    }

    #[test]
    fn a_pipe_is_copied_once_and_the_copy_removed() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let writer = std::thread::spawn({
            let fifo = fifo.clone();
            move || fs::write(fifo, b"gene,A\nTP53,1\n").unwrap()
        });
        let mut spool = Spool::default();
        let copy = spool.take(&fifo).unwrap();
        writer.join().unwrap();
        assert_eq!(copy.file_name(), fifo.file_name());
        assert_eq!(fs::read(&copy).unwrap(), b"gene,A\nTP53,1\n");
        drop(spool);
        assert!(!copy.exists());
        let file = directory.path().join("file");
        fs::write(&file, b"x").unwrap();
        assert_eq!(Spool::default().take(&file).unwrap(), file);
    }
}
