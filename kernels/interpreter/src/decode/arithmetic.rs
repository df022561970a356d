//! Arithmetic and logic.

use super::{Decoder, Modifiers, comparison};
use crate::isa::{Alu, HalfOp, Mufu, Op, Type, WideAlu};

pub(super) fn decode(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    let wide = m.take("wide");
    match m.opcode {
        "mul" | "mad" if wide => widening(m, d),
        _ if wide => Err(format!("`{}.wide` does not exist", m.opcode)),
        "lop3" => {
            let ty = m.ty()?;
            let dst = d.dst(ty)?;
            let s = [d.src(ty)?, d.src(ty)?, d.src(ty)?];
            let table = d.immediate()? as u8;
            Ok(Op::Alu { f: Alu::Lop3(table), ftz: false, sat: false, d: dst, s })
        }
        "shl" | "shr" => shift(m, d),
        "and" | "or" | "xor" | "not" if m.parts.iter().any(|(p, _)| *p == "pred") => {
            comparison::predicate_logic(m, d)
        }
        _ => plain(m, d),
    }
}

/// `d = f(a, b, c)` with all operands of one type.
fn plain(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    let high = m.take("hi");
    let low = m.take("lo");
    let nan = m.take("NaN");
    let approx = m.take("approx") || m.take("full");
    let (wrap, clamp) = (m.take("wrap"), m.take("clamp"));
    let (left, right) = (m.take("l"), m.take("r"));
    let rounded = m.take("rn");
    let ftz = m.take("ftz");
    let sat = m.take("sat");
    let ty = m.ty()?;
    if (high || low) && !matches!(m.opcode, "mul" | "mad")
        || (wrap || clamp || left || right) && m.opcode != "shf"
    {
        return Err(format!("modifiers of `{}` do not fit it", m.opcode));
    }
    if (rounded || ftz || sat || nan || approx) && !ty.float() {
        return Err(m.unsupported(ty));
    }
    let sources = match m.opcode {
        "neg" | "abs" | "not" | "popc" | "clz" | "brev" | "ex2" | "lg2" | "rcp" | "rsqrt" | "sqrt"
        | "sin" | "cos" | "tanh" => 1,
        "add" | "sub" | "mul" | "div" | "rem" | "min" | "max" | "and" | "or" | "xor" | "copysign" => 2,
        "mad" | "fma" | "prmt" | "bfe" | "shf" => 3,
        other => return Err(format!("opcode `{other}` is not supported")),
    };
    if ty.bits() == 64 {
        if matches!(m.opcode, "popc" | "clz") {
            let f = if m.opcode == "popc" { crate::isa::Narrow::Popc } else { crate::isa::Narrow::Clz };
            return Ok(Op::Narrow { f, d: d.dst(Type::B32)?, a: d.src_wide(ty)? });
        }
        let f = wide(m, ty, high)?;
        let dst = d.dst_wide()?;
        let mut s = [dst; 3];
        for source in s.iter_mut().take(sources) {
            *source = d.src_wide(ty)?;
        }
        return Ok(Op::Wide { f, d: dst, s });
    }
    let f = match ty {
        Type::F32 => float(m, ty, approx, rounded, nan)?,
        Type::F16 | Type::BF16 | Type::F16x2 | Type::BF16x2 => half(m, ty)?,
        _ => integer(m, ty, high, (left, wrap))?,
    };
    let narrow = ty.bits() == 16 && !ty.float();
    if narrow && matches!(f, Alu::Prmt | Alu::BfeU | Alu::BfeS | Alu::MulHiU | Alu::MulHiS | Alu::MadHiU) {
        return Err(m.unsupported(ty));
    }
    let dst = d.dst(ty)?;
    let mut s = [d.constant(0); 3];
    for (at, source) in s.iter_mut().enumerate().take(sources) {
        let counts = matches!(f, Alu::BfeU | Alu::BfeS) && at > 0;
        *source = d.src(if counts { Type::U32 } else { ty })?;
    }
    if narrow {
        return Ok(Op::Alu16 { f, signed: ty.signed(), d: dst, s });
    }
    Ok(Op::Alu { f, ftz, sat, d: dst, s })
}

