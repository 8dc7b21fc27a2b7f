//! How deep, how long, and how many: looked at before anything walks through a manifest.

use toml::de::{DeTable, DeValue};

use super::error::Problems;
use super::span::Span;
use crate::intake;
use crate::intake::{MANIFEST_ENTRIES, MANIFEST_KEYS, MANIFEST_TABLES};

/// Returns whether a text may hold a dotted key of too many parts: the parser makes a table of
/// each, one inside the other.
pub(super) fn is_deep(text: &str) -> bool {
    deep_at(text).is_some()
}

/// Returns where such a key begins.
pub(super) fn deep_at(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut parts, mut begin) = (0, 0, 0);
    // Whether a part has just ended, so that a dot goes on with the key.
    let mut after_part = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' => at += 1,
            b'.' if after_part => {
                after_part = false;
                parts += 1;
                if MANIFEST_KEYS.is_passed_by(parts) {
                    return Some(begin);
                }
                at += 1;
            }
            _ => {
                if after_part || parts == 0 {
                    (parts, begin) = (0, at);
                }
                let end = part_end(bytes, at);
                after_part = end > at;
                if !after_part {
                    parts = 0;
                }
                at = end.max(at + 1);
            }
        }
    }
    None
}

/// Returns where a bare or quoted part of a key ends; its beginning where there is none.
fn part_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let quote = rest[0];
    if !matches!(quote, b'"' | b'\'') {
        let bare = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
        return at + rest.iter().take_while(bare).count();
    }
    let mut escaped = false;
    let close = rest[1..].iter().position(|byte| {
        let ends = (*byte == quote && !escaped) || *byte == b'\n';
        escaped = *byte == b'\\' && !escaped && quote == b'"';
        ends
    });
    match close {
        Some(close) if rest[close + 1] == quote => at + close + 2,
        // Not closed on its line: a quote in prose.
        _ => at + 1,
    }
}

/// Refuses tables and lists that hold too much: what is checked against each other takes the square
/// of their number.
pub(super) fn count(root: &DeTable<'_>, problems: &mut Problems) {
    let mut wrong = Vec::new();
    table(root, &(0..0), 0, &mut wrong);
    for (span, message) in wrong.into_iter().take(intake::PROBLEMS.most() as usize) {
        problems.at(span, message, None);
    }
}

type Wrong = Vec<(Span, String)>;

fn table(table: &DeTable<'_>, span: &Span, depth: u64, wrong: &mut Wrong) {
    let entries = table.iter();
    let mut values = entries.map(|(key, value)| (key.span(), value.get_ref()));
    all(&mut values, span, ("a table", "keys"), depth, wrong);
}

fn all<'a>(
    values: &mut dyn Iterator<Item = (Span, &'a DeValue<'a>)>,
    span: &Span,
    (what, entries): (&str, &str),
    depth: u64,
    wrong: &mut Wrong,
) {
    if MANIFEST_KEYS.is_passed_by(depth) {
        let message = format!("{what} lies deeper than {MANIFEST_KEYS} tables");
        wrong.push((span.clone(), message));
        return;
    }
    let (mut count, mut tables) = (0, 0);
    for (place, value) in values {
        count += 1;
        match value {
            DeValue::Table(inner) => {
                tables += 1;
                table(inner, &place, depth + 1, wrong);
            }
            DeValue::Array(items) => {
                let mut items = items.iter().map(|item| (item.span(), item.get_ref()));
                all(&mut items, &place, ("a list", "values"), depth + 1, wrong);
            }
            _ => {}
        }
    }
    for (number, limit, of) in [
        (count, MANIFEST_ENTRIES, entries),
        (tables, MANIFEST_TABLES, "tables"),
    ] {
        if limit.is_passed_by(number) {
            let message = format!("{what} has {number} {of}, and at most {limit} are read");
            wrong.push((span.clone(), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // security 20
    #[test]
    fn a_key_of_many_parts_is_found_wherever_it_stands() {
        let many = "a.".repeat(101) + "a";
        for text in [
            format!("{many} = 1"),
            format!("x = 1\n[{many}]"),
            format!("x = {{ {many} = 1 }}"),
            "\"a\" . 'b' .".repeat(60) + "c = 1",
            format!("x = \"\"\"it's\"\"\"\n{many} = 1"),
        ] {
            assert!(is_deep(&text), "{text}");
        }
        for text in [
            "a.".repeat(100) + "a = 1",
            "x = 1.5\n".repeat(1000),
            "text = \"One. Two three. Four five.".repeat(200),
            "....................".repeat(20),
            "10.0.0.1, ".repeat(200),
            String::new(),
        ] {
            assert!(!is_deep(&text), "{text}");
        }
    }

    fn counted(text: &str) -> Vec<String> {
        let mut problems = Problems::default();
        let (root, errors) = DeTable::parse_recoverable(text);
        assert!(errors.is_empty());
        count(root.get_ref(), &mut problems);
        problems.iter().map(|it| it.message.clone()).collect()
    }

    // security 20
    #[test]
    fn what_is_too_many_is_said_once() {
        let rules = |count: usize| "[[rule]]\nx = 1\n".repeat(count);
        assert_eq!(counted(&rules(1000)), [""; 0]);
        assert_eq!(
            counted(&rules(1001)),
            ["a list has 1001 tables, and at most 1,000 are read"]
        );
        let list = |count: usize| format!("x = [{}]", "1,".repeat(count));
        assert_eq!(counted(&list(10_000)), [""; 0]);
        let told = "a list has 10001 values, and at most 10,000 are read";
        assert_eq!(counted(&list(10_001)), [told]);
    }
}
