//! PTX text into kernels: declarations, scopes, labels. Instructions themselves are decoded in [`crate::decode`].

use std::collections::HashMap;
use std::fmt;

use crate::decode;
use crate::isa::{File, Fixed, Instr, Op, Reg, Type};
use crate::lex::{self, Token};

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
        let mut cursor = Cursor { tokens: &tokens, at: 0, blamed: None };
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

pub(crate) struct Cursor<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    /// The line of an error that is found only later.
    blamed: Option<u32>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn peek(&self) -> &'a str {
        self.tokens.get(self.at).map_or("", |token| token.text)
    }

    fn after_next(&self) -> &'a str {
        self.tokens.get(self.at + 1).map_or("", |token| token.text)
    }

    /// Line of the token last taken.
    pub(crate) fn line(&self) -> u32 {
        let last = self.at.saturating_sub(1).min(self.tokens.len().saturating_sub(1));
        self.tokens.get(last).map_or(1, |token| token.line)
    }

    pub(crate) fn next(&mut self) -> Result<&'a str, String> {
        let token = self.tokens.get(self.at).ok_or("the text ends too early")?;
        self.at += 1;
        Ok(token.text)
    }

    pub(crate) fn eat(&mut self, text: &str) -> bool {
        let found = self.peek() == text;
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, text: &str) -> Result<(), String> {
        let found = self.next()?;
        if found == text { Ok(()) } else { Err(format!("expected `{text}`, found `{found}`")) }
    }

    pub(crate) fn integer(&mut self) -> Result<i64, String> {
        let text = self.next()?;
        lex::integer(text).ok_or_else(|| format!("expected an integer, found `{text}`"))
    }

    fn type_name(&mut self) -> Result<Type, String> {
        let text = self.next()?;
        let known = text.strip_prefix('.').and_then(Type::parse);
        known.ok_or_else(|| format!("expected a type, found `{text}`"))
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

/// Names that are visible at one place of an entry, innermost scope last.
#[derive(Default)]
pub(crate) struct Scopes {
    stack: Vec<Scope>,
}

#[derive(Default)]
struct Scope {
    registers: HashMap<String, Reg>,
    labels: HashMap<String, u32>,
    /// Branches whose label has not been seen in this scope: instruction, label, line.
    open: Vec<(usize, String, u32)>,
}

/// What the body of an entry refers to while it is decoded.
pub(crate) struct Body {
    pub scopes: Scopes,
    pub shared: HashMap<String, SharedName>,
    pub params: Vec<Param>,
    pub fixed: Vec<Fixed>,
    pub narrow_registers: usize,
    pub wide_constants: Vec<u64>,
    pub wide_registers: usize,
    pub pred_constants: Vec<bool>,
    pub pred_registers: usize,
}

impl Scopes {
    pub(crate) fn register(&self, name: &str) -> Option<Reg> {
        self.stack.iter().rev().find_map(|scope| scope.registers.get(name).copied())
    }
}

/// Shared addresses start here: a forgotten base (address 0) is out of bounds. Aligned as the largest swizzle needs.
pub(crate) const SHARED_BASE: u32 = 1024;

/// A shared variable: bytes from the start of the static part, or the start of the dynamic part.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SharedName {
    Static(u32),
    Dynamic,
}