fn integer(m: &Modifiers<'_>, ty: Type, high: bool, (left, wrap): (bool, bool)) -> Result<Alu, String> {
    let signed = ty.signed();
    let typed = |s: Alu, u: Alu| if signed { s } else { u };
    Ok(match m.opcode {
        "add" => Alu::Add,
        "sub" => Alu::Sub,
        "mul" if high => typed(Alu::MulHiS, Alu::MulHiU),
        "mul" => Alu::MulLo,
        "mad" if high => typed(Alu::MadHiS, Alu::MadHiU),
        "mad" => Alu::MadLo,
        "div" => typed(Alu::DivS, Alu::DivU),
        "rem" => typed(Alu::RemS, Alu::RemU),
        "min" => typed(Alu::MinS, Alu::MinU),
        "max" => typed(Alu::MaxS, Alu::MaxU),
        "abs" if signed => Alu::AbsS,
        "neg" if signed => Alu::Neg,
        "and" => Alu::And,
        "or" => Alu::Or,
        "xor" => Alu::Xor,
        "not" => Alu::Not,
        "prmt" => Alu::Prmt,
        "bfe" => typed(Alu::BfeS, Alu::BfeU),
        "popc" => Alu::Popc,
        "clz" => Alu::Clz,
        "brev" => Alu::Brev,
        "shf" if left => Alu::ShfLeft { wrap },
        "shf" => Alu::ShfRight { wrap },
        _ => return Err(m.unsupported(ty)),
    })
}

fn float(m: &Modifiers<'_>, ty: Type, approx: bool, rounded: bool, nan: bool) -> Result<Alu, String> {
    let unit = match m.opcode {
        "ex2" => Some(Mufu::Ex2),
        "lg2" => Some(Mufu::Lg2),
        "rcp" => Some(Mufu::Rcp),
        "rsqrt" => Some(Mufu::Rsqrt),
        "sqrt" => Some(Mufu::Sqrt),
        "sin" => Some(Mufu::Sin),
        "cos" => Some(Mufu::Cos),
        "tanh" => Some(Mufu::Tanh),
        _ => None,
    };
    Ok(match (m.opcode, unit) {
        ("sqrt", _) if rounded => Alu::SqrtF,
        (_, Some(unit)) if approx => Alu::Approx(unit),
        (opcode, Some(_)) => return Err(format!("`{opcode}.f32` needs `.approx`")),
        ("add", _) => Alu::AddF,
        ("sub", _) => Alu::SubF,
        ("mul", _) => Alu::MulF,
        ("fma" | "mad", _) if rounded => Alu::FmaF,
        ("fma" | "mad", _) => return Err("`fma.f32` needs `.rn`".to_owned()),
        ("div", _) if approx => Alu::DivApprox,
        ("div", _) if rounded => Alu::DivF,
        ("div", _) => return Err("`div.f32` needs `.approx`, `.full` or `.rn`".to_owned()),
        ("min", _) => {
            if nan {
                Alu::MinNan
            } else {
                Alu::MinF
            }
        }
        ("max", _) => {
            if nan {
                Alu::MaxNan
            } else {
                Alu::MaxF
            }
        }
        ("neg", _) => Alu::NegF,
        ("abs", _) => Alu::AbsF,
        ("copysign", _) => Alu::CopysignF,
        _ => return Err(m.unsupported(ty)),
    })
}

fn half(m: &Modifiers<'_>, ty: Type) -> Result<Alu, String> {
    let op = match m.opcode {
        "add" => HalfOp::Add,
        "sub" => HalfOp::Sub,
        "mul" => HalfOp::Mul,
        "fma" => HalfOp::Fma,
        "min" => HalfOp::Min,
        "max" => HalfOp::Max,
        "neg" => HalfOp::Neg,
        "abs" => HalfOp::Abs,
        _ => return Err(m.unsupported(ty)),
    };
    let bf16 = matches!(ty, Type::BF16 | Type::BF16x2);
    if bf16 && matches!(op, HalfOp::Add | HalfOp::Sub | HalfOp::Mul) {
        return Err(format!("`{}` of bf16 needs sm_90; `fma.rn` is there from sm_80", m.opcode));
    }
    Ok(Alu::Half { op, bf16, packed: ty.bits() == 32 })
}

