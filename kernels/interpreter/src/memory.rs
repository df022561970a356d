//! Global memory: buffers that outlive launches.
//!
//! Every buffer has its own 64 GiB of addresses, so a stray pointer never meets another buffer, and a freed buffer's
//! addresses are never used again. Each byte knows whether it was ever written.

use std::collections::BTreeMap;

use crate::half::{bf16_to_f32, f32_to_bf16};

const SPAN: u32 = 36;
pub(crate) const PAGE: usize = 4096;

/// The global memory of a device.
#[derive(Default)]
pub struct Memory {
    buffers: Vec<Option<Buffer>>,
    pages: usize,
    free_pages: BTreeMap<usize, Vec<usize>>,
}

pub(crate) struct Buffer {
    pub data: Vec<u8>,
    /// One bit a byte: was it ever written?
    pub written: Vec<u64>,
    /// The number of its first page among all pages of all buffers.
    pub first_page: usize,
}

/// Why an address is not accessible.
pub(crate) enum Lookup {
    Outside,
    Freed,
}

impl Memory {
    /// Memory without buffers.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// The address of a new buffer whose bytes nobody has written: they read as 0xff, NaN in every float format, and
    /// a kernel that reads them is reported.
    pub fn alloc(&mut self, bytes: usize) -> u64 {
        let n_pages = bytes.div_ceil(PAGE);
        let first_page = match self.free_pages.get_mut(&n_pages).and_then(Vec::pop) {
            Some(first) => first,
            None => {
                self.pages += n_pages;
                self.pages - n_pages
            }
        };
        let written = vec![0; bytes.div_ceil(64)];
        self.buffers.push(Some(Buffer { data: vec![0xff; bytes], written, first_page }));
        (self.buffers.len() as u64) << SPAN
    }

    /// Ends a buffer's life; panics if the address is not a buffer's first.
    pub fn free(&mut self, address: u64) {
        let (at, _) = self.expect(address, 0);
        let buffer = self.buffers[at].take().expect("a buffer that is alive");
        self.free_pages.entry(buffer.data.len().div_ceil(PAGE)).or_default().push(buffer.first_page);
    }

    /// Copies bytes to an address; panics outside of a buffer.
    pub fn write(&mut self, address: u64, bytes: &[u8]) {
        let (at, offset) = self.expect(address, bytes.len());
        let buffer = self.buffers[at].as_mut().expect("a buffer that is alive");
        buffer.data[offset..offset + bytes.len()].copy_from_slice(bytes);
        for (word, bits) in words(offset, bytes.len()) {
            buffer.written[word] |= bits;
        }
    }

    /// Sets bytes to a value.
    pub fn fill(&mut self, address: u64, byte: u8, n: usize) {
        self.write(address, &vec![byte; n]);
    }

    /// Copies bytes from an address; panics outside of a buffer. Bytes that nobody wrote read as 0xff.
    pub fn read(&self, address: u64, bytes: &mut [u8]) {
        let (at, offset) = self.expect(address, bytes.len());
        let buffer = self.buffers[at].as_ref().expect("a buffer that is alive");
        bytes.copy_from_slice(&buffer.data[offset..offset + bytes.len()]);
    }

    /// The first of `n` bytes that nobody has written, as an offset from the address.
    pub fn unwritten(&self, address: u64, n: usize) -> Option<usize> {
        let (at, offset) = self.expect(address, n);
        let buffer = self.buffers[at].as_ref().expect("a buffer that is alive");
        (offset..offset + n)
            .find(|&byte| buffer.written[byte / 64] >> (byte % 64) & 1 == 0)
            .map(|b| b - offset)
    }

    /// Bytes of the buffer that starts at an address.
    pub fn len(&self, address: u64) -> usize {
        let (at, _) = self.expect(address, 0);
        self.buffers[at].as_ref().map_or(0, |buffer| buffer.data.len())
    }

    /// Is no buffer alive?
    pub fn is_empty(&self) -> bool {
        self.buffers.iter().all(Option::is_none)
    }

    /// A buffer of values; its address.
    pub fn alloc_bytes(&mut self, bytes: &[u8]) -> u64 {
        let address = self.alloc(bytes.len());
        self.write(address, bytes);
        address
    }

