//! `cvt` and `mov`.

use super::operands::Operand;
use super::{Decoder, Modifiers};
use crate::isa::{Alu, File, Logic, Narrow, Op, Rounding, Type, WideAlu, Widen};

fn alu(f: Alu, ftz: bool, sat: bool, d: u16, s: [u16; 3]) -> Op {
    Op::Alu { f, ftz, sat, d, s }
}

pub(super) fn cvt(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    let to_integer = m.one_of(&[
        ("rni", Rounding::NearestEven),
        ("rzi", Rounding::Zero),
        ("rmi", Rounding::Down),
        ("rpi", Rounding::Up),
    ]);
    let to_float = m.one_of(&[
        ("rn", Rounding::NearestEven),
        ("rz", Rounding::Zero),
        ("rm", Rounding::Down),
        ("rp", Rounding::Up),
    ]);
    let relu = m.take("relu");
    let ftz = m.take("ftz");
    let sat = m.take("sat");
    let to = m.ty()?;
    let from = m.ty()?;
    let unsupported = || Err(format!("`cvt` from {from:?} to {to:?} is not supported"));
    let integer = |ty: Type| !ty.float() && ty != Type::Pred;
    let need = |rounding: Option<Rounding>, example: &str| {
        rounding.ok_or_else(|| format!("`cvt` from {from:?} to {to:?} needs a rounding such as `{example}`"))
    };
    if sat && to != Type::F32 {
        return Err("`cvt.sat` is supported to f32 only".to_owned());
    }
    let zero = d.constant(0);
    if matches!(to, Type::BF16x2 | Type::F16x2) {
        if from != Type::F32 {
            return unsupported();
        }
        let round = need(to_float, ".rn")?;
        let f = Alu::F32x2ToHalves { bf16: to == Type::BF16x2, round, relu };
        let dst = d.dst(to)?;
        return Ok(alu(f, ftz, false, dst, [d.src(from)?, d.src(from)?, zero]));
    }
    match (to.bits() == 64, from.bits() == 64) {
        (true, true) => {
            let f = match (to, from) {
                (Type::F64, Type::F64) => WideAlu::RoundF64(need(to_integer, ".rni")?),
                (Type::F64, _) => WideAlu::IntToF64 { signed: from.signed() },
                (_, Type::F64) => WideAlu::F64ToInt { signed: to.signed(), round: need(to_integer, ".rzi")? },
                _ => WideAlu::Mov,
            };
            let dst = d.dst_wide()?;
            Ok(Op::Wide { f, d: dst, s: [d.src_wide(from)?; 3] })
        }
        (true, false) => {
            let f = match (to, from) {
                (Type::F64, Type::F32) => Widen::F32ToF64,
                (Type::F64, _) if integer(from) && from.bits() == 32 => {
                    Widen::IntToF64 { signed: from.signed() }
                }
                (_, Type::F32) if integer(to) => {
                    Widen::F32ToInt { signed: to.signed(), round: need(to_integer, ".rzi")? }
                }
                _ if integer(to) && integer(from) => {
                    Widen::Extend { bits: from.bits() as u8, signed: from.signed() }
                }
                _ => return unsupported(),
            };
            let dst = d.dst_wide()?;
            let source = d.next()?;
            Ok(Op::Widen { f, d: dst, a: d.src_of(source, from, true)? })
        }
        (false, true) => {
            let f = match (to, from) {
                (Type::F32, Type::F64) => {
                    if need(to_float, ".rn")? != Rounding::NearestEven {
                        return unsupported();
                    }
                    Narrow::F64ToF32
                }
                (Type::F32, _) => {
                    if need(to_float, ".rn")? != Rounding::NearestEven {
                        return unsupported();
                    }
                    Narrow::IntToF32 { signed: from.signed() }
                }
                (_, Type::F64) if to.bits() == 32 && integer(to) => {
                    Narrow::F64ToInt { signed: to.signed(), round: need(to_integer, ".rzi")? }
                }
                _ if integer(to) && integer(from) => Narrow::Truncate { bits: to.bits() as u8 },
                _ => return unsupported(),
            };
            let dst = d.next()?;
            let dst = d.dst_of(dst, to.bits(), true)?;
            Ok(Op::Narrow { f, d: dst, a: d.src_wide(from)? })
        }
        (false, false) => {
            let half = |ty: Type| matches!(ty, Type::F16 | Type::BF16);
            let f = match (to, from) {
                (Type::F32, Type::F32) => match to_integer {
                    Some(round) => Alu::RoundF32(round),
                    None => Alu::Mov,
                },
                (Type::F32, _) if half(from) => Alu::HalfToF32 { bf16: from == Type::BF16 },
                (Type::F32, _) if integer(from) && from.bits() == 32 => {
                    Alu::IntToF32 { signed: from.signed(), round: need(to_float, ".rn")? }
                }
                (_, Type::F32) if half(to) => {
                    Alu::F32ToHalf { bf16: to == Type::BF16, round: need(to_float, ".rn")?, relu }
                }
                (_, Type::F32) if integer(to) => Alu::F32ToInt {
                    bits: to.bits() as u8,
                    signed: to.signed(),
                    round: need(to_integer, ".rzi")?,
                },
                _ if integer(to) && integer(from) => {
                    let bits = from.bits().min(to.bits()) as u8;
                    Alu::Extend {
                        bits,
                        signed: if to.bits() > from.bits() { from.signed() } else { to.signed() },
                    }
                }
                _ => return unsupported(),
            };
            let dst = d.next()?;
            let dst = d.dst_of(dst, to.bits(), true)?;
            let source = d.next()?;
            Ok(alu(f, ftz, sat, dst, [d.src_of(source, from, true)?, zero, zero]))
        }
    }
}

