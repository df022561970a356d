//! Operands as they are written: registers, literals, vectors, addresses.

use super::float_literal;
use crate::cursor::Cursor;
use crate::entry::{Body, SharedName};
use crate::isa::{File, Fixed, Reg};
use crate::shared::SHARED_BASE;

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
