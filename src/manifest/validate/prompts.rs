//! `prompts` of a load.

use toml::Spanned;

use crate::manifest::error::Problems;
use crate::manifest::prompts::{Prefix, Prompts, Tokens};
use crate::manifest::raw;

/// How many different prompts there are where the manifest does not say: so many that a cache of answers is no help, and
/// few enough to write before the run.
const CASES: u32 = 1000;
/// The key that the scaffolded stages read.
const INPUT: &str = "question";
/// All prompts of a load together: some hundred MB of text.
const MOST_TOKENS: f64 = 5e7;

/// Checks them.
pub(super) fn prompts(
    written: &Spanned<raw::Prompts>,
    what: &str,
    problems: &mut Problems,
) -> Option<Prompts> {
    let raw = written.get_ref();
    let by = |key: &str| format!("`{key}` of `prompts` of {what}");
    let Some(tokens) = &raw.tokens else {
        let message = format!("`prompts` of {what} has no `tokens`");
        let help = "For instance `tokens = 512` or `tokens = { mean = 512, cv = 0.5 }`.";
        problems.at(written.span(), message, Some(help.to_owned()));
        return None;
    };
    let tokens = lengths(tokens, &by("tokens"), problems);
    let output = raw.output_tokens.as_ref();
    let output_tokens = output.map(|it| lengths(it, &by("output_tokens"), problems));
    let mut positive = |value: Option<&Spanned<u32>>, key: &str, otherwise: u32| {
        let number = value.map_or(otherwise, |it| *it.get_ref());
        if let (0, Some(value)) = (number, value) {
            problems.at(
                value.span(),
                format!("{} must be above zero", by(key)),
                None,
            );
        }
        number.max(1)
    };
    let cases = positive(raw.cases.as_ref(), "cases", CASES);
    let turns = positive(raw.turns.as_ref(), "turns", 1);
    let prefix = raw.prefix.as_ref().map(|prefix| Prefix {
        tokens: positive(Some(&prefix.tokens), "prefix.tokens", 1),
        of: positive(prefix.of.as_ref(), "prefix.of", 1),
    });
    let (tokens, output_tokens) = (
        tokens?,
        output_tokens.map_or(Some(None), |it| it.map(Some))?,
    );
    let each = tokens.mean() + prefix.map_or(0.0, |it| f64::from(it.tokens));
    if each * f64::from(cases) > MOST_TOKENS {
        let message = format!(
            "`prompts` of {what} are {:.0} million tokens together",
            each * f64::from(cases) / 1e6
        );
        let help =
            "They are written before the run. Lower `cases`: prompts are sent again and again.";
        problems.at(written.span(), message, Some(help.to_owned()));
    }
    Some(Prompts {
        tokens,
        output_tokens,
        cases,
        turns,
        prefix,
        input: raw.input.clone().unwrap_or_else(|| INPUT.to_owned()),
    })
}

fn lengths(written: &Spanned<raw::Lengths>, what: &str, problems: &mut Problems) -> Option<Tokens> {
    let whole = |number: i64| u32::try_from(number).ok().filter(|it| *it > 0);
    let found = match written.get_ref() {
        raw::Lengths::Fixed(number) => whole(*number).map(Tokens::Fixed),
        raw::Lengths::Between(numbers) => match numbers.as_slice() {
            [from, to] if from <= to => whole(*from)
                .zip(whole(*to))
                .map(|(from, to)| Tokens::Uniform { from, to }),
            _ => None,
        },
        raw::Lengths::Skewed { mean, cv } => {
            let right = mean.is_finite() && *mean >= 1.0 && cv.is_finite() && *cv > 0.0;
            right.then_some(Tokens::Skewed {
                mean: *mean,
                cv: *cv,
            })
        }
    };
    if found.is_none() {
        let help = "A length is a whole number above zero, two of them (`[100, 900]`), or `{ mean = 512, cv = 0.5 }`.";
        problems.at(
            written.span(),
            format!("{what} is not a length"),
            Some(help.to_owned()),
        );
    }
    found
}