fn entry(cursor: &mut Cursor<'_>, external: &[(String, u32)]) -> Result<Kernel, String> {
    let name = cursor.next()?.to_owned();
    let params = params(cursor)?;
    let mut threads = None;
    while !cursor.eat("{") {
        let directive = cursor.next()?;
        let mut numbers = Vec::new();
        while let Some(value) = lex::integer(cursor.peek()) {
            cursor.next()?;
            numbers.push(value as u32);
            cursor.eat(",");
        }
        match directive {
            ".maxntid" => threads = Some(ThreadLimit::AtMost(numbers.iter().product())),
            ".reqntid" => threads = Some(ThreadLimit::Exactly(numbers.iter().product())),
            ".minnctapersm" | ".maxnreg" => {}
            other => return Err(format!("directive `{other}` is not supported")),
        }
    }
    let [narrow_registers, wide_registers, pred_registers] = count_registers(cursor)?;
    let mut body = Body {
        scopes: Scopes { stack: vec![Scope::default()] },
        shared: external.iter().map(|(name, _)| (name.clone(), SharedName::Dynamic)).collect(),
        params,
        fixed: Vec::new(),
        narrow_registers,
        wide_constants: Vec::new(),
        wide_registers,
        pred_constants: Vec::new(),
        pred_registers,
    };
    let mut register_names = Vec::new();
    let mut used = [0u16; 3];
    let mut static_shared = 0u32;
    let mut code: Vec<Instr> = Vec::new();
    loop {
        match cursor.peek() {
            "" => return Err(format!("entry `{name}` is not closed")),
            "{" => {
                cursor.next()?;
                body.scopes.stack.push(Scope::default());
            }
            "}" => {
                cursor.next()?;
                if let Err((line, what)) = close_scope(&mut body.scopes, &mut code) {
                    cursor.blamed = Some(line);
                    return Err(what);
                }
                if body.scopes.stack.is_empty() {
                    break;
                }
            }
            ".reg" => {
                cursor.next()?;
                registers(cursor, &mut body.scopes, &mut register_names, &mut used)?;
            }
            ".shared" => {
                cursor.next()?;
                shared(cursor, &mut body.shared, &mut static_shared)?;
            }
            ".pragma" => while cursor.next()? != ";" {},
            label if cursor.after_next() == ":" => {
                cursor.next()?;
                cursor.next()?;
                let scope = body.scopes.stack.last_mut().expect("a scope is open");
                if scope.labels.insert(label.to_owned(), code.len() as u32).is_some() {
                    return Err(format!("label `{label}` is defined twice"));
                }
            }
            _ => {
                let (instr, label) = decode::instruction(cursor, &mut body)?;
                if let Some(label) = label {
                    let scope = body.scopes.stack.last_mut().expect("a scope is open");
                    scope.open.push((code.len(), label, instr.line));
                }
                code.push(instr);
            }
        }
    }
    let align = external.iter().map(|(_, align)| *align).max().unwrap_or(1);
    let dynamic_at = static_shared.next_multiple_of(align);
    for fixed in &mut body.fixed {
        if let Fixed::DynamicShared(offset) = *fixed {
            *fixed = Fixed::Const((SHARED_BASE + dynamic_at).wrapping_add_signed(offset));
        }
    }
    match code.last().map(|last| (&last.op, last.guard)) {
        Some((Op::Exit | Op::Branch { .. }, None)) => {}
        _ => return Err(format!("control falls off the end of `{name}`")),
    }
    let dynamic_shared = !external.is_empty();
    Ok(Kernel {
        name,
        params: body.params,
        code,
        narrow_registers,
        fixed: body.fixed,
        wide_registers,
        wide_constants: body.wide_constants,
        pred_registers,
        pred_constants: body.pred_constants,
        register_names,
        static_shared: if dynamic_shared { dynamic_at } else { static_shared },
        dynamic_shared,
        threads,
    })
}

fn params(cursor: &mut Cursor<'_>) -> Result<Vec<Param>, String> {
    let mut params: Vec<Param> = Vec::new();
    if !cursor.eat("(") {
        return Ok(params);
    }
    let mut end = 0usize;
    while !cursor.eat(")") {
        cursor.expect(".param")?;
        let bytes = cursor.type_name()?.bytes();
        let mut pointer_align = None;
        if cursor.eat(".ptr") {
            pointer_align = Some(1);
            cursor.eat(".global");
            if cursor.eat(".align") {
                pointer_align = Some(cursor.integer()? as u64);
            }
        }
        let offset = end.next_multiple_of(bytes);
        end = offset + bytes;
        params.push(Param { name: cursor.next()?.to_owned(), offset, bytes, pointer_align });
        if cursor.peek() != ")" {
            cursor.expect(",")?;
        }
    }
    Ok(params)
}

/// How many narrow, wide and predicate registers the body of an entry declares; constants stand behind them.
fn count_registers(cursor: &Cursor<'_>) -> Result<[usize; 3], String> {
    let mut counts = [0usize; 3];
    let mut ahead = Cursor { tokens: cursor.tokens, at: cursor.at, blamed: None };
    while !matches!(ahead.peek(), "" | ".entry") {
        if ahead.next()? == ".reg" {
            each_register(&mut ahead, |ty, _, numbered| {
                counts[file(ty) as usize] += numbered.unwrap_or(1);
                Ok(())
            })?;
        }
    }
    if counts.iter().any(|&n| n > 20_000) {
        return Err("more than 20000 registers".to_owned());
    }
    Ok(counts)
}

