//! What blocks wrote joins memory, and what two of them touched is a conflict.

use crate::memory::{self, Memory};
use crate::overlay::{Marks, Touched, WORDS};

/// What the blocks of a launch that are done did to memory.
pub(crate) struct Launched {
    marks: Vec<Option<Box<Marks>>>,
}

impl Launched {
    pub(crate) fn new(memory: &Memory) -> Launched {
        Launched { marks: vec![None; memory.pages()] }
    }

    /// Joins a block's pages to memory, or gives the address of a byte that another block touched before.
    pub(crate) fn join(&mut self, memory: &mut Memory, touched: Touched) -> Result<(), u64> {
        for page in touched.pages {
            let earlier = self.marks[page.number].get_or_insert_with(|| Box::new(Marks::new()));
            for word in 0..WORDS {
                let (read, written, atomic) =
                    (page.marks.read[word], page.marks.written[word], page.marks.atomic[word]);
                let conflict = written & (earlier.written[word] | earlier.read[word])
                    | read & earlier.written[word]
                    | atomic & (earlier.written[word] | earlier.read[word])
                    | (read | written) & earlier.atomic[word];
                if conflict != 0 {
                    return Err(page.address + word as u64 * 64 + u64::from(conflict.trailing_zeros()));
                }
                earlier.read[word] |= read;
                earlier.written[word] |= written;
                earlier.atomic[word] |= atomic;
            }
            let Some(data) = page.data else { continue };
            let buffer = memory.buffer_mut(memory::number(page.address));
            let start = (page.address & ((1 << 36) - 1)) as usize;
            for word in 0..WORDS {
                let changed = page.marks.written[word] | page.marks.atomic[word];
                if changed == 0 {
                    continue;
                }
                buffer.written[start / 64 + word] |= changed;
                let from = word * 64;
                if changed == u64::MAX {
                    buffer.data[start + from..start + from + 64].copy_from_slice(&data[from..from + 64]);
                } else {
                    for byte in (0..64).filter(|b| changed >> b & 1 == 1) {
                        buffer.data[start + from + byte] = data[from + byte];
                    }
                }
            }
        }
        Ok(())
    }
}