pub(super) fn mov(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    let ty = m.ty()?;
    let dst = d.next()?;
    match (dst, ty.bits()) {
        (Operand::Vector(parts), bits) => {
            let [low, high] = <[Operand<'_>; 2]>::try_from(parts).map_err(|_| "a vector of 2 is needed")?;
            let (low, high) = (d.dst_of(low, bits / 2, false)?, d.dst_of(high, bits / 2, false)?);
            match bits {
                64 => Ok(Op::UnpackWide { low, high, a: d.src_wide(ty)? }),
                32 => Ok(Op::UnpackHalves { low, high, a: d.src(ty)? }),
                _ => Err(m.unsupported(ty)),
            }
        }
        (Operand::Reg(reg), 1) if reg.file == File::Pred => {
            let row = d.dst_pred_of(Operand::Reg(reg))?;
            let a = d.src_pred()?;
            Ok(Op::PredLogic { f: Logic::And, d: row, a, b: a })
        }
        (Operand::Reg(reg), 64) if reg.file == File::Wide => {
            d.writes.push(reg.slot);
            match d.peek() {
                Some(Operand::Vector(_)) => {
                    let mut parts = d.vector(2)?.into_iter();
                    let mut part = || parts.next().ok_or("a vector of 2 is needed");
                    let (low, high) = (part()?, part()?);
                    let low = d.src_of(low, Type::B32, false)?;
                    Ok(Op::PackWide { d: reg.row, low, high: d.src_of(high, Type::B32, false)? })
                }
                _ => Ok(Op::Wide { f: WideAlu::Mov, d: reg.row, s: [d.src_wide(ty)?; 3] }),
            }
        }
        (dst, 16 | 32) => {
            let row = d.dst_of(dst, ty.bits(), false)?;
            let zero = d.constant(0);
            if matches!(d.peek(), Some(Operand::Vector(_))) {
                let mut parts = d.vector(2)?.into_iter();
                let mut part = || parts.next().ok_or("a vector of 2 is needed");
                let (low, high) = (part()?, part()?);
                let low = d.src_of(low, Type::B16, false)?;
                let high = d.src_of(high, Type::B16, false)?;
                return Ok(alu(Alu::PackHalves, false, false, row, [low, high, zero]));
            }
            Ok(alu(Alu::Mov, false, false, row, [d.src(ty)?, zero, zero]))
        }
        (other, _) => Err(format!("`mov` of {ty:?} cannot write {}", super::operands::describe(&other))),
    }
}
