//! Several tests at once.

/// Returns the p-values adjusted so that the chance of any false alarm in the family stays at the
/// level asked for.
///
/// Holm 1979: sorted up, p̃₍ᵢ₎ = max over j ≤ i of min(1, (m − j + 1) p₍ⱼ₎). Assumes nothing about
/// their dependence.
pub(crate) fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut worst: f64 = 0.0;
    for (place, index) in order.into_iter().enumerate() {
        worst = worst.max((p.len() - place) as f64 * p[index]).min(1.0);
        adjusted[index] = worst;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::holm;
    use crate::stats::vectors::{self, near, numbers};

    #[test]
    fn holm_matches_the_references() {
        for vector in [
            vectors::statistics("padj_bh1995"),
            vectors::latency("holm_bh"),
        ] {
            let found = holm(&numbers(&vector["inputs"]["p"]));
            for (found, expected) in found
                .iter()
                .zip(vector["expected"]["holm"].as_array().unwrap())
            {
                near(*found, expected, 1e-12);
            }
        }
    }

    #[test]
    fn ties_and_any_order_are_adjusted_alike() {
        let found = holm(&[0.04, 0.01, 0.01, 0.5, 0.2, 0.8]);
        let expected = [0.16, 0.06, 0.06, 1.0, 0.6, 1.0];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert!(holm(&[]).is_empty());
    }
}
