//! How texts are made alike before they are compared.

use icu_normalizer::ComposingNormalizerBorrowed;

/// What does not count when texts are compared.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fold {
    pub(super) ignore_case: bool,
    /// How a character is encoded or typeset: composed or not, spaces that do not break, curly
    /// quotes, line ends.
    pub(super) normalize: bool,
}

impl Fold {
    /// Returns the rest of it, where the case is ignored by other means.
    pub(super) const fn case_kept(self) -> Self {
        Self {
            ignore_case: false,
            ..self
        }
    }

    /// Returns the text as it is compared.
    pub(super) fn text(self, text: &str) -> String {
        let text = if self.normalize {
            normalized(text)
        } else {
            text.to_owned()
        };
        if self.ignore_case {
            text.chars().flat_map(lowercase).collect()
        } else {
            text
        }
    }
}

/// Returns the small letters of one, the same wherever it stands: a sigma at the end of a word is
/// any sigma, so that the beginning of a word is found in the word.
fn lowercase(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().map(|c| if c == 'ς' { 'σ' } else { c })
}

/// Returns the text in Unicode's form NFC (UAX #15), typeset as on a typewriter.
fn normalized(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let plain = text.chars().filter_map(|c| match c {
        // Zero-width spaces, the byte order mark, and soft hyphens.
        '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => None,
        '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => Some('\n'),
        '\n' | '\t' => Some(c),
        '‘' | '’' | '‚' | '‛' => Some('\''),
        '“' | '”' | '„' | '‟' => Some('"'),
        '\u{2010}' | '\u{2011}' => Some('-'),
        c if c.is_whitespace() => Some(' '),
        c => Some(c),
    });
    let plain: String = plain.collect();
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(&plain)
        .into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{on_text, passed};

    /// field 25
    #[test]
    fn texts_that_look_alike_are_alike_where_it_is_said() {
        for (wanted, answer) in [
            ("caf\u{e9}", "cafe\u{301}"),
            ("cafe\u{301}", "caf\u{e9}"),
            ("10 km", "10\u{a0}km"),
            ("10 km", "10\u{202f}km"),
            ("it's \"so\"", "it’s “so”"),
            ("it’s", "it's"),
            ("a\nb", "a\r\nb"),
            ("a\r\nb", "a\nb"),
            ("e-mail", "e\u{2011}mail"),
            ("한", "\u{1112}\u{1161}\u{11ab}"),
            ("word", "wo\u{200b}rd"),
        ] {
            let run = |kind: &str, toml: &str| passed(&on_text(kind, toml, json!(wanted), answer));
            for kind in ["equals", "contains"] {
                assert!(run(kind, "normalize = true"), "{kind} {wanted} {answer}");
                assert!(!run(kind, ""), "{kind} {wanted} {answer}");
            }
            let pattern = "pattern = '^{{ expected | regex_escape }}$'";
            assert!(run("matches", &format!("{pattern}\nnormalize = true")));
            assert!(!run("matches", pattern));
        }
        let fixed = |toml: &str| passed(&on_text("matches", toml, json!(null), "cafe\u{301}"));
        assert!(fixed("pattern = '^caf\u{e9}$'\nnormalize = true"));
        assert!(!fixed("pattern = '^caf\u{e9}$'"));
        let both = "normalize = true\nignore_case = true";
        assert!(passed(&on_text("equals", both, json!("É"), "e\u{301}")));
        assert!(!passed(&on_text(
            "equals",
            "normalize = true",
            json!("É"),
            "e"
        )));
        assert!(!passed(&on_text(
            "equals",
            "normalize = true",
            json!("a b"),
            "a\tb"
        )));
    }
}
