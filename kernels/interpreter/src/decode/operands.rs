//! Operands: registers, literals, vectors, addresses; and their rows in the register file.

use super::{Decoder, float_literal};
use crate::isa::{Address, File, Fixed, Predicate, Reg, Space, Type};
use crate::parse::{Body, Cursor, SHARED_BASE, SharedName};

#[derive(Clone, Copy, Debug)]
pub(super) enum Literal {
    Int(i64),
    F32(f32),
    F64(f64),
}

#[derive(Clone, Debug)]
pub(super) enum Operand<'a> {
    Reg(Reg),
    Not(Reg),
    Literal(Literal),
    Fixed(Fixed),
    Vector(Vec<Operand<'a>>),
    /// `p|q`
    Pair(Box<[Operand<'a>; 2]>),
    Address(Box<Operand<'a>>, i64),
    Param(usize),
    Name(&'a str),
    Sink,
}

fn special(name: &str) -> Option<Fixed> {
    let (stem, axis) = match name.rsplit_once('.') {
        Some((stem, axis)) => (stem, ["x", "y", "z"].iter().position(|a| *a == axis)? as u8),
        None => (name, 0),
    };
    Some(match (stem, stem == name) {
        ("%tid", false) => Fixed::Tid(axis),
        ("%ntid", false) => Fixed::Ntid(axis),
        ("%ctaid", false) => Fixed::Ctaid(axis),
        ("%nctaid", false) => Fixed::Nctaid(axis),
        ("%laneid", true) => Fixed::Laneid,
        ("%warpid", true) => Fixed::Warpid,
        ("%lanemask_lt", true) => Fixed::LanemaskLt,
        _ => return None,
    })
}

/// Operands up to and including the semicolon.
pub(super) fn all<'a>(cursor: &mut Cursor<'a>, body: &Body) -> Result<Vec<Operand<'a>>, String> {
    let mut list = Vec::new();
    if cursor.eat(";") {
        return Ok(list);
    }
    loop {
        let first = one(cursor, body)?;
        if cursor.eat("|") {
            list.push(Operand::Pair(Box::new([first, one(cursor, body)?])));
        } else {
            list.push(first);
        }
        if cursor.eat(";") {
            return Ok(list);
        }
        cursor.expect(",")?;
    }
}

fn one<'a>(cursor: &mut Cursor<'a>, body: &Body) -> Result<Operand<'a>, String> {
    if cursor.eat("{") {
        let mut list = vec![one(cursor, body)?];
        while cursor.eat(",") {
            list.push(one(cursor, body)?);
        }
        cursor.expect("}")?;
        return Ok(Operand::Vector(list));
    }
    if cursor.eat("[") {
        let base = simple(cursor, body)?;
        let offset = offset(cursor)?;
        cursor.expect("]")?;
        return Ok(Operand::Address(Box::new(base), offset));
    }
    if cursor.eat("!") {
        return match simple(cursor, body)? {
            Operand::Reg(reg) if reg.file == File::Pred => Ok(Operand::Not(reg)),
            _ => Err("`!` needs a predicate".to_owned()),
        };
    }
    let operand = simple(cursor, body)?;
    match (operand, cursor.peek()) {
        (Operand::Fixed(f), "+" | "-") => {
            let by = offset(cursor)? as i32;
            Ok(Operand::Fixed(match f {
                Fixed::Const(v) => Fixed::Const(v.wrapping_add_signed(by)),
                Fixed::DynamicShared(v) => Fixed::DynamicShared(v + by),
                _ => return Err("an offset needs a variable before it".to_owned()),
            }))
        }
        (operand, _) => Ok(operand),
    }
}

/// `+8`, `-8`, `+-8`, or nothing.
fn offset(cursor: &mut Cursor<'_>) -> Result<i64, String> {
    if cursor.eat("-") {
        return Ok(-cursor.integer()?);
    }
    if !cursor.eat("+") {
        return Ok(0);
    }
    if cursor.eat("-") { Ok(-cursor.integer()?) } else { cursor.integer() }
}

