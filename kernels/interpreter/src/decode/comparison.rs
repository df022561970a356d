//! Predicates: comparison, logic, selection.

use super::operands::Operand;
use super::{Decoder, Modifiers};
use crate::isa::{Compare, File, Logic, Op, Predicate, Type};

pub(super) fn predicate_logic(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    m.ty()?;
    let dst = d.dst_pred()?;
    let a = d.src_pred()?;
    if m.opcode == "not" {
        let a = Predicate { row: a.row, negate: !a.negate };
        return Ok(Op::PredLogic { f: Logic::And, d: dst, a, b: a });
    }
    let f = logic(m.opcode).ok_or("unreachable: matched before")?;
    Ok(Op::PredLogic { f, d: dst, a, b: d.src_pred()? })
}

fn logic(name: &str) -> Option<Logic> {
    [("and", Logic::And), ("or", Logic::Or), ("xor", Logic::Xor)]
        .iter()
        .find(|(n, _)| *n == name)
        .map(|x| x.1)
}

pub(super) fn setp(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    let compare = m.need(
        "a comparison",
        &[
            ("eq", Compare::Eq),
            ("ne", Compare::Ne),
            ("lt", Compare::Lt),
            ("lo", Compare::Lt),
            ("le", Compare::Le),
            ("ls", Compare::Le),
            ("gt", Compare::Gt),
            ("hi", Compare::Gt),
            ("ge", Compare::Ge),
            ("hs", Compare::Ge),
            ("equ", Compare::Equ),
            ("neu", Compare::Neu),
            ("ltu", Compare::Ltu),
            ("leu", Compare::Leu),
            ("gtu", Compare::Gtu),
            ("geu", Compare::Geu),
            ("num", Compare::Num),
            ("nan", Compare::Nan),
        ],
    )?;
    let combine = m.one_of(&[("and", Logic::And), ("or", Logic::Or), ("xor", Logic::Xor)]);
    let ftz = m.take("ftz");
    let ty = m.ty()?;
    if matches!(ty, Type::F16 | Type::BF16 | Type::F16x2 | Type::BF16x2) || ty.bits() < 16 {
        return Err(m.unsupported(ty));
    }
    let (p, complement) = match d.next()? {
        Operand::Pair(pair) => {
            let [p, q] = *pair;
            (d.dst_pred_of(p)?, Some(d.dst_pred_of(q)?))
        }
        p => (d.dst_pred_of(p)?, None),
    };
    let (a, b) = if ty.bits() == 64 { (d.src_wide(ty)?, d.src_wide(ty)?) } else { (d.src(ty)?, d.src(ty)?) };
    let combine = match combine {
        Some(f) => Some((f, d.src_pred()?)),
        None => None,
    };
    Ok(Op::Setp { compare, ty, ftz, d: p, complement, a, b, combine })
}

pub(super) fn selp(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    let ty = m.ty()?;
    match d.peek() {
        Some(Operand::Reg(reg)) if reg.file == File::Wide => {
            let dst = d.dst_wide()?;
            Ok(Op::SelpWide { d: dst, a: d.src_wide(ty)?, b: d.src_wide(ty)?, p: d.src_pred()? })
        }
        _ => {
            let dst = d.dst(ty)?;
            Ok(Op::Selp { d: dst, a: d.src(ty)?, b: d.src(ty)?, p: d.src_pred()? })
        }
    }
}