fn file(ty: Type) -> File {
    match ty.bits() {
        1 => File::Pred,
        64 => File::Wide,
        _ => File::Narrow,
    }
}

/// Calls back with every name of a `.reg` declaration, and with n where it stands for n registers: `%r<n>`.
fn each_register<'a>(
    cursor: &mut Cursor<'a>,
    mut declare: impl FnMut(Type, &'a str, Option<usize>) -> Result<(), String>,
) -> Result<(), String> {
    let ty = cursor.type_name()?;
    if ty.bits() == 8 {
        return Err("registers of 8 bits are not supported".to_owned());
    }
    loop {
        let name = cursor.next()?;
        let mut numbered = None;
        if cursor.eat("<") {
            numbered = Some(cursor.integer()? as usize);
            cursor.expect(">")?;
        }
        declare(ty, name, numbered)?;
        if !cursor.eat(",") {
            return cursor.expect(";");
        }
    }
}

/// Names that the assembler keeps for itself.
#[rustfmt::skip]
const SPECIAL: &[&str] = &[
    "%tid", "%ntid", "%laneid", "%warpid", "%nwarpid", "%ctaid", "%nctaid", "%smid", "%nsmid", "%gridid", "%clock",
    "%clock64", "%lanemask_eq", "%lanemask_le", "%lanemask_lt", "%lanemask_ge", "%lanemask_gt", "%globaltimer",
    "%total_smem_size", "%dynamic_smem_size", "%clusterid", "%nclusterid", "%cluster_ctaid", "%cluster_nctaid",
];

fn registers(
    cursor: &mut Cursor<'_>,
    scopes: &mut Scopes,
    names: &mut Vec<String>,
    used: &mut [u16; 3],
) -> Result<(), String> {
    each_register(cursor, |ty, stem, numbered| {
        let scope = scopes.stack.last_mut().expect("a scope is open");
        for i in 0..numbered.unwrap_or(1) {
            let name = if numbered.is_some() { format!("{stem}{i}") } else { stem.to_owned() };
            if SPECIAL.contains(&name.as_str()) {
                return Err(format!("register `{name}` hides the special register of that name"));
            }
            let file = file(ty);
            let row = used[file as usize];
            used[file as usize] += 1;
            let reg = Reg { file, row, slot: names.len() as u16, bits: ty.bits() };
            if scope.registers.insert(name.clone(), reg).is_some() {
                return Err(format!("register `{name}` is declared twice"));
            }
            names.push(name);
        }
        Ok(())
    })
}

/// `.shared .align 16 .b8 name[bytes];`
fn shared(
    cursor: &mut Cursor<'_>,
    names: &mut HashMap<String, SharedName>,
    end: &mut u32,
) -> Result<(), String> {
    let align = if cursor.eat(".align") { Some(cursor.integer()? as u32) } else { None };
    let bytes = cursor.type_name()?.bytes() as u32;
    let name = cursor.next()?.to_owned();
    let mut count = 1;
    while cursor.eat("[") {
        count *= cursor.integer()? as u32;
        cursor.expect("]")?;
    }
    cursor.expect(";")?;
    let start = end.next_multiple_of(align.unwrap_or(bytes));
    *end = start + count * bytes;
    match names.insert(name.clone(), SharedName::Static(start)) {
        None => Ok(()),
        Some(_) => Err(format!("shared variable `{name}` is declared twice")),
    }
}

/// Gives the branches of the innermost scope their targets; those it does not know are asked of the scope around it.
fn close_scope(scopes: &mut Scopes, code: &mut [Instr]) -> Result<(), (u32, String)> {
    let scope = scopes.stack.pop().expect("the entry ends with its outermost scope");
    for (instr, label, line) in scope.open {
        match scope.labels.get(&label) {
            Some(&target) => code[instr].op = Op::Branch { target },
            None => match scopes.stack.last_mut() {
                Some(outer) => outer.open.push((instr, label, line)),
                None => return Err((line, format!("label `{label}` is not defined"))),
            },
        }
    }
    Ok(())
}
