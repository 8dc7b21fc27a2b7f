//! A straight line through points.

/// A least-squares line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) slope: f64,
    /// Where the line is at x = 0.
    pub(crate) at_zero: f64,
    /// The standard error of the slope, with n − 2 degrees of freedom; infinite with two points.
    /// Assumes independent deviations.
    pub(crate) error: f64,
}

/// Returns the least-squares line through (x, y); `None` with fewer than two different x.
pub(crate) fn line(points: &[(f64, f64)]) -> Option<Line> {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|it| it.0), mean(|it| it.1));
    let covariance: f64 = points.iter().map(|it| (it.0 - x) * (it.1 - y)).sum();
    let variance: f64 = points.iter().map(|it| (it.0 - x).powi(2)).sum();
    if variance <= 0.0 {
        return None;
    }
    let slope = covariance / variance;
    let off = |it: &(f64, f64)| (it.1 - y - slope * (it.0 - x)).powi(2);
    let squares: f64 = points.iter().map(off).sum();
    let error = if n > 2.0 {
        (squares / (n - 2.0) / variance).sqrt()
    } else {
        f64::INFINITY
    };
    Some(Line {
        slope,
        at_zero: y - slope * x,
        error,
    })
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_has_its_slope_and_a_point_has_none() {
        let points: Vec<(f64, f64)> = (0..5)
            .map(|i| (f64::from(i) + 0.5, 100.0 + 47.6 * f64::from(i)))
            .collect();
        assert!((line(&points).unwrap().slope - 47.6).abs() < 1e-9);
        // Anscombe 1973, the first of his four sets: 0.5001.
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [
            8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68,
        ];
        let anscombe: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
        let found = line(&anscombe).unwrap();
        assert!((found.slope - 0.500_090_9).abs() < 1e-6);
        // The same table: intercept 3.0001, standard error of the slope 0.1179.
        assert!((found.at_zero - 3.000_090_9).abs() < 1e-6);
        assert!((found.error - 0.117_905_5).abs() < 1e-6);
        for none in [&points[..0], &points[..1], &[(1.0, 2.0), (1.0, 3.0)]] {
            assert_eq!(line(none), None);
        }
    }
}
