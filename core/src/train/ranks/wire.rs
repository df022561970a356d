//! Numbers over a connection: little-endian, every list after its length.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::net::TcpStream;

/// Numbers a list may have: lengths are checked before memory is asked for.
const MOST: u64 = 1 << 32;
/// Numbers converted at a time.
const AT_ONCE: usize = 1 << 14;

/// A connection to another process.
pub struct Wire {
    from: BufReader<TcpStream>,
    to: BufWriter<TcpStream>,
}

impl Wire {
    /// Small messages leave at once.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { from: BufReader::new(stream.try_clone()?), to: BufWriter::new(stream) })
    }

    /// Sends what was written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    /// Writes a whole number.
    pub fn put(&mut self, number: u64) -> io::Result<()> {
        self.to.write_all(&number.to_le_bytes())
    }

    /// Reads a whole number.
    pub fn get(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.from.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Writes a text.
    pub fn put_text(&mut self, text: &str) -> io::Result<()> {
        self.put(text.len() as u64)?;
        self.to.write_all(text.as_bytes())
    }

    /// Reads a text of at most `most` bytes.
    pub fn get_text(&mut self, most: u64) -> io::Result<String> {
        let mut bytes = vec![0; self.length(most)?];
        self.from.read_exact(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| wrong())
    }

    /// Writes a list of numbers.
    pub fn put_f32(&mut self, numbers: &[f32]) -> io::Result<()> {
        self.put(numbers.len() as u64)?;
        for chunk in numbers.chunks(AT_ONCE) {
            let bytes: Vec<u8> = chunk.iter().flat_map(|x| x.to_le_bytes()).collect();
            self.to.write_all(&bytes)?;
        }
        Ok(())
    }

    /// Reads a list of numbers.
    pub fn get_f32(&mut self) -> io::Result<Vec<f32>> {
        let n = self.length(MOST)?;
        let mut numbers = Vec::new();
        let mut bytes = vec![0; 4 * AT_ONCE.min(n)];
        while numbers.len() < n {
            let bytes = &mut bytes[..4 * AT_ONCE.min(n - numbers.len())];
            self.from.read_exact(bytes)?;
            numbers.extend(bytes.chunks_exact(4).map(|x| f32::from_le_bytes([x[0], x[1], x[2], x[3]])));
        }
        Ok(numbers)
    }

    /// Writes a list of lists of numbers.
    pub fn put_f64(&mut self, lists: &[Vec<f64>]) -> io::Result<()> {
        self.put(lists.len() as u64)?;
        for list in lists {
            self.put(list.len() as u64)?;
            list.iter().try_for_each(|x| self.put(x.to_bits()))?;
        }
        Ok(())
    }

    /// Reads a list of lists of numbers.
    pub fn get_f64(&mut self) -> io::Result<Vec<Vec<f64>>> {
        let mut lists = Vec::new();
        for _ in 0..self.length(MOST)? {
            let mut list = Vec::new();
            for _ in 0..self.length(MOST)? {
                list.push(f64::from_bits(self.get()?));
            }
            lists.push(list);
        }
        Ok(lists)
    }

    /// Reads a length.
    pub fn length(&mut self, most: u64) -> io::Result<usize> {
        match self.get()? {
            n if n <= most => Ok(n as usize),
            _ => Err(wrong()),
        }
    }
}

/// What is not of this protocol.
pub fn wrong() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what arrived is no message of a rank")
}
