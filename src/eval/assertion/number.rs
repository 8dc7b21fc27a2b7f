//! Numbers as people, models, and manifests write them. What can be read in two ways is not read at
//! all.

use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::value::show;

/// A number. Whole ones are kept whole, as a float holds only those below 2^53 exactly.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Whole(i128),
    /// Finite.
    Real(f64),
}

/// What a text says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    /// One number, perhaps several times.
    One(Number),
    Nothing,
    /// It cannot be told which number is meant: the reason.
    Unclear(String),
}

/// Which mark stands before the fraction; the other one may stand between thousands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decimal {
    #[default]
    Point,
    Comma,
}

impl Decimal {
    /// Returns whether a mark between digits stands before the fraction.
    fn is(self, mark: &str) -> bool {
        match self {
            Self::Point => mark == ".",
            Self::Comma => matches!(mark, "," | "{,}"),
        }
    }
}

impl Number {
    /// Returns the nearest float.
    pub(super) const fn as_f64(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Real(number) => number,
        }
    }

    /// Reads a number of JSON.
    pub(super) fn of_json(number: &serde_json::Number) -> Option<Self> {
        match number.as_i128() {
            Some(whole) => Some(Self::Whole(whole)),
            None => number.as_f64().map(Self::Real),
        }
    }

    /// Returns how far apart two numbers are: exactly when both are whole.
    pub(super) fn distance(self, other: Self) -> f64 {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.abs_diff(b) as f64,
            (a, b) => (a.as_f64() - b.as_f64()).abs(),
        }
    }

    const fn negated(self) -> Self {
        match self {
            Self::Whole(number) => Self::Whole(-number),
            Self::Real(number) => Self::Real(-number),
        }
    }
}

/// Compares exactly: 2^53 + 1 is not the float 2^53, and 1 is 1.0.
impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Whole(a), Self::Whole(b)) => a == b,
            (Self::Real(a), Self::Real(b)) => a == b,
            (Self::Whole(whole), Self::Real(real)) | (Self::Real(real), Self::Whole(whole)) => {
                // Below 2^127 a float without a fraction is an `i128`.
                real.trunc() == real && real.abs() < 2_f64.powi(127) && real as i128 == whole
            }
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Real(number) => number.fmt(f),
        }
    }
}

/// Reads a number, or the one in a text.
pub(super) fn in_value(value: &Value, decimal: Decimal) -> Found {
    match value {
        Value::Number(number) => Number::of_json(number).map_or(Found::Nothing, Found::One),
        Value::String(text) => in_text(text, decimal),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Found::Nothing,
    }
}

/// Returns the one number of a text. The same number several times is one; different ones cannot be
/// told apart.
pub(super) fn in_text(text: &str, decimal: Decimal) -> Found {
    let (fractions, text) = match fractions(text) {
        Ok(taken) => taken,
        Err(reason) => return Found::Unclear(reason),
    };
    if let Some(odd) = ODD_DIGIT.captures(&text) {
        let odd = &odd[1];
        return Found::Unclear(format!("`{odd}` is not read as a digit; only 0 to 9 are"));
    }
    let mut found: Vec<Number> = Vec::new();
    let written = NUMBER
        .captures_iter(&text)
        .filter_map(|captures| written(&text, &captures, decimal));
    for number in fractions.into_iter().map(Ok).chain(written) {
        match number {
            Err(reason) => return Found::Unclear(reason),
            Ok(number) if found.contains(&number) => {}
            Ok(number) => found.push(number),
        }
    }
    match found[..] {
        [one] => Found::One(one),
        [] => Found::Nothing,
        [first, second, ..] => Found::Unclear(format!(
            "there are several numbers in {} ({first}, {second}…); say with `path` which one is meant",
            show(&text)
        )),
    }
}

