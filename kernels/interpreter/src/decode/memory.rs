//! Loads, stores, atomics, asynchronous copies.

use super::operands::Operand;
use super::{Decoder, Modifiers};
use crate::isa::{AtomicOp, Elements, File, Op, Space, Type, WideAlu};

pub(super) fn decode(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    let param = m.take("param");
    match m.opcode {
        "ld" if param => load_param(m, d),
        "ld" | "ldu" | "st" => load_or_store(m, d),
        "atom" | "red" => atomic(m, d),
        "cp" => copy(m, d),
        "cvta" => {
            if !(m.take("to") && m.take("global")) {
                return Err(
                    "only `cvta.to.global` is supported: name the state space at each access".to_owned()
                );
            }
            let ty = m.ty()?;
            let dst = d.dst_wide()?;
            Ok(Op::Wide { f: WideAlu::Mov, d: dst, s: [d.src_wide(ty)?; 3] })
        }
        "prefetch" => {
            m.take("global");
            let _level = m.take("L1") || m.take("L2");
            d.address(Space::Global)?;
            Ok(Op::Fence)
        }
        _ => {
            let _kind = m.take("sc") || m.take("acq_rel");
            let _scope = m.take("cta") || m.take("gl") || m.take("gpu") || m.take("sys");
            Ok(Op::Fence)
        }
    }
}

fn space(m: &mut Modifiers<'_>) -> Result<Space, String> {
    m.need(
        "a state space: `.global` or `.shared`",
        &[("global", Space::Global), ("shared", Space::Shared), ("shared::cta", Space::Shared)],
    )
}

/// Vector width and cache hints, which change no value.
fn vector_and_hints(m: &mut Modifiers<'_>) -> usize {
    const HINTS: &[&str] = &[
        "ca",
        "cg",
        "cs",
        "lu",
        "cv",
        "wb",
        "wt",
        "relaxed",
        "weak",
        "gpu",
        "cta",
        "volatile",
        "L1::no_allocate",
        "L1::evict_first",
        "L1::evict_last",
        "L2::64B",
        "L2::128B",
        "L2::256B",
    ];
    for hint in HINTS {
        m.take(hint);
    }
    m.one_of(&[("v2", 2), ("v4", 4)]).unwrap_or(1)
}

fn load_param(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    let ty = m.ty()?;
    let (mut elements, _) = elements(ty, 1)?;
    let dst = d.next()?;
    elements.rows[0] = load_register(d, dst, ty)?;
    let Operand::Address(base, extra) = d.next()? else {
        return Err("expected `[parameter]`".to_owned());
    };
    let Operand::Param(at) = *base else {
        return Err("`ld.param` needs a parameter of this entry".to_owned());
    };
    let param = &d.body.params[at];
    if extra != 0 || param.bytes != ty.bytes() {
        return Err(format!("parameter `{}` has {} bytes, the load {}", param.name, param.bytes, ty.bytes()));
    }
    Ok(Op::LoadParam { offset: param.offset as u32, elements })
}

/// Rows are filled in by the caller.
fn elements(ty: Type, count: usize) -> Result<(Elements, usize), String> {
    let bytes = ty.bytes();
    if ty == Type::Pred || bytes * count > 16 {
        return Err(format!("{count} elements of {ty:?} are not one access"));
    }
    let elements = Elements {
        bytes: bytes as u8,
        count: count as u8,
        signed: ty.signed(),
        wide: bytes == 8,
        rows: [0; 4],
    };
    Ok((elements, bytes))
}

fn load_register<'a>(d: &mut Decoder<'a, '_>, operand: Operand<'a>, ty: Type) -> Result<u16, String> {
    match operand {
        Operand::Reg(reg) if reg.file == File::Wide && ty.bits() == 64 => {
            d.writes.push(reg.slot);
            Ok(reg.row)
        }
        operand => d.dst_of(operand, ty.bits().max(16), true),
    }
}

