//! The ways in which one text is written inside others: in JSON, URLs, HTML, and programs, each of
//! its characters as it is or escaped, its gaps as wide as they come.

use std::fmt::Write as _;
use std::ops::Range;

use super::escapes::alternatives;

/// A text to be found however it is written.
#[derive(Clone, Debug)]
pub(super) struct Spelling {
    units: Vec<Unit>,
    /// The longest run of letters and digits, which hardly anybody escapes: it is looked for first.
    anchor: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Unit {
    Character(char),
    /// White space and control characters: excerpts make one space of any number of them.
    Gap(Vec<char>),
}

/// How far a way of writing has been followed.
#[derive(Clone, Copy)]
struct Step {
    /// Where it has got to in the text.
    at: usize,
    /// Which step of the unit before it follows.
    before: usize,
}

fn is_gap(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

impl Spelling {
    /// Takes a text apart; gaps at its ends are not looked for.
    pub(super) fn new(text: &str) -> Self {
        let mut units: Vec<Unit> = Vec::new();
        for c in text.trim_matches(is_gap).chars() {
            match (units.last_mut(), is_gap(c)) {
                (Some(Unit::Gap(gap)), true) => gap.push(c),
                (_, true) => units.push(Unit::Gap(vec![c])),
                (_, false) => units.push(Unit::Character(c)),
            }
        }
        let is_plain =
            |unit: &Unit| matches!(unit, Unit::Character(c) if c.is_ascii_alphanumeric());
        let (mut anchor, mut run) = (0..0, 0..0);
        for (at, unit) in units.iter().enumerate() {
            if is_plain(unit) {
                run = if run.end == at && !run.is_empty() {
                    run.start..at + 1
                } else {
                    at..at + 1
                };
                if run.len() > anchor.len() {
                    anchor = run.clone();
                }
            }
        }
        Self { units, anchor }
    }

    /// Returns how many characters it has, a gap counted as one.
    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    /// Returns the part that stands in the text as it is, however the rest is written.
    pub(super) fn anchor(&self) -> String {
        let units = self.units[self.anchor.clone()].iter();
        let plain = units.filter_map(|unit| match unit {
            Unit::Character(c) => Some(*c),
            Unit::Gap(_) => None,
        });
        plain.collect()
    }

    /// Returns where it stands around its anchor, which was found at that place.
    pub(super) fn around(&self, text: &str, anchor: Range<usize>) -> Option<Range<usize>> {
        let before = backward(&self.units[..self.anchor.start], text, anchor.start);
        let after = forward(&self.units[self.anchor.end..], text, anchor.end);
        let start = before?;
        let ends = after.last()?.iter().map(|step| step.at);
        Some(start..ends.max()?)
    }

    /// Returns where its beginning of so many characters stands that ends at that place.
    pub(super) fn beginning(&self, count: usize, text: &str, end: usize) -> Option<usize> {
        backward(&self.units[..count.min(self.units.len())], text, end)
    }

    /// Returns where it ends, when it stands at that place.
    pub(super) fn at(&self, text: &str, start: usize) -> Option<usize> {
        let steps = forward(&self.units, text, start);
        let ends = steps.last()?.iter().map(|step| step.at);
        ends.max()
    }

    /// Says how the whole of a text is written, without what is written: for each character the
    /// number of its escape, a gap as it is, in hexadecimal.
    pub(super) fn shape(&self, text: &str) -> Option<String> {
        let steps = forward(&self.units, text, 0);
        let last = steps.last()?;
        let mut at = last.iter().position(|step| step.at == text.len())?;
        let mut parts = Vec::with_capacity(self.units.len());
        for (level, unit) in self.units.iter().enumerate().rev() {
            let step = steps[level + 1][at];
            let before = steps[level][step.before].at;
            let written = &text[before..step.at];
            parts.push(match unit {
                Unit::Character(c) => {
                    let which = alternatives(*c).into_iter().position(|it| it == written);
                    which?.to_string()
                }
                Unit::Gap(_) => written.bytes().fold("g".to_owned(), |mut out, byte| {
                    write!(out, "{byte:02x}").expect("a string takes everything");
                    out
                }),
            });
            at = step.before;
        }
        parts.reverse();
        Some(shortened(&parts))
    }

    /// Writes it as that shape says.
    pub(super) fn spelled(&self, shape: &str) -> Option<String> {
        let parts = lengthened(shape, self.units.len())?;
        let mut out = String::new();
        for (unit, part) in self.units.iter().zip(parts) {
            match (unit, part.strip_prefix('g')) {
                (Unit::Gap(_), Some(hex)) => out.push_str(&unhex(hex)?),
                (Unit::Character(c), None) => {
                    out.push_str(alternatives(*c).get(part.parse::<usize>().ok()?)?);
                }
                _ => return None,
            }
        }
        Some(out)
    }
}

/// Writes runs of one part as `PARTxCOUNT`.
fn shortened(parts: &[String]) -> String {
    let runs = parts.chunk_by(|a, b| a == b);
    let runs: Vec<String> = runs
        .map(|run| match run.len() {
            1 => run[0].clone(),
            count => format!("{}x{count}", run[0]),
        })
        .collect();
    runs.join(".")
}

/// Returns that many parts; `None` where there are more or fewer.
fn lengthened(shape: &str, count: usize) -> Option<Vec<&str>> {
    let mut parts = Vec::with_capacity(count);
    for run in shape.split('.') {
        let (part, times) = match run.split_once('x') {
            Some((part, times)) => (part, times.parse().ok()?),
            None => (run, 1),
        };
        if parts.len() + times > count {
            return None;
        }
        parts.extend(std::iter::repeat_n(part, times));
    }
    (parts.len() == count).then_some(parts)
}

fn unhex(hex: &str) -> Option<String> {
    let pairs = (0..hex.len()).step_by(2);
    let bytes: Option<Vec<u8>> = pairs
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect();
    String::from_utf8(bytes?).ok()
}

/// Follows every way of writing from a place on: for each unit the places where it may end. Fewer
/// levels than units, and an empty last one, where there is none.
fn forward(units: &[Unit], text: &str, start: usize) -> Vec<Vec<Step>> {
    let mut levels = vec![vec![Step {
        at: start,
        before: 0,
    }]];
    for unit in units {
        let mut next: Vec<Step> = Vec::new();
        let mut add = |at: usize, before: usize| {
            if next.iter().all(|step| step.at != at) {
                next.push(Step { at, before });
            }
        };
        for (before, step) in levels.last().into_iter().flatten().enumerate() {
            let rest = &text[step.at..];
            match unit {
                Unit::Character(c) => {
                    for it in may_begin(*c, rest) {
                        if rest.starts_with(&it) {
                            add(step.at + it.len(), before);
                        }
                    }
                }
                Unit::Gap(gap) => {
                    for length in gap_lengths(gap, rest, Side::Beginning) {
                        add(step.at + length, before);
                    }
                }
            }
        }
        let is_over = next.is_empty();
        levels.push(next);
        if is_over {
            break;
        }
    }
    levels
}

/// Follows every way of writing back from a place; returns the first place where it may begin.
fn backward(units: &[Unit], text: &str, end: usize) -> Option<usize> {
    let mut places = vec![end];
    for unit in units.iter().rev() {
        let mut next: Vec<usize> = Vec::new();
        let mut add = |at: usize| {
            if !next.contains(&at) {
                next.push(at);
            }
        };
        for at in places {
            let kept = &text[..at];
            match unit {
                Unit::Character(c) => {
                    // Nearly always it is not there at all, and nothing has to be spelled out.
                    if kept.ends_with(*c) {
                        add(at - c.len_utf8());
                    }
                    if may_end_escaped(kept) {
                        let all = alternatives(*c).into_iter();
                        all.filter(|it| kept.ends_with(it))
                            .for_each(|it| add(at - it.len()));
                    }
                }
                Unit::Gap(gap) => {
                    for length in gap_lengths(gap, kept, Side::End) {
                        add(at - length);
                    }
                }
            }
        }
        if next.is_empty() {
            return None;
        }
        places = next;
    }
    places.into_iter().min()
}

/// Returns whether the end of a text may be an escape, the longest of which is of twelve bytes for
/// each unit of a character.
fn may_end_escaped(kept: &str) -> bool {
    let tail = &kept.as_bytes()[kept.len().saturating_sub(24)..];
    tail.iter().any(|byte| b"%\\&".contains(byte))
}

/// Returns the ways to write a character that may stand at the beginning of a text.
fn may_begin(c: char, rest: &str) -> Vec<String> {
    if rest.starts_with(['%', '\\', '&']) {
        alternatives(c)
    } else if rest.starts_with(c) {
        vec![c.to_string()]
    } else {
        Vec::new()
    }
}

/// A gap has so many pieces at most.
const WIDEST_GAP: usize = 64;

/// The side of a text from which a gap is followed.
#[derive(Clone, Copy)]
enum Side {
    Beginning,
    End,
}

/// Returns how many bytes a gap may take on that side of a text.
fn gap_lengths(gap: &[char], text: &str, side: Side) -> Vec<usize> {
    let may_be_escaped = match side {
        Side::Beginning => text.starts_with(['%', '\\', '&']),
        Side::End => may_end_escaped(text),
    };
    let escapes = gap_escapes(gap, may_be_escaped);
    let mut lengths = Vec::new();
    let mut length = 0;
    while lengths.len() < WIDEST_GAP {
        let (left, next) = match side {
            Side::Beginning => {
                let left = &text[length..];
                (left, left.chars().next())
            }
            Side::End => {
                let left = &text[..text.len() - length];
                (left, left.chars().next_back())
            }
        };
        let stands = |escape: &&String| match side {
            Side::Beginning => left.starts_with(escape.as_str()),
            Side::End => left.ends_with(escape.as_str()),
        };
        let piece = match next {
            Some(c) if is_gap(c) || c == '+' => Some(c.len_utf8()),
            _ => escapes.iter().filter(stands).map(String::len).max(),
        };
        let Some(piece) = piece else { break };
        length += piece;
        lengths.push(length);
    }
    lengths
}

fn gap_escapes(gap: &[char], wanted: bool) -> Vec<String> {
    if !wanted {
        return Vec::new();
    }
    let usual = [' ', '\n', '\r', '\t'];
    let all = usual.iter().chain(gap).flat_map(|c| alternatives(*c));
    all.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(secret: &str, text: &str) -> Option<String> {
        let spelling = Spelling::new(secret);
        let places = text.char_indices().map(|(at, _)| at);
        let mut found = places.filter_map(|at| Some(at..spelling.at(text, at)?));
        found.next().map(|range| text[range].to_owned())
    }

    #[test]
    fn a_text_is_found_however_its_characters_are_written() {
        for text in [
            "a&b",
            "a&amp;b",
            "a&#38;b",
            "a&#038;b",
            "a&#x26;b",
            "a&amp;amp;b",
            "a\\u0026b",
            "a\\\\u0026b",
            "a%26b",
            "a%2526b",
            "a\\x26b",
            "&#97;&#38;&#98;",
            "%61%26%62",
        ] {
            assert_eq!(found("a&b", &format!("<{text}>")).as_deref(), Some(text));
        }
        for text in [
            "ü\"\\",
            "\\u00fc\\\"\\\\",
            "\\u00FC\\u0022\\u005C",
            "%C3%BC%22%5C",
            "%c3%bc%22%5c",
            "&#252;&quot;&#92;",
        ] {
            assert_eq!(found("ü\"\\", &format!("<{text}>")).as_deref(), Some(text));
        }
        assert_eq!(
            found("\u{1f600}!", "\\ud83d\\ude00!").as_deref(),
            Some("\\ud83d\\ude00!")
        );
        assert_eq!(found("a&b", "a and b"), None);
    }

    #[test]
    fn gaps_are_as_wide_as_they_come() {
        for text in [
            "one two",
            "one\n  two",
            "one+two",
            "one%20two",
            "one%0D%0Atwo",
            "one\\r\\ntwo",
            "one\\\\ntwo",
            "one&#10;two",
        ] {
            assert_eq!(
                found("one\r\ntwo", &format!("<{text}>")).as_deref(),
                Some(text)
            );
        }
        assert_eq!(found("one two", "onetwo"), None);
        assert_eq!(found(" a+ +b ", "(a+ +b)").as_deref(), Some("a+ +b"));
    }

    #[test]
    fn the_anchor_is_the_longest_run_of_letters_and_digits() {
        assert_eq!(Spelling::new("a/bcd/ef1g").anchor(), "ef1g");
        assert_eq!(Spelling::new("ab-cd").anchor(), "ab");
        assert_eq!(Spelling::new("!?").anchor(), "");
        let spelling = Spelling::new("!ab?");
        assert_eq!(spelling.around("x%21ab&#63;", 4..6), Some(1..11));
        assert_eq!(spelling.around("x.ab&#63;", 2..4), None);
        assert_eq!(spelling.beginning(3, "x!ab…", 4), Some(1));
        assert_eq!(spelling.beginning(2, "x!ab…", 4), None);
    }

    #[test]
    fn what_is_no_shape_is_refused() {
        let spelling = Spelling::new("a b");
        assert_eq!(spelling.spelled("0.g20.0").as_deref(), Some("a b"));
        for shape in [
            "",
            "0",
            "0x3",
            "0.g2.0",
            "0.gff.0",
            "0.0.0",
            "g20.g20.0",
            "0x99999999999",
            "99.g20.0",
            "0.g20.0.0",
        ] {
            assert_eq!(spelling.spelled(shape), None, "{shape}");
        }
    }

    proptest! {
        #[test]
        fn a_shape_brings_back_what_was_written(
            secret in "[a-z\\\\&%\"/ü+ \\n]{1,9}", ways in prop::collection::vec(0_usize..60, 9),
        ) {
            let spelling = Spelling::new(&secret);
            let mut written = String::new();
            for (unit, way) in spelling.units.iter().zip(ways) {
                match unit {
                    Unit::Character(c) => {
                        let all = alternatives(*c);
                        written.push_str(&all[way % all.len()]);
                    }
                    Unit::Gap(_) => written.push_str([" ", "\n\n", "%20", "+"][way % 4]),
                }
            }
            prop_assume!(!written.is_empty());
            prop_assert!(spelling.at(&written, 0).is_some(), "{written:?}");
            let shape = spelling.shape(&written);
            prop_assert!(shape.is_some(), "{written:?}");
            prop_assert_eq!(spelling.spelled(&shape.unwrap()), Some(written));
        }

        #[test]
        fn any_shape_is_spelled_or_refused(shape in "[0-9gx.a-f]{0,20}") {
            drop(Spelling::new("a b&c").spelled(&shape));
        }
    }
}
