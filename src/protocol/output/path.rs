//! A JSONPath (RFC 9535) with what its text promises.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use serde_json_path::{JsonPath, NodeList};

use super::brackets::{closing, is_one, quotes};
use super::effort::Effort;
use crate::intake;
use crate::protocol::bounded::{MOST_BYTES, Step, weight};
use crate::text::excerpt;

/// How much of a path that is too long is repeated.
const SHOWN_CHARS: usize = 60;

/// A JSONPath with what its text promises.
#[derive(Clone, Debug)]
pub(crate) struct OutputPath {
    text: String,
    path: JsonPath,
    effort: Effort,
    /// A path with wildcards, slices, or filters selects any number of values, also none; but what
    /// it walks through must be there: `$.hits[*].id` promises `$.hits`.
    many: Option<JsonPath>,
    /// Of a path to one place in each element of a list, such as `$.hits[*].id`: the elements.
    each: Option<JsonPath>,
    /// Its beginning, as far as that leads to one value: all that it selects is below that.
    stem: Vec<Step>,
}

impl OutputPath {
    /// Parses a path; the error says what RFC 9535 does not allow in it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let brackets = text.bytes().filter(|it| b"([".contains(it)).count() as u64;
        for (amount, limit, what) in [
            (text.len() as u64, intake::JSONPATH, "in all"),
            (brackets, intake::JSONPATH_BRACKETS, "brackets"),
            (depth(text), intake::JSONPATH_DEPTH, "brackets in brackets"),
        ] {
            if limit.is_passed_by(amount) {
                let start = excerpt(text.as_bytes(), SHOWN_CHARS);
                return Err(format!(
                    "`{start}` is too long a JSONPath: it may have {limit} {what}"
                ));
            }
        }
        quotes(text).map_err(|wrong| format!("`{text}` is not a JSONPath (RFC 9535): {wrong}"))?;
        let parse = |text: &str| {
            JsonPath::parse(text)
                .map_err(|error| format!("`{text}` is not a JSONPath (RFC 9535): {error}"))
        };
        let path = parse(text)?;
        let many = stem(text).map(|stem| parse(stem).or_else(|_| parse("$")));
        Ok(Self {
            text: text.to_owned(),
            path,
            effort: Effort::of(text),
            many: many.transpose()?,
            each: elements(text).and_then(|it| parse(it).ok()),
            stem: match stem(text) {
                Some(stem) if looks_from_root(text, stem) => Vec::new(),
                stem => steps(stem.unwrap_or(text)),
            },
        })
    }

    /// Returns the path as written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the steps to the value that holds all that it may select.
    pub(in crate::protocol) fn stem(&self) -> &[Step] {
        &self.stem
    }

    /// Returns whether it may select any number of values.
    pub(super) const fn selects_many(&self) -> bool {
        self.many.is_some()
    }

    /// Returns how many elements the list has in each of which it selects something; `None` where
    /// it is no such path.
    pub(super) fn elements(&self, body: &Value) -> Option<usize> {
        Some(self.each.as_ref()?.query(body).len())
    }

    /// Returns everything that it selects, perhaps nothing; `None` where that takes too long or
    /// would be too much.
    pub(crate) fn all(&self, body: &Value) -> Option<Vec<Value>> {
        if !self.effort.is_bearable(body) {
            return None;
        }
        let nodes = self.path.query(body);
        (!is_too_much(&nodes)).then(|| nodes.iter().map(|node| (*node).clone()).collect())
    }

    /// Selects from a body: one value for a singular path, an array otherwise; `None` when what it
    /// promises is not there.
    pub(crate) fn select(&self, body: &Value) -> Option<Value> {
        if !self.effort.is_bearable(body) {
            return None;
        }
        let nodes = self.path.query(body);
        if is_too_much(&nodes) {
            return None;
        }
        match &self.many {
            None => nodes.first().cloned(),
            Some(stem) if nodes.is_empty() && stem.query(body).is_empty() => None,
            Some(_) => Some(Value::Array(
                nodes.iter().map(|node| (*node).clone()).collect(),
            )),
        }
    }
}

