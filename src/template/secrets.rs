//! Secret values: read from environment variables, given to templates, and struck out of everything
//! else.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use miette::Diagnostic;

use super::forms::{Form, SHORTEST, forms};
use crate::error::{Classify, Kind};
use crate::text::is_hidden;

/// What stands in a secret's place.
const REDACTED: &str = "***";

/// Secret values by name. Never printed, stored, or logged: no `Debug`, no `Serialize`.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    values: BTreeMap<String, String>,
    /// Every form in which a value may show up: plain, inside JSON, inside a URL. With each, whose
    /// it is: the secret's name and the form's place among [`forms`].
    forms: Vec<(Form, (String, usize))>,
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

    /// Also knows those of the named ones that are set.
    #[must_use]
    pub(crate) fn knowing<'a>(
        mut self,
        names: impl IntoIterator<Item = &'a str>,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        for name in names {
            let is_known = self.values.contains_key(name);
            if let Some(value) = lookup(name).filter(|value| !is_known && !value.is_empty()) {
                self.insert(name, value);
            }
        }
        self
    }

    fn insert(&mut self, name: &str, value: String) {
        if value.chars().count() >= SHORTEST {
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

    /// Strikes out every secret of four characters or more, however it is written, and what an
    /// excerpt that ends in `…` has left of one.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let found = self.find(text).into_iter().map(|found| found.range);
        let found = found.chain(self.cut_off(text, false));
        let mut found: Vec<Range<usize>> = found.chain(self.behind_hidden(text)).collect();
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

    /// As [`Self::redact`], of a text that quotes: whatever an excerpt has left of a secret at its
    /// end goes, and be it one character, which would be any word's in other texts.
    pub(crate) fn redact_excerpts<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let redacted = self.redact(text);
        let left = self.cut_off(&redacted, true);
        if left.is_empty() {
            return redacted;
        }
        let mut out = String::with_capacity(redacted.len());
        let mut end = 0;
        for range in left {
            out.push_str(&redacted[end..range.start.max(end)]);
            end = range.end;
        }
        out.push_str(&redacted[end..]);
        Cow::Owned(out)
    }

    /// Returns a form of a secret.
    pub(super) fn form(&self, (name, at): (&str, usize)) -> Option<&Form> {
        let is_it = |(_, (of, place)): &&(Form, (String, usize))| of == name && *place == at;
        self.forms.iter().find(is_it).map(|(form, _)| form)
    }

    /// Finds every secret of four characters or more; the first and longest comes first.
    pub(super) fn find(&self, text: &str) -> Vec<Found<'_>> {
        let found = self.forms.iter().flat_map(|(form, (name, at))| {
            let ranges = form.find(text).into_iter();
            ranges.map(|range| Found {
                range,
                form: (name, *at),
            })
        });
        let mut found: Vec<Found<'_>> = found.collect();
        found.sort_by_key(|found| (found.range.start, std::cmp::Reverse(found.range.end)));
        found
    }

    /// Finds the secrets that a character which is not seen stands in: where the text is shown,
    /// that is left out, and the secret is whole.
    fn behind_hidden(&self, text: &str) -> Vec<Range<usize>> {
        let is_left_out = |c: char| is_hidden(c) && !c.is_whitespace();
        if !text.contains(is_left_out) {
            return Vec::new();
        }
        let (mut shown, mut places) = (String::with_capacity(text.len()), Vec::new());
        for (at, c) in text.char_indices().filter(|(_, c)| !is_left_out(*c)) {
            shown.push(c);
            places.extend(at..at + c.len_utf8());
        }
        let found = self.find(&shown).into_iter().map(|found| found.range);
        let range = |it: Range<usize>| Some(*places.get(it.start)?..places.get(it.end - 1)? + 1);
        let not_empty = found.filter(|it| !it.is_empty());
        not_empty.filter_map(range).collect()
    }

    /// Returns where the beginning of a secret stands at the end of an excerpt; also one that may
    /// begin any word, where that is `short`.
    fn cut_off(&self, text: &str, short: bool) -> Vec<Range<usize>> {
        let ends = text.match_indices('…').map(|(end, _)| end);
        let cut = ends.filter_map(|end| {
            let places: Vec<usize> = before_escapes(&text[..end]).collect();
            let forms = self.forms.iter();
            let starts = forms.flat_map(|(form, _)| {
                let places = places.iter();
                places.filter_map(|kept| form.cut_off(text, *kept, short))
            });
            starts.min().map(|start| start..end)
        });
        cut.collect()
    }
}

