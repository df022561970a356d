//! Text files, plain or gzipped, line by line.

use crate::stage::UserError;
use anyhow::{Context as _, Result};
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Bytes of the longest line: a gene's counts in 100 million cells.
const MAX_LINE: u64 = 1 << 28;
const BUFFER: usize = 1 << 18;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A text file, decompressed if it begins as gzip does, whatever its name.
pub(super) fn reader(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    let file = File::open(path).with_context(|| format!("opening `{}`", path.display()))?;
    let mut file = BufReader::with_capacity(BUFFER, file);
    let gzipped = file.fill_buf().map_err(|error| unreadable(path, 0, &error))?.starts_with(&GZIP);
    Ok(match gzipped {
        // bgzip writes many members; a decoder of one would stop after the first.
        true => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file))),
        false => Box::new(file),
    })
}

/// The first bytes of a file, decompressed if they are gzip, and whether they were; fewer at its end or where it is damaged.
pub(super) fn head(path: &Path, n: usize) -> Result<(Vec<u8>, bool)> {
    let gzipped = {
        let mut file = File::open(path).with_context(|| format!("opening `{}`", path.display()))?;
        let mut magic = [0; 2];
        file.read_exact(&mut magic).is_ok() && magic == GZIP
    };
    let mut head = Vec::with_capacity(n);
    // What is damaged is told by whoever reads on.
    let _ = reader(path)?.take(n as u64).read_to_end(&mut head);
    Ok((head, gzipped))
}

/// 65: the file is there but its bytes are wrong.
fn unreadable(path: &Path, line: u64, error: &io::Error) -> anyhow::Error {
    let path = path.display();
    UserError::bad_data(format!("`{path}` cannot be read to its end: {error} (after line {line})"))
        .hint("the file is damaged or cut short: fetch it again and compare its checksum")
        .into()
}

/// The lines of a text file.
pub(super) struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    number: u64,
}

impl Lines {
    /// Before the first line.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), reader: reader(path)?, line: Vec::new(), number: 0 })
    }

    /// The next line without its end (LF or CR LF; a byte order mark is no part of the first); `None` after the last.
    ///
    /// Errors: 65 if the file is damaged or a line has no end.
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        self.line.clear();
        let mut reader = (&mut self.reader).take(MAX_LINE);
        let n = reader.read_until(b'\n', &mut self.line);
        if n.map_err(|error| unreadable(&self.path, self.number, &error))? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.line.len() as u64 == MAX_LINE && self.line.last() != Some(&b'\n') {
            return Err(self.bad(format!("is longer than {} MiB", MAX_LINE >> 20)));
        }
        let mut line = self.line.as_slice();
        line = line.strip_suffix(b"\n").unwrap_or(line);
        line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.number == 1 {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        Ok(Some(line))
    }

    /// Number of the line that was read last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// 65: ``` `file`, line 7 message ```.
    pub fn bad(&self, message: String) -> anyhow::Error {
        bad_line(&self.path, self.number, message).into()
    }
}

/// 65: ``` `file`, line 7 message ```.
pub(super) fn bad_line(path: &Path, line: u64, message: String) -> UserError {
    UserError::bad_data(format!("`{}`, line {line} {message}", path.display()))
}

/// What a message quotes of a line or a field.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
    if bytes.len() > 60 { format!("{text}…") } else { text }
}