/// Returns a path up to its one wildcard over a list, where only names stand behind it.
fn elements(text: &str) -> Option<&str> {
    let (before, behind) = text.split_once("[*]")?;
    let is_name = |it: &str| {
        !it.is_empty()
            && it
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    let mut names = behind.strip_prefix('.')?.split('.');
    let is_singular = !before.contains(['[', '*', '?']) && !before.contains("..");
    (is_singular && names.all(is_name)).then(|| &text[..before.len() + "[*]".len()])
}

/// One value may lie in many that are selected, and be copied with each.
fn is_too_much(nodes: &NodeList<'_>) -> bool {
    nodes.len() > 1 && nodes.iter().map(|it| weight(it)).sum::<usize>() > MOST_BYTES
}

/// Returns how deep square brackets nest in a path, those in quotes counted too: each filter inside
/// a filter doubles the time that the parser takes to refuse it.
fn depth(text: &str) -> u64 {
    let mut depth = 0_u64;
    let depths = text.bytes().map(|byte| {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth
    });
    depths.max().unwrap_or(0)
}

/// Returns the part of a path before its first segment that may select any number of values: a
/// wildcard, a slice, a filter, a union, or a descendant. `None` where there is no such segment.
fn stem(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'.' if matches!(bytes.get(at + 1), Some(b'.' | b'*')) => return Some(&text[..at]),
            b'[' => {
                let end = closing(bytes, at)?;
                if !is_one(text[at + 1..end].trim()) {
                    return Some(&text[..at]);
                }
                at = end + 1;
            }
            _ => at += 1,
        }
    }
    None
}

/// Returns whether a path goes back to the root behind its stem, from inside a filter.
fn looks_from_root(text: &str, stem: &str) -> bool {
    text[stem.len()..].contains('$')
}

/// Returns the steps of a path as far as they are plain: names and indices without escapes.
fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path.get(1..).unwrap_or_default().trim_start();
    loop {
        let step = if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(|c: char| ".[".contains(c) || c.is_whitespace());
            let (name, after) = name.split_at(end.unwrap_or(name.len()));
            (!name.is_empty()).then(|| (Step::Name(name.to_owned()), after))
        } else if rest.starts_with('[') {
            closing(rest.as_bytes(), 0)
                .and_then(|end| Some((selector(rest[1..end].trim())?, &rest[end + 1..])))
        } else {
            None
        };
        let Some((step, after)) = step else {
            return steps;
        };
        steps.push(step);
        rest = after.trim_start();
    }
}

/// Reads what stands in brackets: an index, or a quoted name; `None` of one with escapes.
fn selector(text: &str) -> Option<Step> {
    if let Ok(index) = text.parse() {
        return Some(Step::Index(index));
    }
    let inside = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    let name = inside('\'').or_else(|| inside('"'))?;
    (!name.contains('\\')).then(|| Step::Name(name.to_owned()))
}

impl<'de> Deserialize<'de> for OutputPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

