//! Distribution functions, accurate in the tails and for millions of trials.

use statrs::function::erf::{erfc, erfc_inv};
use statrs::function::gamma::ln_gamma;

/// From here on Stirling's series is exact to a double; below it `ln_gamma` is small enough not to
/// cancel.
const STIRLING_FROM: f64 = 16.0;

/// Newton steps of a quantile; six are enough from any start, the rest guard against a bad one.
const NEWTON_STEPS: usize = 60;

/// Returns P(Z ≤ z) for a standard normal Z.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

/// Returns the z with P(Z ≤ z) = `p`, for `p` in (0, 1).
pub(crate) fn normal_quantile(p: f64) -> f64 {
    let z = -std::f64::consts::SQRT_2 * erfc_inv(2.0 * p);
    if !z.is_finite() {
        return z;
    }
    // One Halley step: the inverse is a rational approximation, the function is not.
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if density == 0.0 {
        return z;
    }
    let step = (normal_cdf(z) - p) / density;
    z - step / (1.0 + 0.5 * z * step)
}

/// Returns P(T ≤ t) for Student's t with `df` > 0 degrees of freedom.
pub(crate) fn student_t_cdf(t: f64, df: f64) -> f64 {
    if t.is_infinite() {
        return if t > 0.0 { 1.0 } else { 0.0 };
    }
    let square = t * t;
    let tail = 0.5 * beta_lower(0.5 * df, 0.5, df / (df + square), square / (df + square));
    if t < 0.0 { tail } else { 1.0 - tail }
}

/// Returns the t with P(T ≤ t) = `p`, for `p` in (0, 1).
///
/// Newton on the lower tail, kept inside a bracket.
pub(crate) fn student_t_quantile(p: f64, df: f64) -> f64 {
    if p > 0.5 {
        return -student_t_quantile(1.0 - p, df);
    }
    let mut low = -1.0;
    while student_t_cdf(low, df) > p {
        low *= 2.0;
    }
    let mut high = 0.0;
    let mut t = normal_quantile(p).max(low);
    let log_norm =
        ln_gamma(0.5 * (df + 1.0)) - ln_gamma(0.5 * df) - 0.5 * (df * std::f64::consts::PI).ln();
    for _ in 0..NEWTON_STEPS {
        let error = student_t_cdf(t, df) - p;
        if error > 0.0 {
            high = t;
        } else {
            low = t;
        }
        let density = (log_norm - 0.5 * (df + 1.0) * (t * t / df).ln_1p()).exp();
        let mut next = t - error / density;
        if !(next > low && next < high) {
            next = 0.5 * (low + high);
        }
        if (next - t).abs() <= 4.0 * f64::EPSILON * t.abs() {
            return next;
        }
        t = next;
    }
    t
}

/// Returns P(B ≤ k) for a binomial B of `n` trials with success probability `p`.
pub(crate) fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    let (k, n) = (k as f64, n as f64);
    beta_lower(n - k, k + 1.0, 1.0 - p, p)
}

/// Returns the regularised incomplete beta function Iₓ(a, b), with `y` = 1 − x given so that
/// neither is rounded.
///
/// Continued fraction of Numerical Recipes 6.4 by Lentz's method. Its steps grow with √max(a, b),
/// so the number is not fixed as in `statrs`, which is wrong beyond some 10,000; the factor before
/// it is Loader's saddle point (2000), which does not cancel for large a and b.
fn beta_lower(a: f64, b: f64, x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_factor(b, a, y, x) * continued_fraction(b, a, y) / b;
    }
    beta_factor(a, b, x, y) * continued_fraction(a, b, x) / a
}

/// Returns x^a y^b / B(a, b).
fn beta_factor(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let total = a + b;
    let log = stirling_error(total)
        - stirling_error(a)
        - stirling_error(b)
        - deviance(a, total * x)
        - deviance(b, total * y);
    log.exp() * (a * b / (2.0 * std::f64::consts::PI * total)).sqrt()
}

/// Returns ln Γ(z + 1) − (z + ½) ln z + z − ½ ln 2π.
fn stirling_error(z: f64) -> f64 {
    if z < STIRLING_FROM {
        return ln_gamma(z + 1.0) - (z + 0.5) * z.ln() + z
            - 0.5 * (2.0 * std::f64::consts::PI).ln();
    }
    let w = 1.0 / (z * z);
    let series = 1.0 / 1260.0 - w * (1.0 / 1680.0 - w * (1.0 / 1188.0 - w * 691.0 / 360_360.0));
    (1.0 / 12.0 - w * (1.0 / 360.0 - w * series)) / z
}

