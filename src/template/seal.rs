//! Texts in which secrets are marked by name: they hold no secret, and who has the secrets gets
//! back what stood there.
//!
//! A mark says how the secret is written in that place, and nothing of what is written.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use super::secrets::Secrets;

/// What a mark begins with. The character itself is written as an empty mark.
const OPEN: char = '⟦';

/// What a mark ends with.
const CLOSE: char = '⟧';

impl Secrets {
    /// Marks every secret that [`Self::redact`] would strike out, as
    /// `⟦NAME form shape from-to check⟧`.
    pub(crate) fn seal<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let found = self.find(text);
        if found.is_empty() && !text.contains(OPEN) {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for found in found {
            let Range { start, end: to } = found.range;
            let shape = self.shape(found.form, &text[start..to]);
            let Some(shape) = shape.filter(|_| to > end) else {
                continue;
            };
            escape(&text[end.min(start)..start], &mut out);
            // Of a secret that another one overlaps, the rest.
            let from = end.max(start) - start;
            let (name, at) = found.form;
            let check = self.get(name).map_or(0, check);
            write!(
                out,
                "{OPEN}{name} {at} {shape} {from}-{} {check:x}{CLOSE}",
                to - start
            )
            .expect("writing to a string cannot fail");
            end = to;
        }
        escape(&text[end..], &mut out);
        Cow::Owned(out)
    }

    /// Returns what was sealed; `None` when a secret has another value now, or the text was not
    /// sealed.
    pub(crate) fn open<'a>(&self, sealed: &'a str) -> Option<Cow<'a, str>> {
        if !sealed.contains(OPEN) {
            return Some(Cow::Borrowed(sealed));
        }
        let mut out = String::with_capacity(sealed.len());
        let mut rest = sealed;
        while let Some((before, after)) = rest.split_once(OPEN) {
            let (mark, after) = after.split_once(CLOSE)?;
            out.push_str(before);
            match mark {
                "" => out.push(OPEN),
                mark => out.push_str(&self.marked(mark)?),
            }
            rest = after;
        }
        out.push_str(rest);
        Some(Cow::Owned(out))
    }

    fn shape(&self, form: (&str, usize), text: &str) -> Option<String> {
        self.form(form)?.shape(text)
    }

    fn marked(&self, mark: &str) -> Option<String> {
        let mut parts = mark.split(' ');
        let (name, at, shape) = (parts.next()?, parts.next()?, parts.next()?);
        let (range, written) = (parts.next()?, parts.next()?);
        let value = self.get(name)?;
        let (from, to) = range.split_once('-')?;
        let range = from.parse().ok()?..to.parse().ok()?;
        let is_same = u16::from_str_radix(written, 16).ok()? == check(value);
        if !is_same {
            return None;
        }
        let text = self.form((name, at.parse().ok()?))?.written(shape)?;
        text.get(range).map(str::to_owned)
    }
}

/// Twelve bits of a hash: enough to notice that a secret has changed, too few to find out what it
/// is.
fn check(value: &str) -> u16 {
    let key = blake3::derive_key("stagegate secret check 2", value.as_bytes());
    u16::from_le_bytes([key[0], key[1]]) & 0xfff
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        out.push(c);
        if c == OPEN {
            out.push(CLOSE);
        }
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

    /// field 1
    #[test]
    fn what_was_sealed_is_opened_with_the_same_secrets_only() {
        let now = secrets(&[("API_KEY", "test"), ("OTHER", "unused")]);
        let text = r#"Here is the test plan, ⟦test⟧, and "test\"."#;
        let sealed = now.seal(text).into_owned();
        assert!(!sealed.contains("test"), "{sealed}");
        assert_eq!(now.open(&sealed).unwrap(), text);
        let changed = secrets(&[("API_KEY", "prod"), ("OTHER", "unused")]);
        assert_eq!(changed.open(&sealed), None);
        assert_eq!(secrets(&[]).open(&sealed), None);
        assert_eq!(changed.open("nothing in it").unwrap(), "nothing in it");
        assert_eq!(now.open("⟦never closed"), None);
    }

    #[test]
    fn overlapping_secrets_leave_nothing_behind_and_come_back() {
        let secrets = secrets(&[("A", "abcdef"), ("B", "defghi"), ("C", "aaaa")]);
        for text in ["x abcdefghi y", "aaaaaa", "abcdef defghi"] {
            let sealed = secrets.seal(text).into_owned();
            assert!(
                !sealed.contains("def") && !sealed.contains("aaa"),
                "{sealed}"
            );
            assert_eq!(secrets.open(&sealed).unwrap(), text);
        }
    }

    /// security 6
    #[test]
    fn every_way_to_write_a_secret_is_sealed_and_comes_back() {
        let secret = "hun&ter<2'>=\"/+ü\n key";
        let secrets = secrets(&[("KEY", secret)]);
        for text in crate::template::testing::encodings(secret) {
            let line = serde_json::json!({"key": &text, text.clone(): [12, &text]}).to_string();
            let sealed = secrets.seal(&line).into_owned();
            assert_eq!(sealed.matches("⟦KEY ").count(), 3, "{text}: {sealed}");
            assert!(sealed.len() < 600, "{text}: {sealed}");
            assert_eq!(secrets.open(&sealed).unwrap(), line);
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(
            secret in "[a-zA-Z0-9ü\"/ ⟦⟧]{4,9}",
            before in ".{0,9}",
            after in "[⟦⟧a-z ]{0,9}",
        ) {
            let secrets = secrets(&[("KEY", &secret)]);
            let json = serde_json::Value::from(secret.as_str()).to_string();
            let text = format!("{before}{secret}{after}{json}");
            let sealed = secrets.seal(&text).into_owned();
            let opened = secrets.open(&sealed);
            prop_assert_eq!(opened.as_deref(), Some(text.as_str()));
        }

        #[test]
        fn any_text_is_opened_or_refused(text in "[⟦⟧A0 -]{0,20}") {
            let secrets = secrets(&[("A", "abcd")]);
            let _ignored = secrets.open(&text);
        }
    }
}