fn simple<'a>(cursor: &mut Cursor<'a>, body: &Body) -> Result<Operand<'a>, String> {
    let negative = cursor.eat("-");
    let text = cursor.next()?;
    if let Some(literal) = float_literal(text) {
        return Ok(Operand::Literal(match literal {
            Literal::Int(v) if negative => Literal::Int(v.wrapping_neg()),
            Literal::F32(v) if negative => Literal::F32(-v),
            Literal::F64(v) if negative => Literal::F64(-v),
            literal => literal,
        }));
    }
    if negative {
        return Err(format!("expected a number after `-`, found `{text}`"));
    }
    if text == "_" {
        return Ok(Operand::Sink);
    }
    if text == "WARP_SZ" {
        return Ok(Operand::Literal(Literal::Int(32)));
    }
    if let Some(reg) = body.scopes.register(text) {
        return Ok(Operand::Reg(reg));
    }
    if text.starts_with('%') {
        return special(text).map(Operand::Fixed).ok_or_else(|| format!("register `{text}` is not declared"));
    }
    if let Some(name) = body.shared.get(text) {
        return Ok(Operand::Fixed(match *name {
            SharedName::Static(at) => Fixed::Const(SHARED_BASE + at),
            SharedName::Dynamic => Fixed::DynamicShared(0),
        }));
    }
    if let Some(param) = body.params.iter().position(|p| p.name == text) {
        return Ok(Operand::Param(param));
    }
    if text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$') {
        return Ok(Operand::Name(text));
    }
    Err(format!("`{text}` is not an operand"))
}