fn load_or_store(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    let store = m.opcode == "st";
    let space = space(m)?;
    let read_only = m.take("nc");
    let count = vector_and_hints(m);
    let ty = m.ty()?;
    let (mut elements, _) = elements(ty, count)?;
    if read_only && (store || space == Space::Shared) {
        return Err("`.nc` is of `ld.global`".to_owned());
    }
    if store {
        let address = d.address(space)?;
        for (at, operand) in d.vector(count)?.into_iter().enumerate() {
            elements.rows[at] = match operand {
                Operand::Reg(reg) if reg.file == File::Wide && ty.bits() == 64 => {
                    d.reads.push(reg.slot);
                    reg.row
                }
                operand if ty.bits() == 8 => d.src_of(operand, Type::B16, true)?,
                operand => d.src_of(operand, ty, true)?,
            };
        }
        return Ok(Op::Store { address, elements });
    }
    for (at, operand) in d.vector(count)?.into_iter().enumerate() {
        elements.rows[at] = load_register(d, operand, ty)?;
    }
    Ok(Op::Load { address: d.address(space)?, elements, read_only })
}

fn atomic(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    for hint in ["relaxed", "acq_rel", "gpu", "cta"] {
        m.take(hint);
    }
    let space = space(m)?;
    let op = operation(m)?;
    let ty = m.ty()?;
    let wide = ty.bits() == 64;
    if ty.float() {
        return Err(
            "atomics of floating-point values are refused: their sums depend on scheduling".to_owned()
        );
    }
    if ty.bits() < 32 {
        return Err(m.unsupported(ty));
    }
    let dst = match (m.opcode, wide) {
        ("red", _) => None,
        (_, true) => Some(d.dst_wide()?),
        (_, false) => Some(d.dst(ty)?),
    };
    let address = d.address(space)?;
    let mut source = || if wide { d.src_wide(ty) } else { d.src(ty) };
    let a = source()?;
    let b = if op == AtomicOp::Cas { source()? } else { a };
    Ok(Op::Atomic { op, ty, address, d: dst, a, b })
}

pub(super) fn operation(m: &mut Modifiers<'_>) -> Result<AtomicOp, String> {
    m.need(
        "an operation",
        &[
            ("add", AtomicOp::Add),
            ("and", AtomicOp::And),
            ("or", AtomicOp::Or),
            ("xor", AtomicOp::Xor),
            ("inc", AtomicOp::Inc),
            ("dec", AtomicOp::Dec),
            ("min", AtomicOp::Min),
            ("max", AtomicOp::Max),
            ("exch", AtomicOp::Exch),
            ("cas", AtomicOp::Cas),
        ],
    )
}

fn copy(m: &mut Modifiers<'_>, d: &mut Decoder<'_, '_>) -> Result<Op, String> {
    if !m.take("async") {
        return Err("only `cp.async` is supported".to_owned());
    }
    if m.take("commit_group") {
        return Ok(Op::CopyCommit);
    }
    if m.take("wait_group") {
        return Ok(Op::CopyWait { pending: d.immediate()? as u32 });
    }
    if m.take("wait_all") {
        return Ok(Op::CopyWaitAll);
    }
    let bypass = m.need("`.ca` or `.cg`", &[("ca", false), ("cg", true)])?;
    if !((m.take("shared") || m.take("shared::cta")) && m.take("global")) {
        return Err("`cp.async` copies `.shared.global`".to_owned());
    }
    for hint in ["L2::64B", "L2::128B", "L2::256B"] {
        m.take(hint);
    }
    let shared = d.address(Space::Shared)?;
    let global = d.address(Space::Global)?;
    let bytes = d.immediate()?;
    let sizes: &[i64] = if bypass { &[16] } else { &[4, 8, 16] };
    if !sizes.contains(&bytes) {
        return Err(format!("`cp.async` of {bytes} bytes; allowed here: {sizes:?}"));
    }
    let source_bytes = if d.more() { Some(d.src(Type::U32)?) } else { None };
    Ok(Op::CopyAsync { shared, global, bytes: bytes as u8, source_bytes })
}
