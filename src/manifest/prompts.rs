//! `prompts` of a load: made-up texts of given lengths, where there is no golden set to send.

use crate::stats::normal_quantile;

/// Prompts that are made for a load.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prompts {
    /// How long each is, its prefix not counted.
    pub(crate) tokens: Tokens,
    /// How many tokens each asks for, if it says.
    pub(crate) output_tokens: Option<Tokens>,
    /// How many different ones there are.
    pub(crate) cases: u32,
    /// How many of them follow each other in one session.
    pub(crate) turns: u32,
    pub(crate) prefix: Option<Prefix>,
    /// The key of a case's input under which its prompt stands.
    pub(crate) input: String,
}

/// A text that several prompts begin with, as system prompts and documents are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub(crate) tokens: u32,
    /// How many different ones there are; prompts take them in turn.
    pub(crate) of: u32,
}

/// A distribution of lengths in tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tokens {
    Fixed(u32),
    /// Each length between the two, both included, is as likely.
    Uniform {
        from: u32,
        to: u32,
    },
    /// Log-normal, as the lengths of real prompts are skewed: few are much longer than most.
    Skewed {
        mean: f64,
        /// Standard deviation / mean.
        cv: f64,
    },
}

impl Tokens {
    /// Returns the length at `share` in (0, 1) of the distribution; at least 1.
    ///
    /// For a log-normal one: exp(μ + σ z), with σ² = ln(1 + cv²) and μ = ln(mean) − σ²/2, so that its mean and coefficient of
    /// variation are those given.
    pub(crate) fn quantile(self, share: f64) -> u32 {
        let length = match self {
            Self::Fixed(tokens) => return tokens,
            Self::Uniform { from, to } => {
                f64::from(from) - 0.5 + share * (f64::from(to) - f64::from(from) + 1.0)
            }
            Self::Skewed { mean, cv } => {
                let variance = cv.mul_add(cv, 1.0).ln();
                (mean.ln() - variance / 2.0 + variance.sqrt() * normal_quantile(share)).exp()
            }
        };
        length.round().clamp(1.0, f64::from(u32::MAX)) as u32
    }

    /// Returns the mean length.
    pub(crate) fn mean(self) -> f64 {
        match self {
            Self::Fixed(tokens) => f64::from(tokens),
            Self::Uniform { from, to } => f64::midpoint(f64::from(from), f64::from(to)),
            Self::Skewed { mean, .. } => mean,
        }
    }
}

impl std::fmt::Display for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(tokens) => tokens.fmt(f),
            Self::Uniform { from, to } => write!(f, "{from} to {to}"),
            Self::Skewed { mean, cv } => write!(f, "mean {mean}, cv {cv}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(tokens: Tokens) -> (f64, f64) {
        const N: u32 = 20_000;
        let lengths =
            (0..N).map(|i| f64::from(tokens.quantile((f64::from(i) + 0.5) / f64::from(N))));
        let lengths: Vec<f64> = lengths.collect();
        let mean = lengths.iter().sum::<f64>() / f64::from(N);
        let square = lengths.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / f64::from(N);
        (mean, square.sqrt() / mean)
    }

    #[test]
    fn lengths_have_the_mean_and_the_spread_that_were_asked_for() {
        for cv in [0.1, 0.5, 1.5] {
            let (mean, found) = moments(Tokens::Skewed { mean: 800.0, cv });
            assert!((mean / 800.0 - 1.0).abs() < 0.01, "{mean}");
            // The far tail, which stratified lengths cut, holds a part of a large spread.
            assert!((found / cv - 1.0).abs() < 0.03, "{found} for {cv}");
        }
        let (mean, _) = moments(Tokens::Uniform { from: 10, to: 20 });
        assert!((mean - 15.0).abs() < 0.01, "{mean}");
        assert_eq!(moments(Tokens::Fixed(7)), (7.0, 0.0));
    }

    #[test]
    fn a_uniform_length_reaches_both_ends_and_none_is_empty() {
        let ends = Tokens::Uniform { from: 3, to: 5 };
        assert_eq!((ends.quantile(0.001), ends.quantile(0.999)), (3, 5));
        let short = Tokens::Skewed { mean: 1.0, cv: 2.0 };
        assert_eq!(short.quantile(0.001), 1);
    }
}