/// Everything that may belong to a number: a sign, a currency, a sign, a leading mark, digits with
/// marks between them, an exponent. It takes in too much rather than too little, so that no part of
/// a number passes for the whole.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    let minus = "[-−–‐‑﹣－+]";
    let space = r"[\x20\u{A0}\u{202F}\u{2009}]";
    let mark = r"[.,'’_\u{A0}\u{202F}\u{2009}\u{2007}]|\{,\}|\\,";
    Regex::new(&format!(
        r"(?<sign>{minus})?(?<currency>[A-Z]{{0,3}}\\?\p{{Sc}}{space}?|[A-Z]{{3}}{space})?(?<inner>{minus})?(?<lead>[.,])?(?<digits>[0-9]+(?:(?:{mark})[0-9]+)*)(?<exponent>[eE][-+−]?[0-9]+)?(?<after>{space}?\\?\p{{Sc}})?"
    ))
    .expect("it is a pattern")
});

/// A digit of another script, or a fraction of one character, that belongs to no word.
static ODD_DIGIT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^\p{L}])([\p{Nd}--0-9]|[¼-¾⅐-⅟↉])").expect("it is a pattern")
});

static MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{,\}|\\,|[^0-9]").expect("it is a pattern"));

/// Reads one match of [`NUMBER`]; `None` where the digits are part of a word, as in `q1`.
fn written(
    text: &str,
    captures: &Captures<'_>,
    decimal: Decimal,
) -> Option<Result<Number, String>> {
    let at = |name: &str| captures.name(name);
    let begin = captures.get_match().start();
    let digits = at("digits")?;
    let end = at("exponent").unwrap_or(digits).end();
    let bare = at("sign").or(at("currency")).or(at("inner")).is_none();
    let in_word = ends_in_word(&text[..begin]);
    if bare && in_word && at("lead").is_none_or(|lead| lead.as_str() == ".") {
        return None;
    }
    // A hyphen inside a word, or between two numbers, is no sign.
    let signs = [at("sign").filter(|_| !in_word), at("inner")];
    let is_minus = |sign: &str| sign != "+";
    let is_negative = signs.iter().flatten().any(|sign| is_minus(sign.as_str()));
    let lead = at("lead").map(|lead| lead.as_str());
    // A comma right after a word ends a clause: `yes,5`.
    let lead = lead.filter(|lead| !(*lead == "," && bare && in_word));
    let whole = &text[lead.map_or(digits.start(), |_| digits.start() - 1)..end];
    let money = at("currency").is_some() != at("after").is_some();
    let in_parentheses =
        text[..begin].ends_with('(') && text[captures.get_match().end()..].starts_with(')');
    let reason = if in_parentheses && money {
        "an amount in parentheses may be negative"
    } else if is_part_of_more(&text[..begin], &text[end..], digits.as_str()) {
        "it is part of something else"
    } else {
        let read = lead.is_none_or(|lead| decimal.is(lead) && !text[..begin].ends_with('.'));
        let exponent = at("exponent").map_or("", |it| it.as_str());
        match plain(digits.as_str(), lead.is_some(), decimal).filter(|_| read) {
            Some(plain) => match parse(&format!("{plain}{}", exponent.replace('−', "-"))) {
                Some(number) if is_negative => return Some(Ok(number.negated())),
                Some(number) => return Some(Ok(number)),
                None => "it is out of range",
            },
            None => match decimal {
                Decimal::Point => {
                    "marks between digits are read as thousands only in groups of three; with `decimal = \"comma\"` a comma stands before the fraction"
                }
                Decimal::Comma => {
                    "marks between digits are read as thousands only in groups of three, and a comma stands before the fraction"
                }
            },
        }
    };
    Some(Err(format!(
        "`{whole}` cannot be read as one number: {reason}"
    )))
}

