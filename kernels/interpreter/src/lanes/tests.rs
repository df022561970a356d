//! Both versions of a row's arithmetic agree.

use super::{alu, compare, fast};
use crate::isa::{Alu, Compare, HalfOp, Mufu, Rounding, Row, Type};

/// Rows of numbers of every size, with the special ones among them.
fn rows() -> Vec<Row> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state
    };
    let specials = [0, 1, 0x8000_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0x3f80_0000, 0x0000_1000];
    let mut rows: Vec<Row> = (0..40).map(|_| std::array::from_fn(|_| next())).collect();
    rows.push(std::array::from_fn(|i| specials[i % 8]));
    rows.push(std::array::from_fn(|i| specials[i / 4]));
    rows.push(std::array::from_fn(|i| (i as f32 * 0.7 - 10.0).to_bits()));
    rows
}

#[test]
fn the_fast_version_computes_the_same_bits() {
    if !fast() {
        eprintln!("skipped: this machine has no AVX2 and FMA");
        return;
    }
    let round = Rounding::NearestEven;
    let operations = [
        Alu::AddF,
        Alu::MulF,
        Alu::FmaF,
        Alu::DivF,
        Alu::MinF,
        Alu::MaxF,
        Alu::SqrtF,
        Alu::Approx(Mufu::Ex2),
        Alu::Approx(Mufu::Rcp),
        Alu::Approx(Mufu::Rsqrt),
        Alu::Approx(Mufu::Lg2),
        Alu::Approx(Mufu::Tanh),
        Alu::F32x2ToHalves { bf16: true, round, relu: false },
        Alu::F32ToInt { bits: 32, signed: true, round },
        Alu::Half { op: HalfOp::Fma, bf16: true, packed: true },
        Alu::Half { op: HalfOp::Fma, bf16: false, packed: true },
        Alu::Shl,
        Alu::MulHiS,
    ];
    let rows = rows();
    // NaN's sign and payload are not said.
    let canonical = |f: Alu, row: Row| {
        let float = !matches!(f, Alu::F32ToInt { .. } | Alu::Half { .. } | Alu::Shl | Alu::MulHiS);
        row.map(|x| if float && f32::from_bits(x).is_nan() { 0x7fff_ffff } else { x })
    };
    for f in operations {
        for (i, a) in rows.iter().enumerate() {
            let (b, c) = (&rows[(i * 7 + 1) % rows.len()], &rows[(i * 5 + 2) % rows.len()]);
            for (ftz, sat) in [(false, false), (true, false), (false, true)] {
                let [quick, plain] = [true, false].map(|fast| canonical(f, alu(fast, f, ftz, sat, a, b, c)));
                assert_eq!(quick, plain, "{f:?} {a:x?} {b:x?} {c:x?}");
            }
        }
    }
    for f in [Compare::Lt, Compare::Ne, Compare::Geu, Compare::Nan] {
        for (a, b) in rows.iter().zip(rows.iter().rev()) {
            assert_eq!(compare(true, f, Type::F32, true, a, b), compare(false, f, Type::F32, true, a, b));
        }
    }
}
