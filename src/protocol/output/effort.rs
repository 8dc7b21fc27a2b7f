//! What a JSONPath takes to select from a body, estimated from above before it does.

use serde_json::Value;

use super::brackets::{closing, is_one};
use crate::intake;

/// So many values may be walked through in the time that one regular expression takes.
const REGEX: u64 = 100;

/// What in a path multiplies its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effort {
    /// Its segments `..`: each visits what lies below everything that the one before has found.
    descents: u32,
    /// Filters inside of filters: each looks at what lies below everything that the outer one looks
    /// at.
    inner_filters: u32,
    /// Queries from the root inside of filters that look at any number of values.
    from_root: u32,
    /// How often a value can be selected by segments with several selectors.
    times: u64,
    regexes: bool,
}

impl Effort {
    /// Reads it off a path that is one.
    pub(super) fn of(path: &str) -> Self {
        let mut effort = Self {
            times: 1,
            descents: path.matches("..").count() as u32,
            regexes: path.contains("match") || path.contains("search"),
            ..Self::default()
        };
        let bytes = path.as_bytes();
        // Of each bracket that is open: its selectors, whether one filters, its parentheses.
        let mut open: Vec<(u64, bool, u32)> = Vec::new();
        let mut at = 1;
        while at < bytes.len() {
            let byte = bytes[at];
            if matches!(byte, b'"' | b'\'') {
                at = after_quoted(bytes, at);
                continue;
            }
            if byte == b'[' {
                open.push((1, false, 0));
            }
            let is_inside = open.iter().rev().skip(1).any(|it| it.1);
            if let Some((selectors, is_filter, parentheses)) = open.last_mut() {
                match byte {
                    b'(' => *parentheses += 1,
                    b')' => *parentheses = parentheses.saturating_sub(1),
                    b',' if *parentheses == 0 => *selectors += 1,
                    b'?' => {
                        effort.inner_filters += u32::from(is_inside);
                        *is_filter = true;
                    }
                    b'$' => effort.from_root += u32::from(is_dear(path, at)),
                    b']' => {
                        effort.times = effort.times.saturating_mul(*selectors);
                        open.pop();
                    }
                    _ => {}
                }
            }
            at += 1;
        }
        effort
    }

    /// Returns whether it is small for every body.
    fn is_plain(self) -> bool {
        self.descents <= 1
            && self.inner_filters + self.from_root == 0
            && self.times == 1
            && !self.regexes
    }

    /// Returns whether it can be borne for a body.
    pub(super) fn is_bearable(self, body: &Value) -> bool {
        if self.is_plain() {
            return true;
        }
        let (count, depth) = extent(body);
        let below = depth.saturating_pow(self.descents.saturating_sub(1));
        if self.descents > 1 && intake::JSONPATH_NODES.is_passed_by(below.saturating_mul(count)) {
            return false;
        }
        let factors = [
            count,
            below,
            depth.saturating_pow(self.inner_filters),
            count.saturating_pow(self.from_root),
            self.times,
            if self.regexes { REGEX } else { 1 },
        ];
        let visits = factors.into_iter().fold(1_u64, u64::saturating_mul);
        !intake::JSONPATH_VISITS.is_passed_by(visits)
    }
}

/// Returns where what is quoted from that place on is over.
fn after_quoted(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != bytes[start] {
        at += 1 + usize::from(bytes[at] == b'\\');
    }
    at + 1
}

/// Returns whether the query from the root at that place of a filter looks at any number of values,
/// or compares one that is found from the root with another one.
fn is_dear(path: &str, start: usize) -> bool {
    let bytes = path.as_bytes();
    let mut at = start + 1;
    loop {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        match bytes.get(at) {
            Some(b'.') if matches!(bytes.get(at + 1), Some(b'.' | b'*')) => return true,
            Some(b'.') => {
                let is_name =
                    |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte > 127;
                let name = bytes[at + 1..].iter().take_while(|byte| is_name(byte));
                at += 1 + name.count();
            }
            Some(b'[') => match closing(bytes, at) {
                Some(end) if is_one(path[at + 1..end].trim()) => at = end + 1,
                _ => return true,
            },
            _ => break,
        }
    }
    let after = path[at..].trim_start_matches(|c: char| "=!<>".contains(c) || c.is_whitespace());
    after.len() < path[at..].len() && after.starts_with('$')
}