fn wide(m: &Modifiers<'_>, ty: Type, high: bool) -> Result<WideAlu, String> {
    let signed = ty.signed();
    let typed = |s: WideAlu, u: WideAlu| if signed { s } else { u };
    if ty == Type::F64 {
        return Ok(match m.opcode {
            "add" => WideAlu::AddF,
            "sub" => WideAlu::SubF,
            "mul" => WideAlu::MulF,
            "fma" | "mad" => WideAlu::FmaF,
            "div" => WideAlu::DivF,
            "min" => WideAlu::MinF,
            "max" => WideAlu::MaxF,
            "neg" => WideAlu::NegF,
            "abs" => WideAlu::AbsF,
            "sqrt" => WideAlu::SqrtF,
            _ => return Err(m.unsupported(ty)),
        });
    }
    Ok(match m.opcode {
        "add" => WideAlu::Add,
        "sub" => WideAlu::Sub,
        "mul" if high => typed(WideAlu::MulHiS, WideAlu::MulHiU),
        "mul" => WideAlu::MulLo,
        "mad" if !high => WideAlu::MadLo,
        "div" => typed(WideAlu::DivS, WideAlu::DivU),
        "rem" => typed(WideAlu::RemS, WideAlu::RemU),
        "min" => typed(WideAlu::MinS, WideAlu::MinU),
        "max" => typed(WideAlu::MaxS, WideAlu::MaxU),
        "abs" if signed => WideAlu::AbsS,
        "neg" if signed => WideAlu::Neg,
        "and" => WideAlu::And,
        "or" => WideAlu::Or,
        "xor" => WideAlu::Xor,
        "not" => WideAlu::Not,
        _ => return Err(m.unsupported(ty)),
    })
}

/// `mul.wide`, `mad.wide`: the product has twice the bits of the factors.
fn widening(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    let ty = m.ty()?;
    let signed = ty.signed();
    let adds = m.opcode == "mad";
    match ty.bits() {
        16 if !ty.float() => {
            let dst = d.dst(Type::B32)?;
            let (a, b) = (d.src(ty)?, d.src(ty)?);
            let add = if adds { Some(d.src(Type::B32)?) } else { None };
            Ok(Op::MulWide16 { signed, d: dst, a, b, add })
        }
        32 if !ty.float() => {
            let dst = d.dst_wide()?;
            let (a, b) = (d.src(ty)?, d.src(ty)?);
            if adds {
                return Ok(Op::MadWide { signed, d: dst, a, b, c: d.src_wide(Type::B64)? });
            }
            Ok(Op::MulWide { signed, d: dst, a, b })
        }
        _ => Err(m.unsupported(ty)),
    }
}

fn shift(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    let ty = m.ty()?;
    let left = m.opcode == "shl";
    let signed = ty.signed();
    match ty.bits() {
        64 => {
            let dst = d.dst_wide()?;
            Ok(Op::WideShift { left, signed, d: dst, a: d.src_wide(ty)?, amount: d.src(Type::U32)? })
        }
        16 | 32 if !ty.float() => {
            let f = if left {
                Alu::Shl
            } else if signed {
                Alu::ShrS
            } else {
                Alu::ShrU
            };
            let dst = d.dst(ty)?;
            let s = [d.src(ty)?, d.src(Type::U32)?, d.constant(0)];
            Ok(if ty.bits() == 16 {
                Op::Alu16 { f, signed, d: dst, s }
            } else {
                Op::Alu { f, ftz: false, sat: false, d: dst, s }
            })
        }
        _ => Err(m.unsupported(ty)),
    }
}