impl<'a> Decoder<'a, '_> {
    pub(super) fn next(&mut self) -> Result<Operand<'a>, String> {
        self.operands.next().ok_or_else(|| "an operand is missing".to_owned())
    }

    pub(super) fn peek(&self) -> Option<&Operand<'a>> {
        self.operands.as_slice().first()
    }

    pub(super) fn more(&self) -> bool {
        self.peek().is_some()
    }

    fn fixed(&mut self, fixed: Fixed) -> u16 {
        let known = self.body.fixed.iter().position(|f| *f == fixed);
        let at = known.unwrap_or_else(|| {
            self.body.fixed.push(fixed);
            self.body.fixed.len() - 1
        });
        (self.body.narrow_registers + at) as u16
    }

    /// The row of a 32-bit constant.
    pub(super) fn constant(&mut self, value: u32) -> u16 {
        self.fixed(Fixed::Const(value))
    }

    fn wide_constant(&mut self, value: u64) -> u16 {
        let known = self.body.wide_constants.iter().position(|c| *c == value);
        let at = known.unwrap_or_else(|| {
            self.body.wide_constants.push(value);
            self.body.wide_constants.len() - 1
        });
        (self.body.wide_registers + at) as u16
    }

    fn write(&mut self, reg: Reg) -> u16 {
        self.writes.push(reg.slot);
        reg.row
    }

    fn read(&mut self, reg: Reg) -> u16 {
        self.reads.push(reg.slot);
        reg.row
    }

    /// Destination of a 16- or 32-bit result.
    pub(super) fn dst(&mut self, ty: Type) -> Result<u16, String> {
        let operand = self.next()?;
        self.dst_of(operand, ty.bits(), false)
    }

    /// As [`Self::dst`], of one given operand; `wider`: a wider narrow register may take it, as loads and cvt allow.
    pub(super) fn dst_of(&mut self, operand: Operand<'a>, bits: u32, wider: bool) -> Result<u16, String> {
        match operand {
            Operand::Sink => Ok(self.fixed(Fixed::Sink)),
            Operand::Reg(reg)
                if reg.file == File::Narrow && (reg.bits == bits || wider && reg.bits > bits) =>
            {
                Ok(self.write(reg))
            }
            other => Err(mismatch(&other, bits, "result")),
        }
    }

    pub(super) fn dst_wide(&mut self) -> Result<u16, String> {
        match self.next()? {
            Operand::Reg(reg) if reg.file == File::Wide => Ok(self.write(reg)),
            other => Err(mismatch(&other, 64, "result")),
        }
    }

    pub(super) fn dst_pred(&mut self) -> Result<u16, String> {
        let operand = self.next()?;
        self.dst_pred_of(operand)
    }

    pub(super) fn dst_pred_of(&mut self, operand: Operand<'a>) -> Result<u16, String> {
        match operand {
            Operand::Reg(reg) if reg.file == File::Pred => Ok(self.write(reg)),
            other => Err(mismatch(&other, 1, "result")),
        }
    }

    /// Source of 16 or 32 bits.
    pub(super) fn src(&mut self, ty: Type) -> Result<u16, String> {
        let operand = self.next()?;
        self.src_of(operand, ty, false)
    }

    pub(super) fn src_of(&mut self, operand: Operand<'a>, ty: Type, wider: bool) -> Result<u16, String> {
        let bits = ty.bits();
        match operand {
            Operand::Reg(reg)
                if reg.file == File::Narrow && (reg.bits == bits || wider && reg.bits > bits) =>
            {
                Ok(self.read(reg))
            }
            Operand::Fixed(fixed) if bits == 32 => Ok(self.fixed(fixed)),
            Operand::Literal(literal) => {
                let value = match literal {
                    Literal::Int(v) if !ty.float() => v as u32 & mask(bits),
                    Literal::F32(v) if bits == 32 => v.to_bits(),
                    Literal::F64(v) if ty == Type::F32 => (v as f32).to_bits(),
                    Literal::Int(v) if matches!(bits, 16) || matches!(ty, Type::F16x2 | Type::BF16x2) => {
                        v as u32
                    }
                    other => return Err(mismatch(&Operand::Literal(other), bits, "source")),
                };
                Ok(self.constant(value))
            }
            other => Err(mismatch(&other, bits, "source")),
        }
    }

    pub(super) fn src_wide(&mut self, ty: Type) -> Result<u16, String> {
        match self.next()? {
            Operand::Reg(reg) if reg.file == File::Wide => Ok(self.read(reg)),
            Operand::Literal(Literal::Int(v)) if !ty.float() => Ok(self.wide_constant(v as u64)),
            Operand::Literal(Literal::F64(v)) if ty.float() => Ok(self.wide_constant(v.to_bits())),
            other => Err(mismatch(&other, 64, "source")),
        }
    }

    pub(super) fn src_pred(&mut self) -> Result<Predicate, String> {
        match self.next()? {
            Operand::Reg(reg) if reg.file == File::Pred => {
                Ok(Predicate { row: self.read(reg), negate: false })
            }
            Operand::Not(reg) => Ok(Predicate { row: self.read(reg), negate: true }),
            Operand::Literal(Literal::Int(v)) => {
                let at = self.body.pred_constants.len();
                self.body.pred_constants.push(v != 0);
                Ok(Predicate { row: (self.body.pred_registers + at) as u16, negate: false })
            }
            other => Err(mismatch(&other, 1, "source")),
        }
    }

    pub(super) fn immediate(&mut self) -> Result<i64, String> {
        match self.next()? {
            Operand::Literal(Literal::Int(v)) => Ok(v),
            other => Err(format!("expected an integer constant, found {}", describe(&other))),
        }
    }

    pub(super) fn vector(&mut self, n: usize) -> Result<Vec<Operand<'a>>, String> {
        match self.next()? {
            Operand::Vector(list) if list.len() == n => Ok(list),
            other if n == 1 => Ok(vec![other]),
            other => Err(format!("expected a vector of {n}, found {}", describe(&other))),
        }
    }

    pub(super) fn address(&mut self, space: Space) -> Result<Address, String> {
        let Operand::Address(base, offset) = self.next()? else {
            return Err("expected an address in brackets".to_owned());
        };
        let row = match (space, *base) {
            (Space::Global, Operand::Reg(reg)) if reg.file == File::Wide => self.read(reg),
            (Space::Shared, Operand::Reg(reg)) if reg.bits == 32 => self.read(reg),
            (Space::Shared, Operand::Fixed(f @ (Fixed::Const(_) | Fixed::DynamicShared(_)))) => self.fixed(f),
            (_, other) => return Err(format!("{} is no base of a {space:?} address", describe(&other))),
        };
        Ok(Address { space, row, offset })
    }
}

fn mask(bits: u32) -> u32 {
    if bits >= 32 { u32::MAX } else { (1 << bits) - 1 }
}

fn mismatch(operand: &Operand<'_>, bits: u32, role: &str) -> String {
    format!("{} cannot be a {role} of {bits} bits", describe(operand))
}

pub(super) fn describe(operand: &Operand<'_>) -> String {
    match operand {
        Operand::Reg(reg) => format!("a register of {} bits", reg.bits),
        Operand::Not(_) => "a complemented predicate".to_owned(),
        Operand::Literal(Literal::Int(v)) => format!("the integer {v}"),
        Operand::Literal(Literal::F32(v)) => format!("the f32 {v}"),
        Operand::Literal(Literal::F64(v)) => format!("the f64 {v}"),
        Operand::Fixed(_) => "a special register or variable".to_owned(),
        Operand::Vector(list) => format!("a vector of {}", list.len()),
        Operand::Pair(_) => "a pair".to_owned(),
        Operand::Address(..) => "an address".to_owned(),
        Operand::Param(_) => "a parameter".to_owned(),
        Operand::Name(name) => format!("`{name}`"),
        Operand::Sink => "`_`".to_owned(),
    }
}