schema_is!(OutputPath, "JsonPath", {
    "type": "string",
    "pattern": "^\\$",
    "description": "a JSONPath (RFC 9535) into the answer"
});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn select(path: &str, body: &Value) -> Option<Value> {
        OutputPath::parse(path).unwrap().select(body)
    }

    #[test]
    fn a_singular_path_selects_one_value() {
        let body = json!({"answer": "yes", "n": null, "a,b": [3], "it's": {"*": 1}});
        assert_eq!(select("$.answer", &body), Some(json!("yes")));
        assert_eq!(select("$.missing", &body), None);
        assert_eq!(select("$['a,b'][0]", &body), Some(json!(3)));
        assert_eq!(select("$['a,b'][-1]", &body), Some(json!(3)));
        assert_eq!(select("$['it\\'s']['*']", &body), Some(json!(1)));
        assert_eq!(select("$[\"it's\"]['?']", &body), None);
    }

    #[test]
    fn a_path_with_wildcards_may_select_nothing_but_not_from_nothing() {
        assert_eq!(
            select("$.hits[*].id", &json!({"hits": [{"id": 1}]})),
            Some(json!([1]))
        );
        assert_eq!(
            select("$.hits[*].id", &json!({"hits": []})),
            Some(json!([]))
        );
        assert_eq!(
            select("$.hits[*].id", &json!({"error": "overloaded"})),
            None
        );
        assert_eq!(
            select("$.hits[?@.ok].id", &json!({"hits": []})),
            Some(json!([]))
        );
        assert_eq!(select("$.a.*", &json!({"b": 1})), None);
    }

    // security 5
    #[test]
    fn a_stem_leads_to_all_that_a_path_selects() {
        let stem = |path: &str| {
            let path = OutputPath::parse(path).unwrap();
            let steps = path.stem().iter().map(|step| match step {
                Step::Name(name) => name.clone(),
                Step::Index(index) => format!("#{index}"),
            });
            steps.collect::<Vec<_>>().join(" ")
        };
        for (path, steps) in [
            ("$", ""),
            ("$.a.b", "a b"),
            ("$['a b'][0][-1].c", "a b #0 #-1 c"),
            ("$.hits[*].id", "hits"),
            ("$.hits[1:].id", "hits"),
            ("$.hits [ 0 ] .id", "hits #0 id"),
            ("$.a[?@.b].c", "a"),
            ("$.a[0,1]", "a"),
            ("$..id", ""),
            ("$.*", ""),
            ("$.a..b", "a"),
            // With escapes it is kept from there on.
            ("$.a['it\\'s'].b", "a"),
            ("$[\"a.b\"].c", "a.b c"),
            // What it compares with is somewhere else.
            ("$.hits[?@.id == $.best].text", ""),
        ] {
            assert_eq!(stem(path), steps, "{path}");
        }
    }

    /// stumbles S24: whatever selects several selects none of an empty list.
    #[test]
    fn a_slice_is_a_wildcard() {
        let empty = json!({"hits": [], "rows": [[2], [["id", "text"]]]});
        for path in [
            "$.hits[0:].id",
            "$.hits[1:3]",
            "$.hits[::2].id",
            "$.hits[0,1].id",
            "$.hits[?@['a]'] > 1].id",
            "$.hits..id",
            "$['hits'][0:].id",
            "$.hits [ 0: ] .id",
            "$.rows[1][1:][0]",
        ] {
            assert_eq!(select(path, &empty), Some(json!([])), "{path}");
        }
        for path in ["$.hits[0].id", "$.other[0:].id", "$.other[0,1]"] {
            assert_eq!(select(path, &empty), None, "{path}");
        }
    }

    // security 20
    // security 20, found by the fuzzer: the parser panicked.
    #[test]
    fn a_path_that_ends_inside_quotes_is_wrong_and_no_more() {
        for (text, why) in [
            (r#"$.a["co\u"#, "four hexadecimal digits"),
            (r#"$["\u1"]"#, "four hexadecimal digits"),
            (r#"$["\ud83d\u1"]"#, "four hexadecimal digits"),
            (r#"$["\u12g4"]"#, "four hexadecimal digits"),
            (r#"$["\ud83d"#, "a quote is not closed"),
            (r"$['a", "a quote is not closed"),
            (r#"$["a\"#, "ends inside an escape"),
            (r#"$[?match(@.a, "x\"#, "ends inside an escape"),
        ] {
            let error = OutputPath::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        for text in [r#"$["\u00e4"]"#, r"$['it\'s']", r#"$["a\\u"]"#] {
            assert!(OutputPath::parse(text).is_ok(), "{text}");
        }
        let whole = OutputPath::parse(r#"$["\u00e4"]"#).unwrap();
        assert_eq!(whole.select(&json!({"\u{e4}": 1})), Some(json!(1)));
    }

    // security 12, found by the fuzzer: each filter in a filter doubled the time of a refusal.
    #[test]
    fn filters_in_filters_are_refused_before_they_are_parsed() {
        let nested = |filters: usize| format!("$.a{}&", "[?$.b".repeat(filters));
        for filters in [7, 30, 99] {
            let error = OutputPath::parse(&nested(filters)).unwrap_err();
            assert!(error.contains("6 brackets in brackets"), "{error}");
        }
        let whole = "$.a[?@.b[?@.c[?@.d == 1]]].e[0][?@['x'] > 2]";
        OutputPath::parse(whole).unwrap();
    }

    #[test]
    fn deep_and_long_paths_are_refused_before_they_are_parsed() {
        for text in [
            format!("$[?{}@.a]", "(".repeat(50_000)),
            format!("$[?{}@.a]", "!(".repeat(50_000)),
            format!("$[?{}@.a]", "length(".repeat(50_000)),
            format!("${}", "[?@".repeat(50_000)),
            format!("${}", ".a".repeat(50_000)),
        ] {
            let error = OutputPath::parse(&text).unwrap_err();
            assert!(error.contains("too long a JSONPath"), "{error}");
            assert!(error.len() < 200, "{error}");
        }
        assert!(OutputPath::parse(&format!("${}", "[0]".repeat(100))).is_ok());
    }

    // security 20
    #[test]
    fn descents_of_descents_select_nothing_of_a_large_body() {
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([deep, 1, 2]);
        }
        let begun = std::time::Instant::now();
        for path in ["$..*..*..*..*", "$..[?@..*]..*..*", "$..*..*..*..*..*..*"] {
            assert_eq!(select(path, &deep), None, "{path}");
        }
        assert!(begun.elapsed().as_secs() < 10);
        assert_eq!(select("$..a..b", &json!({"a": {"b": 1}})), Some(json!([1])));
    }
}
