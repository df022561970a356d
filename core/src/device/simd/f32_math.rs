//! Elementary functions on f32 vectors. Coefficients: weighted least-squares fits in f64, driven to equal error.

use super::Vector;

/// What the functions need beyond arithmetic: the exponent field.
pub trait F32Vector: Vector<Elem = f32> {
    /// p * 2^n, where `t` = n + `ROUND` was made by adding `ROUND`, and the result is a normal number.
    fn scale_by_power(p: Self, t: Self) -> Self;
}

/// Adding 1.5 * 2^23 leaves the nearest integer in the low bits of an f32.
pub const ROUND: f64 = 12_582_912.0;

/// Smallest argument of exp whose result is a normal f32.
const EXP_MIN: f64 = -87.336;

/// e^x, relative error below 2e-7; 0 below -87.336, and capped at e^88.
#[inline(always)]
pub fn exp<V: F32Vector>(x: V) -> V {
    let c = V::constant;
    let capped = x.select_lt(c(88.0), x, c(88.0)).max(c(EXP_MIN));
    let t = capped.mul_add(c(std::f64::consts::LOG2_E), c(ROUND));
    let n = t - c(ROUND);
    // ln 2 in two parts: n * high is exact.
    let f = n.mul_add(c(-0.693_359_375), capped);
    let f = n.mul_add(c(2.121_944_400_546_905_8e-4), f);
    let p = c(1.381_461_758_083_628e-3);
    let p = p.mul_add(f, c(8.368_710_512_344_42e-3));
    let p = p.mul_add(f, c(4.166_838_731_844_449e-2));
    let p = p.mul_add(f, c(0.166_665_206_831_206_06));
    let p = p.mul_add(f, c(0.499_999_934_517_466_7));
    let p = p.mul_add(f, c(1.0));
    let p = p.mul_add(f, c(1.0));
    x.select_lt(c(EXP_MIN), c(0.0), V::scale_by_power(p, t))
}

/// 2^x for x <= 0, relative error below 2e-7, at least 2^-126.
#[inline(always)]
pub fn exp2_decay<V: F32Vector>(x: V) -> V {
    let c = V::constant;
    let x = x.max(c(-126.0));
    let t = x + c(ROUND);
    let f = x - (t - c(ROUND));
    let p = c(1.326_472_681_211_295_6e-3);
    let p = p.mul_add(f, c(9.671_513_560_252_165e-3));
    let p = p.mul_add(f, c(5.550_733_748_510_033e-2));
    let p = p.mul_add(f, c(0.240_222_420_683_271_13));
    let p = p.mul_add(f, c(0.693_146_977_594_55));
    let p = p.mul_add(f, c(1.0));
    V::scale_by_power(p, t)
}

/// Normal distribution function and density: with z = |x|/sqrt(2) and t = 1/(1 + 0.3 z),
/// erfc(z) e^(z^2) is a polynomial in t to 2e-8.
#[inline(always)]
pub fn normal<V: F32Vector>(x: V) -> (V, V) {
    let c = V::constant;
    let bell = (x * x * c(-0.5)).exp();
    let t = c(1.0) / x.abs().mul_add(c(0.3 * std::f64::consts::FRAC_1_SQRT_2), c(1.0));
    let p = c(-0.129_532_276_673_336_55);
    let p = p.mul_add(t, c(0.485_607_541_490_518_3));
    let p = p.mul_add(t, c(-0.512_367_179_635_424_4));
    let p = p.mul_add(t, c(0.547_819_121_165_058));
    let p = p.mul_add(t, c(-0.094_717_254_847_458_22));
    let p = p.mul_add(t, c(0.214_953_583_622_155_63));
    let p = p.mul_add(t, c(0.148_332_340_417_237_4));
    let p = p.mul_add(t, c(0.170_716_153_163_008_54));
    let p = p.mul_add(t, c(0.169_187_952_844_964_7));
    let tail = p * t * bell * c(0.5);
    let phi = x.select_lt(c(0.0), tail, c(1.0) - tail);
    (phi, bell * c(0.398_942_280_401_432_7))
}

/// log(1 + e^x) = max(x, 0) + log(1 + u), u = e^-|x|; log(1 + u) = 2 atanh(s), s = u/(2 + u) <= 1/3.
#[inline(always)]
pub fn softplus<V: F32Vector>(x: V) -> V {
    let c = V::constant;
    let u = (c(0.0) - x.abs()).exp();
    let s = u / (u + c(2.0));
    let q = s * s;
    // The series 1 + q/3 + q^2/5 + ...: the first term left out is below 2e-8.
    let p = c(1.0 / 13.0);
    let p = p.mul_add(q, c(1.0 / 11.0));
    let p = p.mul_add(q, c(1.0 / 9.0));
    let p = p.mul_add(q, c(1.0 / 7.0));
    let p = p.mul_add(q, c(1.0 / 5.0));
    let p = p.mul_add(q, c(1.0 / 3.0));
    let p = p.mul_add(q, c(1.0));
    x.max(c(0.0)) + s * c(2.0) * p
}