/// Returns how many values lie in one, itself included, and how deep they nest.
fn extent(value: &Value) -> (u64, u64) {
    let inside = |values: &mut dyn Iterator<Item = &Value>| {
        values.map(extent).fold((1, 1), |(count, depth), inner| {
            (count + inner.0, depth.max(inner.1 + 1))
        })
    };
    match value {
        Value::Array(items) => inside(&mut items.iter()),
        Value::Object(fields) => inside(&mut fields.values()),
        _ => (1, 1),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::super::OutputPath;
    use super::*;

    #[test]
    fn what_multiplies_is_counted() {
        let of = |path: &str| {
            let Effort {
                descents,
                inner_filters,
                from_root,
                times,
                regexes,
            } = Effort::of(path);
            (descents, inner_filters, from_root, times, regexes)
        };
        for (path, effort) in [
            ("$.a[*].b", (0, 0, 0, 1, false)),
            ("$.a[0,1]['b', 'c,d']", (0, 0, 0, 4, false)),
            ("$.a[?@.b == 1 && @.c == 2].d", (0, 0, 0, 1, false)),
            ("$.a[?@.b == $.best].d", (0, 0, 0, 1, false)),
            ("$.a[?@.b == $['be st'][0] || @.c].d", (0, 0, 0, 1, false)),
            ("$.a[?$.b[*]]", (0, 0, 1, 1, false)),
            ("$.a[?count($..c) > 1]", (1, 0, 1, 1, false)),
            ("$.a[?$ == $]", (0, 0, 1, 1, false)),
            ("$[?@[?@[?@.a]]]", (0, 2, 0, 1, false)),
            ("$[?@.a[?@.b], ?@.c]", (0, 1, 0, 2, false)),
            ("$[?search(@.a, 'x,y$[?]')]", (0, 0, 0, 1, true)),
            ("$..a..b", (2, 0, 0, 1, false)),
        ] {
            assert_eq!(of(path), effort, "{path}");
        }
    }

    /// security 20
    #[test]
    fn what_cannot_be_borne_selects_nothing() {
        let wide = Value::from(
            (0..20_000)
                .map(|at| json!({"a": at, "b": [at]}))
                .collect::<Vec<_>>(),
        );
        let mut deep = json!(1);
        for _ in 0..120 {
            deep = json!({"a": deep, "b": 1});
        }
        let begun = Instant::now();
        for (path, body) in [
            ("$[?count($..*) > 1]".to_owned(), &wide),
            ("$[?$[?$[?@.a]]]".to_owned(), &wide),
            ("$[?$ == $]".to_owned(), &wide),
            (format!("${}", "['a','a']".repeat(40)), &deep),
            (format!("${}", "[*,*]".repeat(40)), &deep),
            (format!("${}", "[:,:]".repeat(40)), &wide),
            (format!("$..[?@..[?@..[?@..{}]]]", "a"), &deep),
        ] {
            assert_eq!(
                OutputPath::parse(&path).unwrap().select(body),
                None,
                "{path}"
            );
        }
        // What people write stays.
        for (path, count) in [
            ("$[?@.a == $[7].a].b", 1),
            ("$[?@.b[?@ == 7]].a", 1),
            ("$[0,1,2]['a','b']", 6),
            ("$[?@.a < 10 && @.a > 3]", 6),
        ] {
            let found = OutputPath::parse(path).unwrap().select(&wide);
            let found = found.unwrap_or_default();
            assert_eq!(found.as_array().map_or(0, Vec::len), count, "{path}");
        }
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{:?}",
            begun.elapsed()
        );
    }

    /// security 5: each of what lies in another is copied with what lies in it.
    #[test]
    fn what_is_selected_takes_no_more_memory_than_may_be() {
        let mut deep = json!("x".repeat(2 << 20));
        for _ in 0..100 {
            deep = json!({"id": deep});
        }
        for path in ["$..id", "$..*"] {
            assert_eq!(
                OutputPath::parse(path).unwrap().select(&deep),
                None,
                "{path}"
            );
        }
        let many = format!("$[{}]", vec!["'id'"; 2000].join(","));
        let one = json!({"id": "x".repeat(1 << 20)});
        assert_eq!(OutputPath::parse(&many).unwrap().select(&one), None);
        assert!(OutputPath::parse("$..id").unwrap().select(&one).is_some());
    }
}
