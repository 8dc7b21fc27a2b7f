//! Secret values: read from environment variables, given to templates, and struck out of everything
//! else.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::ops::Range;

use memchr::memmem;
use miette::Diagnostic;

use crate::error::{Classify, Kind};

/// Shorter values are not struck out: they would strike out half the text, and are no secrets.
const SHORTEST_REDACTED: usize = 4;

/// What stands in a secret's place.
const REDACTED: &str = "***";

/// Secret values by name. Never printed, stored, or logged: no `Debug`, no `Serialize`.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    values: BTreeMap<String, String>,
    /// Every form in which a value may show up: plain, inside JSON, inside a URL. With each, whose
    /// it is: the secret's name and the form's place among [`forms`].
    forms: BTreeMap<String, (String, usize)>,
}

/// A secret in a text.
pub(super) struct Found<'a> {
    pub(super) range: Range<usize>,
    pub(super) form: (&'a str, usize),
}

/// Secrets that the manifest needs and the environment does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", missing(names))]
pub(crate) struct MissingSecret {
    pub(crate) names: Vec<String>,
}

impl Diagnostic for MissingSecret {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let variables = match self.names.len() {
            1 => "an environment variable",
            _ => "environment variables",
        };
        let names = quoted(&self.names);
        Some(Box::new(format!(
            "Set {names} as {variables} before running stagegate."
        )))
    }
}

impl Classify for MissingSecret {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

impl Secrets {
    /// Reads the named secrets. An empty value counts as missing: CI systems set unknown secrets to
    /// nothing.
    pub(crate) fn resolve<'a>(
        names: impl IntoIterator<Item = &'a str>,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, MissingSecret> {
        let mut secrets = Self::default();
        let mut missing = Vec::new();
        for name in names {
            match lookup(name).filter(|value| !value.is_empty()) {
                Some(value) => secrets.insert(name, value),
                None => missing.push(name.to_owned()),
            }
        }
        if missing.is_empty() {
            Ok(secrets)
        } else {
            Err(MissingSecret { names: missing })
        }
    }

    fn insert(&mut self, name: &str, value: String) {
        if value.chars().count() >= SHORTEST_REDACTED {
            let forms = forms(&value).into_iter().enumerate();
            let forms = forms.map(|(at, form)| (form, (name.to_owned(), at)));
            self.forms.extend(forms);
        }
        self.values.insert(name.to_owned(), value);
    }

    /// Returns a secret's value, to be sent and never shown.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Strikes out every secret of four characters or more, also where it is escaped for JSON or
    /// for a URL, and what an excerpt that ends in `…` has left of one.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let found = self.find(text).into_iter().map(|found| found.range);
        let mut found: Vec<Range<usize>> = found.chain(self.cut_off(text)).collect();
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        found.sort_by_key(|range| range.start);
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for range in found {
            if range.start >= end {
                out.push_str(&text[end..range.start]);
                out.push_str(REDACTED);
            }
            end = end.max(range.end);
        }
        out.push_str(&text[end..]);
        Cow::Owned(out)
    }

    /// Finds every secret of four characters or more; the first and longest comes first.
    pub(super) fn find(&self, text: &str) -> Vec<Found<'_>> {
        let mut found = Vec::new();
        for (form, (name, at)) in &self.forms {
            let mut from = 0;
            while let Some(found_at) = memmem::find(&text.as_bytes()[from..], form.as_bytes()) {
                let start = from + found_at;
                found.push(Found {
                    range: start..start + form.len(),
                    form: (name, *at),
                });
                // Overlapping matches count too, and a match begins at a character's boundary.
                from = start + text[start..].chars().next().map_or(1, char::len_utf8);
            }
        }
        found.sort_by_key(|found| (found.range.start, std::cmp::Reverse(found.range.end)));
        found
    }

    /// Returns where the beginning of a secret stands at the end of an excerpt.
    fn cut_off(&self, text: &str) -> Vec<Range<usize>> {
        let ends = text.match_indices('…').map(|(end, _)| &text[..end]);
        let cut = ends.filter_map(|kept| {
            let beginnings = self.forms.keys().flat_map(|form| {
                form.char_indices()
                    .skip(SHORTEST_REDACTED)
                    .map(|(end, _)| &form[..end])
            });
            beginnings
                .filter(|beginning| kept.ends_with(beginning))
                .map(|beginning| kept.len() - beginning.len()..kept.len())
                .min_by_key(|range| range.start)
        });
        cut.collect()
    }
}

