//! A straight line through points.

/// Returns the slope of the least-squares line through (x, y); `None` with fewer than two different x.
pub(crate) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|it| it.0), mean(|it| it.1));
    let covariance: f64 = points.iter().map(|it| (it.0 - x) * (it.1 - y)).sum();
    let variance: f64 = points.iter().map(|it| (it.0 - x).powi(2)).sum();
    (variance > 0.0).then(|| covariance / variance)
}

#[cfg(test)]
mod tests {
    use super::slope;

    #[test]
    fn a_line_has_its_slope_and_a_point_has_none() {
        let line: Vec<(f64, f64)> = (0..5)
            .map(|i| (f64::from(i) + 0.5, 100.0 + 47.6 * f64::from(i)))
            .collect();
        assert!((slope(&line).unwrap() - 47.6).abs() < 1e-9);
        // Anscombe 1973, the first of his four sets: 0.5001.
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [
            8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68,
        ];
        let anscombe: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
        assert!((slope(&anscombe).unwrap() - 0.500_090_9).abs() < 1e-6);
        for none in [&line[..0], &line[..1], &[(1.0, 2.0), (1.0, 3.0)]] {
            assert_eq!(slope(none), None);
        }
    }
}