/// Returns where a text ends, and where it ends without the beginning of an escape or of a
/// character at its end, which may be one of several for the same character.
fn before_escapes(text: &str) -> impl Iterator<Item = usize> + '_ {
    const LONGEST_ESCAPE: usize = 12;
    const ESCAPES: usize = 5;
    let shorter = |end: &usize| {
        let text = &text[..*end];
        let whole = text.trim_end_matches('\u{fffd}');
        if whole.len() < text.len() {
            return Some(whole.len());
        }
        let from = text.ceil_char_boundary(text.len().saturating_sub(LONGEST_ESCAPE));
        let begins = from + text[from..].rfind(['%', '\\', '&'])? + 1;
        let kept = text[..begins].trim_end_matches(['%', '\\', '&']);
        Some(kept.len())
    };
    std::iter::successors(Some(text.len()), shorter).take(ESCAPES)
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

    /// security 6: what is not seen is left out where a text is shown.
    #[test]
    fn a_secret_with_something_unseen_in_it_is_struck_out() {
        let secrets = secrets(&[("A", "hunter2zzS3cretx7"), ("B", "größe-4711")]);
        for unseen in [
            "\u{200b}",
            "\u{ad}",
            "\u{feff}",
            "\0",
            "\u{202e}\u{2060}",
            "\u{34f}",
        ] {
            let text = format!("pre hunt{unseen}er2zz{unseen}S3cretx7 post{unseen}");
            assert_eq!(
                secrets.redact(&text),
                format!("pre *** post{unseen}"),
                "{unseen:?}"
            );
            let text = format!("{unseen}gr{unseen}öß{unseen}e-4711 und größe-4711");
            assert_eq!(
                secrets.redact(&text),
                format!("{unseen}*** und ***"),
                "{unseen:?}"
            );
        }
        let other = "hunt\u{200b}er is a word";
        assert_eq!(secrets.redact(other), other);
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

    /// security 6: a body is cut before its secrets are known, so that the cut may leave few
    /// characters of one.
    #[test]
    fn of_what_is_quoted_not_one_character_of_a_secret_stays() {
        let secrets = secrets(&[("A", "hunter2-kept"), ("B", "&<'>")]);
        for (text, struck) in [
            ("you said hun…", "you said …"),
            ("`you said hu…`, not `x h…`", "`you said …`, not `x …`"),
            ("you said h%7…", "you said …"),
            ("you said h&#11…", "you said …"),
            ("you said &lt…", "you said &lt…"),
            ("you said &amp;&lt;…", "you said …"),
            ("said 68756…", "said …"),
            ("said aHV…", "said …"),
            ("you said hunter2…", "you said ***…"),
            ("a shu is a shu", "a shu is a shu"),
            ("`hunger…`", "`hunger…`"),
        ] {
            assert_eq!(secrets.redact_excerpts(text), struck, "{text}");
        }
    }

    #[test]
    fn overlapping_secrets_leave_nothing_behind() {
        let secrets = secrets(&[("A", "abcdef"), ("B", "defghi"), ("C", "aaaa")]);
        assert_eq!(secrets.redact("x abcdefghi y"), "x *** y");
        assert_eq!(secrets.redact("aaaaaa"), "***");
    }

    /// security 6
    #[test]
    fn a_secret_is_struck_out_in_fourteen_encodings() {
        let secret = "hun&ter<2'>=\"/+ü";
        let secrets = secrets(&[("A", secret)]);
        for text in crate::template::testing::encodings(secret) {
            let struck = secrets.redact(&format!("({text})")).into_owned();
            assert!(
                struck.len() < 20 && struck.contains(REDACTED),
                "{text}: {struck}"
            );
        }
    }

    /// security 6
    #[test]
    fn what_an_excerpt_left_of_an_escape_goes_too() {
        let secrets = secrets(&[("A", "hunt&ü kept-too")]);
        for text in [
            "hunt&am…",
            "hunt%2…",
            "hunt\\u00…",
            "hunt&\u{fffd}…",
            "hunt&amp;ü  kep…",
            "hunt&%C3%B…",
        ] {
            assert_eq!(
                secrets.redact(&format!("`x {text}`, not y")),
                "`x ***…`, not y",
                "{text}"
            );
        }
        assert_eq!(secrets.redact("a 100%…"), "a 100%…");
    }

    /// security 6
    #[test]
    fn what_another_stage_needs_is_known_too() {
        let lookup = |name: &str| (name != "UNSET").then(|| format!("value of {name}"));
        let mine = Secrets::resolve(["MINE"], &lookup).unwrap();
        let all = mine.knowing(["MINE", "OTHER", "UNSET"], &lookup);
        let text = "value of MINE, value of OTHER, value of UNSET";
        assert_eq!(all.redact(text), "***, ***, value of UNSET");
    }

    /// security 6
    #[test]
    fn names_and_ids_that_hold_no_secret_stay() {
        let secrets = secrets(&[("A", "Test-42"), ("B", "Prod"), ("C", "sk-abcdef123456")]);
        let text = "eval.production.answers, test, prod, q-42, sk-abcdef, 0191a2b5-0001, UHJv";
        assert_eq!(secrets.redact(text), text);
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
