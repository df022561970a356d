//! What lanes do together: matrix instructions, shuffles, votes, barriers.

use super::operands::Operand;
use super::{Decoder, Modifiers, memory};
use crate::isa::{Op, Predicate, Shuffle, Space, Type, Vote};

pub(super) fn decode(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    match m.opcode {
        "ldmatrix" => ldmatrix(m, d),
        "mma" => mma(m, d),
        "shfl" => shuffle(m, d),
        "vote" => vote(m, d),
        "redux" => {
            sync(m)?;
            let op = memory::operation(m)?;
            let ty = m.ty()?;
            let dst = d.dst(ty)?;
            Ok(Op::Redux { op, signed: ty.signed(), d: dst, a: d.src(ty)?, members: d.src(Type::B32)? })
        }
        "activemask" => {
            let ty = m.ty()?;
            Ok(Op::Activemask { d: d.dst(ty)? })
        }
        "elect" => {
            sync(m)?;
            let Operand::Pair(pair) = d.next()? else {
                return Err("`elect.sync` writes `d|p`".to_owned());
            };
            let [lane, p] = *pair;
            let (lane, p) = (d.dst_of(lane, 32, false)?, d.dst_pred_of(p)?);
            Ok(Op::Elect { d: lane, p, members: d.src(Type::B32)? })
        }
        _ => barrier(m, d),
    }
}

fn sync(m: &mut Modifiers<'_>) -> Result<(), String> {
    if m.take("sync") { Ok(()) } else { Err(format!("`{}` needs `.sync`", m.opcode)) }
}

fn barrier(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    if m.take("warp") {
        sync(m)?;
        return Ok(Op::WarpBarrier { members: d.src(Type::B32)? });
    }
    m.take("cta");
    let arrive = m.need("`.sync` or `.arrive`", &[("sync", false), ("arrive", true)])?;
    if m.opcode == "barrier" && !m.take("aligned") {
        return Err("`barrier` without `.aligned` is not supported; write `bar.sync`".to_owned());
    }
    let id = d.src(Type::U32)?;
    let threads = if d.more() { Some(d.src(Type::U32)?) } else { None };
    if arrive && threads.is_none() {
        return Err("`bar.arrive` needs the number of threads".to_owned());
    }
    Ok(Op::Barrier { id, threads, arrive })
}

fn ldmatrix(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    sync(m)?;
    let aligned = m.take("aligned") && m.take("m8n8");
    let count = m.need("`.x1`, `.x2` or `.x4`", &[("x1", 1u8), ("x2", 2), ("x4", 4)])?;
    let transposed = m.take("trans");
    let shared = m.take("shared") || m.take("shared::cta");
    if !(aligned && shared && m.ty()? == Type::B16) {
        return Err("expected `ldmatrix.sync.aligned.m8n8.x4{.trans}.shared.b16`".to_owned());
    }
    let mut rows = [0; 4];
    for (at, operand) in d.vector(count.into())?.into_iter().enumerate() {
        rows[at] = d.dst_of(operand, 32, false)?;
    }
    Ok(Op::Ldmatrix { count, transposed, address: d.address(Space::Shared)?, d: rows })
}

fn mma(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    sync(m)?;
    let shape = m.take("aligned") && m.take("m16n8k16") && m.take("row") && m.take("col");
    let types = [m.ty()?, m.ty()?, m.ty()?, m.ty()?];
    let bf16 = types[1] == Type::BF16;
    let accepted = types[0] == Type::F32 && types[3] == Type::F32 && types[1] == types[2];
    if !(shape && accepted && matches!(types[1], Type::BF16 | Type::F16)) {
        return Err("expected `mma.sync.aligned.m16n8k16.row.col.f32.{bf16|f16}.{bf16|f16}.f32`".to_owned());
    }
    let mut result = [0; 4];
    for (at, operand) in d.vector(4)?.into_iter().enumerate() {
        result[at] = d.dst_of(operand, 32, false)?;
    }
    let a = sources(d, Type::B32)?;
    let b = sources(d, Type::B32)?;
    let c = sources(d, Type::F32)?;
    Ok(Op::Mma { bf16, d: result, a, b, c })
}

fn sources<const N: usize>(d: &mut Decoder<'_, '_>, ty: Type) -> Result<[u16; N], String> {
    let mut rows = [0; N];
    for (at, operand) in d.vector(N)?.into_iter().enumerate() {
        rows[at] = d.src_of(operand, ty, false)?;
    }
    Ok(rows)
}

fn shuffle(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    sync(m)?;
    let mode = m.need(
        "`.up`, `.down`, `.bfly` or `.idx`",
        &[("up", Shuffle::Up), ("down", Shuffle::Down), ("bfly", Shuffle::Bfly), ("idx", Shuffle::Idx)],
    )?;
    let ty = m.ty()?;
    let (dst, valid) = match d.next()? {
        Operand::Pair(pair) => {
            let [value, p] = *pair;
            (d.dst_of(value, 32, false)?, Some(d.dst_pred_of(p)?))
        }
        value => (d.dst_of(value, 32, false)?, None),
    };
    let a = d.src(ty)?;
    let lane = d.src(Type::U32)?;
    let clamp = d.src(Type::U32)?;
    Ok(Op::Shuffle { mode, d: dst, valid, a, lane, clamp, members: d.src(Type::B32)? })
}

fn vote(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    sync(m)?;
    let mode = m.need(
        "`.all`, `.any`, `.uni` or `.ballot`",
        &[("all", Vote::All), ("any", Vote::Any), ("uni", Vote::Uni), ("ballot", Vote::Ballot)],
    )?;
    let ty = m.ty()?;
    let dst = if mode == Vote::Ballot { d.dst(ty)? } else { d.dst_pred()? };
    let p: Predicate = d.src_pred()?;
    Ok(Op::Vote { mode, d: dst, p, members: d.src(Type::B32)? })
}