/// Returns a ln(a / m) − a + m without cancellation near a = m.
fn deviance(a: f64, m: f64) -> f64 {
    let off = a - m;
    if off.abs() > 0.1 * (a + m) {
        return a * (a / m).ln() - off;
    }
    let v = off / (a + m);
    let mut term = 2.0 * a * v;
    let mut sum = off * v;
    for j in 1..1000 {
        term *= v * v;
        let next = sum + term / f64::from(2 * j + 1);
        if next.to_bits() == sum.to_bits() {
            break;
        }
        sum = next;
    }
    sum
}

#[expect(
    clippy::many_single_char_names,
    reason = "the names of the formula cited"
)]
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    let tiny = f64::MIN_POSITIVE / f64::EPSILON;
    let guard = |v: f64| if v.abs() < tiny { tiny } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    let most = 1000 + 20 * a.max(b).sqrt() as u64;
    for step in 1..=most {
        let m = step as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        let factor = d * c;
        h *= factor;
        if (factor - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    h
}

#[cfg(test)]
mod tests {
    use super::*;

    /// References by mpmath at 40 digits; the tolerance is relative, so it holds in the tails.
    fn near(found: f64, expected: f64) {
        let off = (found - expected).abs() / expected.abs().max(f64::MIN_POSITIVE);
        assert!(off < 1e-9, "found {found:e}, expected {expected:e}");
    }

    #[test]
    fn the_normal_is_right_in_its_tails() {
        near(normal_cdf(-8.0), 6.220_960_574_271_784e-16);
        near(normal_cdf(-1.96), 0.024_997_895_148_220_434);
        near(normal_cdf(0.5), 0.691_462_461_274_013_1);
        near(normal_quantile(1e-12), -7.034_483_825_301_132);
        near(normal_quantile(0.05), -1.644_853_626_951_472_7);
        near(normal_quantile(0.975), 1.959_963_984_540_054);
        near(normal_quantile(0.999_999), 4.753_424_308_822_899);
        assert!(normal_quantile(0.5).abs() < 1e-15);
    }

    #[test]
    fn student_t_is_right_in_its_tails_and_for_any_df() {
        near(
            student_t_cdf(-12.706_204_736_432_095, 1.0),
            0.024_999_999_999_495_654,
        );
        near(student_t_cdf(-30.0, 5.0), 3.859_324_310_248_026e-7);
        near(student_t_cdf(0.0, 7.0), 0.5);
        near(student_t_cdf(1.5, 9.0), 0.916_074_671_971_462_6);
        near(student_t_cdf(-2.0, 120.0), 0.023_879_263_670_164_19);
        near(student_t_cdf(-6.0, 1e5), 9.899_647_278_008_813e-10);
        near(student_t_cdf(-0.001, 19.0), 0.499_606_270_262_782_8);
        near(student_t_quantile(0.975, 1.0), 12.706_204_736_174_705);
        near(student_t_quantile(0.995, 3.0), 5.840_909_309_733_357);
        near(student_t_quantile(0.95, 9.0), 1.833_112_932_656_237);
        near(student_t_quantile(0.025, 79.0), -1.990_450_210_230_129);
        near(student_t_quantile(0.9995, 5.0), 6.868_826_625_881_11);
        assert!(student_t_quantile(0.5, 3.0).abs() < 1e-15);
        near(student_t_cdf(student_t_quantile(1e-9, 4.0), 4.0), 1e-9);
        near(student_t_cdf(student_t_quantile(0.3, 1e6), 1e6), 0.3);
    }

    #[test]
    fn the_binomial_is_right_for_millions_of_trials() {
        near(binomial_cdf(3, 10, 0.5), 0.171_875);
        near(binomial_cdf(0, 20, 0.1), 0.121_576_654_590_569_3);
        near(binomial_cdf(2, 60, 0.5), 1.588_139_342_256_767e-15);
        near(binomial_cdf(86, 236, 0.5), 1.857_968_069_785_721e-5);
        near(binomial_cdf(939, 1000, 0.95), 0.067_062_518_633_307_92);
        near(binomial_cdf(9879, 10_000, 0.99), 0.022_114_487_837_460_99);
        near(
            binomial_cdf(989_804, 1_000_000, 0.99),
            0.024_986_278_516_960_147,
        );
        near(binomial_cdf(1, 3, 0.001), 0.999_997_002);
        near(binomial_cdf(10, 10, 0.5), 1.0);
    }
}
