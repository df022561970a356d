//! PTX text into kernels. An entry is read by [`crate::entry`], its instructions by [`crate::decode`].

use std::fmt;

use crate::cursor::Cursor;
use crate::entry::entry;
use crate::isa::{Fixed, Instr, Op};
use crate::lex;

/// Why a text is not PTX of the subset, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Line of the text, from 1.
    pub line: u32,
    /// What was found, and what is accepted.
    pub what: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PTX line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for ParseError {}

/// The kernels of one PTX text.
#[derive(Clone, Debug)]
pub struct Module {
    kernels: Vec<Kernel>,
}

/// A parameter of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// As written: `p_x`.
    pub name: String,
    /// Bytes from the start of the parameter block.
    pub offset: usize,
    /// Size in bytes.
    pub bytes: usize,
    /// Alignment that `.ptr .align` promises of the address; `None` for what is not declared a pointer.
    pub pointer_align: Option<u64>,
}

/// A decoded `.entry`.
#[derive(Clone, Debug)]
pub struct Kernel {
    pub(crate) name: String,
    pub(crate) params: Vec<Param>,
    pub(crate) code: Vec<Instr>,
    pub(crate) narrow_registers: usize,
    pub(crate) fixed: Vec<Fixed>,
    pub(crate) wide_registers: usize,
    pub(crate) wide_constants: Vec<u64>,
    pub(crate) pred_registers: usize,
    pub(crate) pred_constants: Vec<bool>,
    /// By slot.
    pub(crate) register_names: Vec<String>,
    pub(crate) static_shared: u32,
    pub(crate) dynamic_shared: bool,
    pub(crate) threads: Option<ThreadLimit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThreadLimit {
    AtMost(u32),
    Exactly(u32),
}

impl Module {
    /// Reads and checks the whole text; every error names its line.
    pub fn parse(source: &str) -> Result<Module, ParseError> {
        let tokens = lex::tokens(source).map_err(|(line, what)| ParseError { line, what })?;
        let mut cursor = Cursor::new(&tokens);
        module(&mut cursor).map_err(|what| ParseError { line: cursor.blamed.unwrap_or(cursor.line()), what })
    }

    /// The `.entry` of that name.
    pub fn entry(&self, name: &str) -> Option<&Kernel> {
        self.kernels.iter().find(|kernel| kernel.name == name)
    }

    /// All entries, in the order of the text.
    pub fn entries(&self) -> &[Kernel] {
        &self.kernels
    }
}

impl Kernel {
    /// Name of the `.entry`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The parameters in order, with their places in the parameter block.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// Bytes of shared memory that the text itself declares.
    pub fn static_shared(&self) -> u32 {
        self.static_shared
    }

    /// Number of instructions.
    pub fn instructions(&self) -> usize {
        self.code.len()
    }

    /// Bytes of the parameter block.
    pub(crate) fn param_bytes(&self) -> usize {
        self.params.last().map_or(0, |last| last.offset + last.bytes)
    }

    /// Does a block's result depend on other blocks of the launch?
    pub(crate) fn has_global_atomics(&self) -> bool {
        let global = crate::isa::Space::Global;
        self.code.iter().any(|i| matches!(i.op, Op::Atomic { address, .. } if address.space == global))
    }
}

fn module(cursor: &mut Cursor<'_>) -> Result<Module, String> {
    let mut kernels = Vec::new();
    let mut external = Vec::new();
    while !cursor.peek().is_empty() {
        match cursor.next()? {
            ".version" | ".address_size" => {
                cursor.next()?;
            }
            ".target" => {
                cursor.next()?;
                while cursor.eat(",") {
                    cursor.next()?;
                }
            }
            ".visible" => {}
            ".extern" => {
                cursor.expect(".shared")?;
                let mut align = 4;
                if cursor.eat(".align") {
                    align = cursor.integer()? as u32;
                }
                cursor.type_name()?;
                external.push((cursor.next()?.to_owned(), align));
                for text in ["[", "]", ";"] {
                    cursor.expect(text)?;
                }
            }
            ".entry" => kernels.push(entry(cursor, &external)?),
            other => return Err(format!("`{other}` is not expected outside of an entry")),
        }
    }
    if kernels.is_empty() {
        return Err("the text holds no `.entry`".to_owned());
    }
    Ok(Module { kernels })
}