/// Returns the forms in which a value may show up in URLs, bodies, and answers.
pub(super) fn forms(value: &str) -> BTreeSet<String> {
    let json = serde_json::Value::from(value).to_string();
    let json = json[1..json.len() - 1].to_owned();
    // Excerpts are written on one line.
    let words: Vec<&str> = value.split_whitespace().collect();
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let mut forms = BTreeSet::from([
        value.to_owned(),
        json.replace('/', "\\/"),
        json,
        percent(value, b"-_./"),
        percent(value, b"-_.~"),
        percent(value, b"-_.~!$&'()*+,;=:@/?"),
        form,
        words.join(" "),
    ]);
    forms.retain(|form| form.chars().count() >= SHORTEST_REDACTED);
    let lower: Vec<String> = forms.iter().filter_map(|form| lower_hex(form)).collect();
    forms.extend(lower);
    forms
}

/// Percent-encodes everything but letters, digits, and `keep`.
fn percent(value: &str, keep: &[u8]) -> String {
    value.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || keep.contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a string cannot fail");
        }
        out
    })
}

/// Returns a percent-encoded text with lowercase digits, where that differs.
fn lower_hex(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut digits = 0;
    for c in text.chars() {
        if digits > 0 {
            digits -= 1;
            out.extend(c.to_lowercase());
        } else {
            digits = if c == '%' { 2 } else { 0 };
            out.push(c);
        }
    }
    (out != text).then_some(out)
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn missing(names: &[String]) -> String {
    let quoted = quoted(names);
    if names.len() == 1 {
        format!("the secret {quoted} is not set")
    } else {
        format!("the secrets {quoted} are not set")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secrets(pairs: &[(&str, &str)]) -> Secrets {
        let lookup = |name: &str| {
            let pair = pairs.iter().find(|(key, _)| *key == name);
            pair.map(|(_, value)| (*value).to_owned())
        };
        Secrets::resolve(pairs.iter().map(|(key, _)| *key), &lookup).unwrap()
    }

    #[test]
    fn every_missing_secret_is_named_and_empty_ones_are_missing() {
        let lookup = |name: &str| match name {
            "A" => Some("value".to_owned()),
            "C" => Some(String::new()),
            _ => None,
        };
        let Err(error) = Secrets::resolve(["A", "B", "C"], &lookup) else {
            panic!("two secrets are missing");
        };
        assert_eq!(error.to_string(), "the secrets `B`, `C` are not set");
        assert_eq!(error.kind(), Kind::Environment);
        assert_eq!(
            miette::Diagnostic::help(&error).unwrap().to_string(),
            "Set `B`, `C` as environment variables before running stagegate."
        );
    }

    #[test]
    fn secrets_are_struck_out_in_every_form() {
        let secrets = secrets(&[("A", "s\"ec/ret+1 ü"), ("SHORT", "abc")]);
        for text in [
            "s\"ec/ret+1 ü",
            r#"s\"ec/ret+1 ü"#,
            r#"s\"ec\/ret+1 ü"#,
            "s%22ec/ret%2B1%20%C3%BC",
            "s%22ec%2Fret%2B1%20%C3%BC",
            "s%22ec%2fret%2b1%20%c3%bc",
            "s%22ec%2Fret%2B1+%C3%BC",
        ] {
            assert_eq!(secrets.redact(&format!("<{text}>")), "<***>", "{text}");
        }
        assert_eq!(secrets.redact("abc stays"), "abc stays");
    }

    #[test]
    fn what_an_excerpt_left_of_a_secret_is_struck_out() {
        let secrets = secrets(&[("A", "hunter2-kept"), ("B", "2-kept-too")]);
        assert_eq!(secrets.redact("you said hunt…"), "you said ***…");
        assert_eq!(secrets.redact("you said hunter2-kep…"), "you said ***…");
        assert_eq!(secrets.redact("you said hun…"), "you said hun…");
        assert_eq!(secrets.redact("hunter is a word"), "hunter is a word");
        assert_eq!(
            secrets.redact("`my hunt…`, not `x…`"),
            "`my ***…`, not `x…`"
        );
    }

    #[test]
    fn overlapping_secrets_leave_nothing_behind() {
        let secrets = secrets(&[("A", "abcdef"), ("B", "defghi"), ("C", "aaaa")]);
        assert_eq!(secrets.redact("x abcdefghi y"), "x *** y");
        assert_eq!(secrets.redact("aaaaaa"), "***");
    }

    proptest! {
        #[test]
        fn no_secret_survives(secret in ".{4,12}", before in ".{0,9}", after in ".{0,9}") {
            prop_assume!(!REDACTED.contains(&secret) && !secret.contains('*'));
            let secrets = secrets(&[("A", &secret)]);
            let text = format!("{before}{secret}{after}{secret}");
            prop_assert!(!secrets.redact(&text).contains(&secret));
        }
    }
}
