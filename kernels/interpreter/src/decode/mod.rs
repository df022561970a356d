//! One statement into one decoded instruction.
//!
//! Every modifier must be understood: one that nobody asked for is an error, never silently ignored.

mod arithmetic;
mod collectives;
mod comparison;
mod convert;
mod memory;
mod operands;
mod rows;

use crate::cursor::Cursor;
use crate::entry::Body;
use crate::isa::{Instr, Op, Type};
use crate::lex;
use operands::Operand;

/// The dotted parts behind an opcode, each taken once.
struct Modifiers<'a> {
    opcode: &'a str,
    parts: Vec<(&'a str, bool)>,
}

impl<'a> Modifiers<'a> {
    fn new(word: &'a str) -> Self {
        let mut parts = word.split('.');
        Modifiers { opcode: parts.next().unwrap_or_default(), parts: parts.map(|p| (p, false)).collect() }
    }

    /// Is the modifier there? It counts as understood from now on.
    fn take(&mut self, name: &str) -> bool {
        match self.parts.iter_mut().find(|(part, taken)| *part == name && !taken) {
            Some(part) => {
                part.1 = true;
                true
            }
            None => false,
        }
    }

    /// The first of the named modifiers that is there.
    fn one_of<T: Copy>(&mut self, choices: &[(&str, T)]) -> Option<T> {
        choices.iter().find(|(name, _)| self.take(name)).map(|(_, value)| *value)
    }

    fn need<T: Copy>(&mut self, what: &str, choices: &[(&str, T)]) -> Result<T, String> {
        self.one_of(choices).ok_or_else(|| format!("`{}` needs {what}", self.opcode))
    }

    /// The next type among the modifiers.
    fn ty(&mut self) -> Result<Type, String> {
        for (part, taken) in &mut self.parts {
            if let (false, Some(ty)) = (*taken, Type::parse(part)) {
                *taken = true;
                return Ok(ty);
            }
        }
        Err(format!("`{}` names no type", self.opcode))
    }

    fn unsupported(&self, ty: Type) -> String {
        format!("`{}` of {ty:?} is not supported", self.opcode)
    }

    fn finish(&self) -> Result<(), String> {
        match self.parts.iter().find(|(_, taken)| !taken) {
            None => Ok(()),
            Some((part, _)) => Err(format!("modifier `.{part}` of `{}` is not supported", self.opcode)),
        }
    }
}

/// A statement's operands, taken from left to right, and what the instruction reads and writes.
struct Decoder<'a, 'b> {
    body: &'b mut Body,
    operands: std::vec::IntoIter<Operand<'a>>,
    reads: Vec<u16>,
    writes: Vec<u16>,
}

/// The next statement, and the label it branches to.
pub(crate) fn instruction(
    cursor: &mut Cursor<'_>,
    body: &mut Body,
) -> Result<(Instr, Option<String>), String> {
    let mut reads = Vec::new();
    let mut guard = None;
    let line_of_guard = cursor.eat("@").then(|| cursor.line());
    if line_of_guard.is_some() {
        let negate = cursor.eat("!");
        let name = cursor.next()?;
        let register = body.scopes.register(name).filter(|r| r.bits == 1);
        let register = register.ok_or_else(|| format!("guard `{name}` is not a declared predicate"))?;
        reads.push(register.slot);
        guard = Some(crate::isa::Predicate { row: register.row, negate });
    }
    let mut m = Modifiers::new(cursor.next()?);
    let line = line_of_guard.unwrap_or(cursor.line());
    let operands = operands::all(cursor, body)?;
    let mut label = None;
    let mut d = Decoder { body, operands: operands.into_iter(), reads, writes: Vec::new() };
    let op = match m.opcode {
        "bra" => {
            m.take("uni");
            match d.operands.next() {
                Some(Operand::Name(name)) => label = Some(name.to_owned()),
                _ => return Err("`bra` needs a label".to_owned()),
            }
            Op::Branch { target: u32::MAX }
        }
        "ret" | "exit" => Op::Exit,
        _ => operation(&mut m, &mut d)?,
    };
    m.finish()?;
    if d.operands.next().is_some() {
        return Err(format!("`{}` has too many operands", m.opcode));
    }
    let (reads, writes) = (d.reads.into_boxed_slice(), d.writes.into_boxed_slice());
    Ok((Instr { line, guard, op, reads, writes }, label))
}

fn operation(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    match m.opcode {
        "ld" | "ldu" | "st" | "atom" | "red" | "cvta" | "cp" | "membar" | "fence" | "prefetch" => {
            memory::decode(m, d)
        }
        "ldmatrix" | "mma" | "shfl" | "vote" | "redux" | "activemask" | "elect" | "bar" | "barrier" => {
            collectives::decode(m, d)
        }
        "cvt" => convert::cvt(m, d),
        "mov" => convert::mov(m, d),
        "setp" => comparison::setp(m, d),
        "selp" => comparison::selp(m, d),
        _ => arithmetic::decode(m, d),
    }
}

/// A floating-point literal's bits: `0f3F800000`, `0d3FF0000000000000`, `1.5`.
fn float_literal(text: &str) -> Option<operands::Literal> {
    use operands::Literal;
    match text.get(..2) {
        Some("0f" | "0F") if text.len() == 10 => {
            u32::from_str_radix(&text[2..], 16).ok().map(|bits| Literal::F32(f32::from_bits(bits)))
        }
        Some("0d" | "0D") if text.len() == 18 => {
            u64::from_str_radix(&text[2..], 16).ok().map(|bits| Literal::F64(f64::from_bits(bits)))
        }
        _ if text.contains('.') && text.starts_with(|c: char| c.is_ascii_digit()) => {
            text.parse().ok().map(Literal::F64)
        }
        _ => lex::integer(text).map(Literal::Int),
    }
}