    /// A buffer of f32 values; its address.
    pub fn alloc_f32(&mut self, values: &[f32]) -> u64 {
        self.alloc_bytes(&values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
    }

    /// A buffer of values rounded to bf16; its address.
    pub fn alloc_bf16(&mut self, values: &[f32]) -> u64 {
        self.alloc_bytes(&values.iter().flat_map(|v| f32_to_bf16(*v).to_le_bytes()).collect::<Vec<_>>())
    }

    /// A buffer of 32-bit integers; its address.
    pub fn alloc_u32(&mut self, values: &[u32]) -> u64 {
        self.alloc_bytes(&values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
    }

    /// A buffer of 64-bit integers; its address.
    pub fn alloc_u64(&mut self, values: &[u64]) -> u64 {
        self.alloc_bytes(&values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
    }

    /// `n` values from an address.
    pub fn read_f32(&self, address: u64, n: usize) -> Vec<f32> {
        self.read_u32(address, n).into_iter().map(f32::from_bits).collect()
    }

    /// `n` values from an address, widened.
    pub fn read_bf16(&self, address: u64, n: usize) -> Vec<f32> {
        self.bytes(address, 2 * n)
            .chunks_exact(2)
            .map(|b| bf16_to_f32(u16::from_le_bytes([b[0], b[1]])))
            .collect()
    }

    /// `n` values from an address.
    pub fn read_u32(&self, address: u64, n: usize) -> Vec<u32> {
        let bytes = self.bytes(address, 4 * n);
        bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }

    /// `n` values from an address.
    pub fn read_u64(&self, address: u64, n: usize) -> Vec<u64> {
        self.read_u32(address, 2 * n)
            .chunks_exact(2)
            .map(|w| u64::from(w[0]) | u64::from(w[1]) << 32)
            .collect()
    }

    /// `n` bytes from an address.
    pub fn read_bytes(&self, address: u64, n: usize) -> Vec<u8> {
        self.bytes(address, n)
    }

    fn bytes(&self, address: u64, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        self.read(address, &mut bytes);
        bytes
    }

    fn expect(&self, address: u64, n: usize) -> (usize, usize) {
        match self.find(address, n) {
            Ok((_, offset)) => ((address >> SPAN) as usize - 1, offset),
            Err(Lookup::Freed) => panic!("{n} bytes at {address:#x}: the buffer was freed"),
            Err(Lookup::Outside) => panic!("{n} bytes at {address:#x} are outside of every buffer"),
        }
    }

    /// The buffer that holds `n` bytes from an address, and where in it they are.
    #[inline(always)]
    pub(crate) fn find(&self, address: u64, n: usize) -> Result<(&Buffer, usize), Lookup> {
        let at = (address >> SPAN) as usize;
        let offset = (address & ((1 << SPAN) - 1)) as usize;
        match self.buffers.get(at.wrapping_sub(1)) {
            Some(Some(buffer)) if offset + n <= buffer.data.len() => Ok((buffer, offset)),
            Some(None) => Err(Lookup::Freed),
            _ => Err(Lookup::Outside),
        }
    }

    pub(crate) fn buffer_mut(&mut self, number: usize) -> &mut Buffer {
        self.buffers[number].as_mut().expect("a buffer that is alive")
    }

    pub(crate) fn pages(&self) -> usize {
        self.pages
    }

    /// What a finding says of an address.
    pub(crate) fn describe(&self, address: u64) -> String {
        let number = address >> SPAN;
        match self.buffers.get((number as usize).wrapping_sub(1)) {
            Some(Some(buffer)) => {
                let offset = address & ((1 << SPAN) - 1);
                format!("buffer {number} has {} bytes; the address is its byte {offset}", buffer.data.len())
            }
            Some(None) => format!("buffer {number} was freed"),
            None => format!("{address:#x} is no buffer's address"),
        }
    }
}

/// The bits of `n` bytes from an offset: a word of 64 bytes and its mask at a time.
fn words(offset: usize, n: usize) -> impl Iterator<Item = (usize, u64)> {
    let end = offset + n;
    (offset / 64..end.div_ceil(64)).map(move |word| {
        let from = offset.max(64 * word) - 64 * word;
        let to = end.min(64 * word + 64) - 64 * word;
        (word, if to == from { 0 } else { u64::MAX >> (64 - (to - from)) << from })
    })
}

/// The number of a buffer among [`Memory`]'s, from its address.
pub(crate) fn number(address: u64) -> usize {
    (address >> SPAN) as usize - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_known_by_the_byte() {
        for (start, n) in [(0, 200), (0, 64), (63, 2), (64, 64), (1, 1), (5, 130), (130, 70), (10, 0)] {
            let mut memory = Memory::new();
            let buffer = memory.alloc(200);
            memory.fill(buffer + start as u64, 7, n);
            for byte in 0..200 {
                let written = (start..start + n).contains(&byte);
                assert_eq!(memory.unwritten(buffer + byte as u64, 1).is_none(), written, "byte {byte}");
                assert_eq!(memory.read_bytes(buffer + byte as u64, 1), [if written { 7 } else { 0xff }]);
            }
            let first = (0..200).find(|byte| !(start..start + n).contains(byte));
            assert_eq!(memory.unwritten(buffer, 200), first, "{n} bytes from {start}");
        }
    }

    #[test]
    #[should_panic(expected = "outside of every buffer")]
    fn a_copy_past_the_end_of_a_buffer_panics() {
        let mut memory = Memory::new();
        let buffer = memory.alloc(8);
        memory.alloc(8);
        memory.write(buffer + 4, &[0; 5]);
    }
}