/// Returns the digits as a program writes them, with a point before the fraction.
fn plain(digits: &str, leads: bool, decimal: Decimal) -> Option<String> {
    let marks: Vec<&str> = MARK.find_iter(digits).map(|mark| mark.as_str()).collect();
    let parts: Vec<&str> = MARK.split(digits).collect();
    let (&first, rest) = parts.split_first()?;
    if leads {
        return marks.is_empty().then(|| format!("0.{digits}"));
    }
    let (thousands, fraction) = match (marks.split_last(), rest.split_last()) {
        (Some((last, marks)), Some((fraction, groups))) if decimal.is(last) => {
            ((marks, groups), Some(*fraction))
        }
        _ => ((marks.as_slice(), rest), None),
    };
    let (marks, groups) = thousands;
    let same = marks.windows(2).all(|pair| pair[0] == pair[1]);
    let mark = marks.first().is_none_or(|mark| !decimal.is(mark));
    let grouped = groups.iter().all(|group| group.len() == 3);
    let head = groups.is_empty() || (first.len() <= 3 && !first.starts_with('0'));
    if !(same && mark && grouped && head) {
        return None;
    }
    let whole = format!("{first}{}", groups.concat());
    Some(fraction.map_or_else(|| whole.clone(), |fraction| format!("{whole}.{fraction}")))
}

/// Parses digits with a point and an exponent at most.
fn parse(plain: &str) -> Option<Number> {
    if let Ok(whole) = plain.parse() {
        return Some(Number::Whole(whole));
    }
    let is_whole = plain.bytes().all(|byte| byte.is_ascii_digit());
    let number: f64 = plain.parse().ok()?;
    (number.is_finite() && !is_whole).then_some(Number::Real(number))
}

/// Returns whether a text ends in a letter or digit, or in underscores after one.
fn ends_in_word(text: &str) -> bool {
    text.trim_end_matches('_')
        .ends_with(|c: char| c.is_alphanumeric())
}

/// Returns whether the digits stand for something else than their value: `5²`, `10⁻³`, `1½`, `±5`,
/// `0x1F`.
fn is_part_of_more(before: &str, after: &str, digits: &str) -> bool {
    let raised = |c: char| c.is_numeric() && !c.is_ascii_digit() || matches!(c, '⁻' | '⁺');
    let hexadecimal = digits == "0" && after.starts_with(['x', 'X']);
    after.starts_with(raised) || before.ends_with('±') || hexadecimal
}

