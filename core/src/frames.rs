//! zstd frames by what their bytes are: runs and repetitions, or numbers that follow one another at random.

use std::cell::RefCell;
use std::ptr::NonNull;
use zstd::zstd_safe::zstd_sys::{
    ZSTD_CCtx, ZSTD_CCtx_reset, ZSTD_CCtx_setParameter, ZSTD_CCtx_setPledgedSrcSize, ZSTD_EndDirective,
    ZSTD_ResetDirective, ZSTD_cParameter, ZSTD_compressBound, ZSTD_compressStream2, ZSTD_createCCtx,
    ZSTD_freeCCtx, ZSTD_inBuffer, ZSTD_isError, ZSTD_outBuffer,
};

/// The most that a block holds.
pub const MAX_BLOCK: usize = 1 << 17;
/// What zstd adds to a block at most, with room to spare.
const BLOCK_OVERHEAD: usize = 16;

/// Appends one frame, by zstd's level 1.
///
/// Errors, as text: what zstd reports.
pub fn append(bytes: &[u8], to: &mut Vec<u8>) -> Result<(), String> {
    thread_local! { static RUNS: RefCell<Context> = RefCell::new(Context::new(&[(LEVEL, 1)])); }
    RUNS.with_borrow_mut(|context| context.append(bytes, usize::MAX, to))
}

/// Appends one frame of Huffman codes alone, new ones every `block` bytes. Where bytes follow one another at random, as
/// counts do, looking for repetitions finds only short ones: codes alone are smaller and three times as fast.
///
/// Errors, as text: what zstd reports.
pub fn append_codes(bytes: &[u8], block: usize, to: &mut Vec<u8>) -> Result<(), String> {
    // The fastest level hardly looks for repetitions; Huffman codes (literalCompressionMode 1) are not its default.
    const CODES: [(ZSTD_cParameter, i32); 2] =
        [(LEVEL, -131_072), (ZSTD_cParameter::ZSTD_c_experimentalParam5, 1)];
    thread_local! { static CODES_ALONE: RefCell<Context> = RefCell::new(Context::new(&CODES)); }
    CODES_ALONE.with_borrow_mut(|context| context.append(bytes, block, to))
}

/// Appends the frame of `n` times the same byte, at most [`MAX_BLOCK`]: magic, one segment of a size in four bytes, one
/// run-length block.
pub fn append_run(byte: u8, n: usize, to: &mut Vec<u8>) {
    assert!(n <= MAX_BLOCK, "a run of {n} bytes");
    to.extend([0x28, 0xb5, 0x2f, 0xfd, 0xa0]);
    to.extend((n as u32).to_le_bytes());
    let last_run = (n as u32) << 3 | 1 << 1 | 1;
    to.extend(&last_run.to_le_bytes()[..3]);
    to.push(byte);
}

const LEVEL: ZSTD_cParameter = ZSTD_cParameter::ZSTD_c_compressionLevel;

/// A zstd context.
struct Context(NonNull<ZSTD_CCtx>);

impl Context {
    fn new(parameters: &[(ZSTD_cParameter, i32)]) -> Self {
        // SAFETY: it takes nothing, and gives a context or null.
        let context = NonNull::new(unsafe { ZSTD_createCCtx() }).expect("memory for a zstd context");
        for &(parameter, value) in parameters {
            // SAFETY: the context is valid; a parameter that is not known is reported, not undefined.
            let code = unsafe { ZSTD_CCtx_setParameter(context.as_ptr(), parameter, value) };
            assert!(!is_error(code), "zstd refuses {parameter:?} {value}");
        }
        Self(context)
    }

    fn append(&mut self, bytes: &[u8], block: usize, to: &mut Vec<u8>) -> Result<(), String> {
        let context = self.0.as_ptr();
        // SAFETY: it computes with the number only.
        to.reserve(unsafe { ZSTD_compressBound(bytes.len()) } + bytes.len() / block * BLOCK_OVERHEAD + 64);
        let room = to.spare_capacity_mut();
        let mut output = ZSTD_outBuffer { dst: room.as_mut_ptr().cast(), size: room.len(), pos: 0 };
        // SAFETY: the context is valid, and this thread's; what stood in it from a failure before is dropped.
        let begun = unsafe {
            ZSTD_CCtx_reset(context, ZSTD_ResetDirective::ZSTD_reset_session_only);
            ZSTD_CCtx_setPledgedSrcSize(context, bytes.len() as u64)
        };
        let mut result = begun;
        let mut at = 0_usize;
        while !is_error(result) {
            let piece = &bytes[at..bytes.len().min(at.saturating_add(block))];
            at += piece.len();
            let end = match at == bytes.len() {
                true => ZSTD_EndDirective::ZSTD_e_end,
                false => ZSTD_EndDirective::ZSTD_e_flush,
            };
            let mut input = ZSTD_inBuffer { src: piece.as_ptr().cast(), size: piece.len(), pos: 0 };
            loop {
                // SAFETY: input and output describe `piece` and the spare capacity; zstd moves their positions within.
                result = unsafe { ZSTD_compressStream2(context, &mut output, &mut input, end) };
                // What is left to write, or an error; a full output cannot be, but must not be waited for.
                if result == 0 || is_error(result) || output.pos == output.size {
                    break;
                }
            }
            if at == bytes.len() || result != 0 {
                break;
            }
        }
        if result != 0 {
            return Err("zstd cannot compress".to_owned());
        }
        // SAFETY: zstd has written so many bytes into the spare capacity.
        unsafe { to.set_len(to.len() + output.pos) };
        Ok(())
    }
}

fn is_error(code: usize) -> bool {
    // SAFETY: it looks at the number only.
    unsafe { ZSTD_isError(code) != 0 }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context came from `ZSTD_createCCtx` and is freed once.
        unsafe { ZSTD_freeCCtx(self.0.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Philox;

    #[test]
    fn every_frame_is_read_back_alone_and_one_after_another() {
        let mut stream = Philox::new(1).stream(0, 0);
        let (mut all, mut frames) = (Vec::new(), Vec::new());
        for n in [0, 1, 5, 4_095, 4_096, 4_097, 300_000] {
            let bytes: Vec<u8> = (0..n).map(|_| (5.0 * stream.uniform() * stream.uniform()) as u8).collect();
            for block in [1_000, 4_096, usize::MAX] {
                let (mut one, mut other) = (Vec::new(), Vec::new());
                append_codes(&bytes, block, &mut one).unwrap();
                append(&bytes, &mut other).unwrap();
                for frame in [&one, &other] {
                    assert!(
                        zstd::bulk::decompress(frame, n).unwrap() == bytes,
                        "{n} bytes, blocks of {block}"
                    );
                    frames.extend_from_slice(frame);
                    all.extend_from_slice(&bytes);
                }
            }
        }
        for n in [1, 128, MAX_BLOCK] {
            append_run(7, n, &mut frames);
            all.resize(all.len() + n, 7);
        }
        assert!(zstd::decode_all(frames.as_slice()).unwrap() == all);
    }

    #[test]
    fn codes_of_random_counts_are_shorter_than_repetitions() {
        let mut stream = Philox::new(2).stream(0, 0);
        let bytes: Vec<u8> = (0..100_000).map(|_| (1.0 / (0.03 + stream.uniform())) as u8).collect();
        let (mut codes, mut repetitions) = (Vec::new(), Vec::new());
        append_codes(&bytes, usize::MAX, &mut codes).unwrap();
        append(&bytes, &mut repetitions).unwrap();
        assert!(codes.len() < repetitions.len(), "{} and {} bytes", codes.len(), repetitions.len());
    }
}