/// Takes `\frac{3}{4}` out of a text, and refuses fractions of anything but whole numbers.
fn fractions(text: &str) -> Result<(Vec<Number>, String), String> {
    static FRACTION: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?<sign>[-−–+])?\\[dt]?frac\s*\{\s*(?<over>[0-9]+)\s*\}\s*\{\s*(?<under>[0-9]+)\s*\}",
        )
        .expect("it is a pattern")
    });
    if !text.contains("frac") {
        return Ok((Vec::new(), text.to_owned()));
    }
    let mut found = Vec::new();
    for captures in FRACTION.captures_iter(text) {
        let before = &text[..captures.get_match().start()];
        let number = |name: &str| captures[name].parse::<f64>().ok();
        let value = number("over").zip(number("under"));
        let value = value.map(|(over, under)| over / under);
        match value.filter(|value| value.is_finite() && !ends_in_word(before.trim_end())) {
            Some(value) => {
                let number = Number::Real(value);
                let sign = captures.name("sign").map_or("+", |sign| sign.as_str());
                found.push(if sign == "+" {
                    number
                } else {
                    number.negated()
                });
            }
            None => return Err(format!("`{}` cannot be read as one number", &captures[0])),
        }
    }
    let rest = FRACTION.replace_all(text, " ").into_owned();
    if ["\\frac", "\\dfrac", "\\tfrac"]
        .iter()
        .any(|it| rest.contains(it))
    {
        return Err("a fraction of something else than whole numbers is not read".to_owned());
    }
    Ok((found, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<f64> {
        match in_text(text, Decimal::Point) {
            Found::One(number) => Some(number.as_f64()),
            Found::Nothing => panic!("{text}: nothing"),
            Found::Unclear(reason) => {
                assert!(!reason.is_empty());
                None
            }
        }
    }

    fn with_comma(text: &str) -> Option<f64> {
        match in_text(text, Decimal::Comma) {
            Found::One(number) => Some(number.as_f64()),
            Found::Nothing => panic!("{text}: nothing"),
            Found::Unclear(_) => None,
        }
    }

    /// field 9 a, d
    #[test]
    fn commas_are_thousands_only_in_groups_of_three() {
        for (text, number) in [
            ("1,234", 1234.0),
            ("12,345,678.25", 12_345_678.25),
            ("about 1,234, or so", 1234.0),
            ("42, yes", 42.0),
            ("yes,5", 5.0),
            ("1'234'567", 1_234_567.0),
            ("1_000", 1000.0),
        ] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for text in [
            "3,14",
            "It is 0,5.",
            "1234,567",
            "1,23,456",
            "0,123",
            "1.234.567",
            "1.2.3",
            "1,234.567.890",
            "1.234,56",
            "1,234'567",
            "1..5",
            "= ,5",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    /// field 9 a
    #[test]
    fn a_decimal_comma_is_read_where_it_is_said() {
        for (text, number) in [
            ("3,25", 3.25),
            ("1.234.567,5", 1_234_567.5),
            ("1.234", 1234.0),
            ("-0,5", -0.5),
            ("1\u{a0}234,5", 1234.5),
            ("3{,}25", 3.25),
            ("es kostet 7, ja", 7.0),
        ] {
            assert_eq!(with_comma(text), Some(number), "{text}");
        }
        for text in ["3.14", "1,234,567", ".5"] {
            assert_eq!(with_comma(text), None, "{text}");
        }
    }

    /// field 9 b
    #[test]
    fn a_fraction_needs_no_digit_before_its_point() {
        for (text, number) in [
            (".5", 0.5),
            ("-.5", -0.5),
            ("It is .75", 0.75),
            ("(.25)", 0.25),
            ("$.99", 0.99),
            ("It is 42.", 42.0),
            ("file.3 has 42", 42.0),
        ] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        assert_eq!(read("...5"), None);
    }

    /// field 9 c
    #[test]
    fn a_sign_may_stand_before_a_currency() {
        for (text, number) in [
            ("-$5", -5.0),
            ("−€5", -5.0),
            ("$-5", -5.0),
            ("-US$5", -5.0),
            ("-USD 5", -5.0),
            ("-\\$1,200.50", -1200.5),
            ("–5 °C", -5.0),
            ("a loss of –£ 3", -3.0),
            ("+5", 5.0),
            ("pre-5", 5.0),
            ("(5)", 5.0),
            ("($5$)", 5.0),
            ("$5", 5.0),
        ] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for text in ["($5)", "(5 €)", "(£1,200.00)", "±5", "10-20"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    /// field 9 f, g
    #[test]
    fn percents_amounts_and_typeset_numbers_are_read() {
        for (text, number) in [
            ("20%", 20.0),
            ("20 %", 20.0),
            ("$1,200", 1200.0),
            ("1{,}234", 1234.0),
            ("1\\,234\\,567", 1_234_567.0),
            ("1\u{a0}234\u{a0}567", 1_234_567.0),
            ("1\u{202f}234.5", 1234.5),
            ("\\frac{3}{4}", 0.75),
            ("$-\\dfrac{1}{2}$", -0.5),
            ("\\boxed{42}", 42.0),
            ("**_42_**", 42.0),
            ("10 m²", 10.0),
        ] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for text in [
            "1 234 567",
            "1\u{a0}23",
            "\\frac{\\pi}{2}",
            "1\\frac{3}{4}",
            "\\frac{1}{0}",
            "½",
            "1½",
            "5²",
            "10⁻³",
            "0x1F",
            "４２",
            "1e999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    /// field 9 e
    #[test]
    fn whole_numbers_are_kept_whole() {
        let one = |text: &str| in_text(text, Decimal::Point);
        assert_ne!(one("9007199254740993"), one("9007199254740992"));
        assert_ne!(one("9007199254740993"), one("9007199254740992.0"));
        assert_eq!(one("9007199254740992"), one("9007199254740992.0"));
        assert_eq!(one("1.0 and 1"), Found::One(Number::Whole(1)));
        assert_eq!(one("none of q1, v2.3, and H2O"), Found::Nothing);
        assert_eq!(
            one("3,14"),
            Found::Unclear("`3,14` cannot be read as one number: marks between digits are read as thousands only in groups of three; with `decimal = \"comma\"` a comma stands before the fraction".to_owned())
        );
    }
}
