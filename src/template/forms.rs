//! The forms of a secret that are struck out: its value however it is written, what URLs and hosts
//! make of it, its lines, and what programs encode it to.

use std::collections::HashSet;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem::Finder;

use super::spelling::Spelling;

/// Shorter values are not struck out: they would strike out half the text, and are no secrets.
pub(super) const SHORTEST: usize = 4;

/// Of a form that is encoded as a whole, a shorter beginning is not struck out.
const SHORTEST_CODE: usize = 8;

/// Shorter lines of a value with several are not: they may be words of any text.
const SHORTEST_LINE: usize = 8;

/// One form of a secret.
#[derive(Clone)]
pub(super) enum Form {
    /// Escaped in whatever way; with what is looked for first.
    Spelled(Spelling, Finder<'static>),
    /// As it is.
    Exact(String, Finder<'static>),
}

impl Form {
    fn spelled(text: &str) -> Option<Self> {
        let spelling = Spelling::new(text);
        if spelling.len() < SHORTEST {
            return (text.chars().count() >= SHORTEST).then(|| Self::exact(text.to_owned()));
        }
        let finder = Finder::new(&spelling.anchor()).into_owned();
        Some(Self::Spelled(spelling, finder))
    }

    fn exact(text: String) -> Self {
        let finder = Finder::new(&text).into_owned();
        Self::Exact(text, finder)
    }

    /// Returns every place where it stands, also where they overlap.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let (finder, spelling) = match self {
            Self::Spelled(spelling, finder) => (finder, Some(spelling)),
            Self::Exact(_, finder) => (finder, None),
        };
        let length = finder.needle().len();
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(at) = next(finder, text, from) {
            match spelling {
                Some(spelling) if length == 0 => {
                    found.extend(spelling.at(text, at).map(|end| at..end));
                }
                Some(spelling) => found.extend(spelling.around(text, at..at + length)),
                None => found.push(at..at + length),
            }
            // A place begins at a character's boundary.
            from = at + text[at..].chars().next().map_or(1, char::len_utf8);
        }
        found
    }

    /// Returns where its beginning stands that ends at that place of a text, the longest one; also
    /// one that may begin any word, where that is `short`.
    pub(super) fn cut_off(&self, text: &str, end: usize, short: bool) -> Option<usize> {
        let least = |usual: usize| if short { 1 } else { usual };
        match self {
            Self::Spelled(spelling, _) => {
                let counts = (least(SHORTEST)..spelling.len()).rev();
                let mut starts = counts.filter_map(|it| spelling.beginning(it, text, end));
                starts.next()
            }
            Self::Exact(exact, _) => {
                let ends = exact.char_indices().map(|(at, _)| at);
                let ends = ends.skip(least(SHORTEST_CODE));
                let found = ends.filter(|at| text[..end].ends_with(&exact[..*at]));
                found.max().map(|length| end - length)
            }
        }
    }

    /// Says how it is written there; the text is one that [`Self::find`] found.
    pub(super) fn shape(&self, text: &str) -> Option<String> {
        match self {
            Self::Spelled(spelling, _) => spelling.shape(text),
            Self::Exact(..) => Some("e".to_owned()),
        }
    }

    /// Writes it as that shape says.
    pub(super) fn written(&self, shape: &str) -> Option<String> {
        match self {
            Self::Spelled(spelling, _) => spelling.spelled(shape),
            Self::Exact(exact, _) => (shape == "e").then(|| exact.clone()),
        }
    }
}

/// Returns the next place where the text may hold a form.
fn next(finder: &Finder<'_>, text: &str, from: usize) -> Option<usize> {
    if finder.needle().is_empty() {
        return (from < text.len()).then_some(from);
    }
    Some(from + finder.find(text.as_bytes().get(from..)?)?)
}

/// Returns the forms of a value, in an order that is always the same: journals count on it.
pub(super) fn forms(value: &str) -> Vec<Form> {
    let mut known = HashSet::new();
    let mut spelled = vec![value.to_owned()];
    spelled.extend(lower(value));
    spelled.extend(parts_of_address(value));
    spelled.extend(base64(value));
    spelled.extend(lines(value));
    spelled.retain(|it| known.insert(it.clone()));
    let mut exact = encoded(value);
    exact.retain(|it| it.len() >= SHORTEST && known.insert(it.clone()));
    let spelled = spelled.iter().filter_map(|it| Form::spelled(it));
    spelled.chain(exact.into_iter().map(Form::exact)).collect()
}

/// A host is written in small letters. A short word in small letters is any word.
fn lower(value: &str) -> Option<String> {
    let lower = value.to_lowercase();
    let is_no_word = value.chars().count() >= 8 || !value.chars().all(char::is_alphabetic);
    (lower != value && is_no_word).then_some(lower)
}

/// Returns what a value that is an address, with a scheme or without one, becomes in messages: the
/// whole, its host, and its password.
fn parts_of_address(value: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let with_scheme = value.contains("://");
    let scheme = if with_scheme { "" } else { "http://" };
    let address = format!("{scheme}{value}");
    let Ok(url) = url::Url::parse(&address) else {
        return parts;
    };
    let whole = url.as_str().trim_end_matches('/');
    let (_, bare) = whole.split_once("://").unwrap_or_default();
    // A value without any mark of an address is none.
    if !with_scheme && !value.contains(['/', ':', '@']) {
        return parts;
    }
    parts.push(bare.to_owned());
    let host = url.domain().filter(|it| it.contains('.'));
    parts.extend(host.map(str::to_owned));
    if let Some(password) = url.password() {
        parts.push(password.to_owned());
        let query = format!("k={}", password.replace('+', "%2B").replace('&', "%26"));
        let plain = url::form_urlencoded::parse(query.as_bytes());
        parts.extend(plain.map(|(_, value)| value.into_owned()));
    }
    parts
}

/// Returns what base64 makes of a value inside a longer text, by where it begins there: the
/// characters that depend on it alone.
fn base64(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(value.as_bytes());
        let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&bytes);
            all.extend(text.get(first..end).map(str::to_owned));
        }
    }
    all
}

/// Returns the lines of a value that has several; the frame of a key is in every key.
fn lines(value: &str) -> Vec<String> {
    let lines = value.lines().map(str::trim);
    let is_telling = |line: &&str| {
        line.chars().count() >= SHORTEST_LINE && *line != value && !line.starts_with("-----")
    };
    lines.filter(is_telling).map(str::to_owned).collect()
}

/// Returns the value with every one of its characters escaped, letters and digits too.
fn encoded(value: &str) -> Vec<String> {
    let bytes = |of: &dyn Fn(u8) -> String| value.bytes().map(of).collect::<String>();
    let wide = |of: &dyn Fn(u16) -> String| value.encode_utf16().map(of).collect::<String>();
    let codes =
        |of: &dyn Fn(u32) -> String| value.chars().map(|c| of(c.into())).collect::<String>();
    vec![
        bytes(&|it| format!("{it:02x}")),
        bytes(&|it| format!("{it:02X}")),
        bytes(&|it| format!("%{it:02x}")),
        bytes(&|it| format!("%{it:02X}")),
        bytes(&|it| format!("\\x{it:02x}")),
        wide(&|it| format!("\\u{it:04x}")),
        wide(&|it| format!("\\u{it:04X}")),
        wide(&|it| format!("\\\\u{it:04x}")),
        codes(&|it| format!("&#{it};")),
        codes(&|it| format!("&#x{it:x};")),
        codes(&|it| format!("&#x{it:X};")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(value: &str, text: &str) -> bool {
        forms(value).iter().any(|form| !form.find(text).is_empty())
    }

    /// security 6
    #[test]
    fn what_an_address_becomes_is_found() {
        for text in [
            "hunter2.example/v1",
            "Hunter2.Example/V1",
            "no answer from hunter2.example:80",
            "http://hunter2.example/V1/chat",
        ] {
            assert!(is_found("Hunter2.Example/V1", text), "{text}");
        }
        assert!(is_found("https://u:p%40ssw@h.example/x", "p@ssw is wrong"));
        assert!(is_found(
            "https://u:p%40ssw@h.example/x",
            "h.example refuses"
        ));
        assert!(is_found("Hunter2.Example", "hunter2.example"));
        assert!(!is_found("http://127.0.0.1:80/x", "127.0.0.1 refuses"));
        assert!(!is_found("Test", "a test"));
    }

    /// security 6
    #[test]
    fn base64_is_found_wherever_the_value_begins_in_it() {
        for before in ["", "u", "us", "user:", "user:x"] {
            for after in ["", "!", "!?", "!?*"] {
                let text = format!("{before}hunter2?>~{after}");
                assert!(
                    is_found("hunter2?>~", &STANDARD_NO_PAD.encode(&text)),
                    "{text}"
                );
                assert!(
                    is_found("hunter2?>~", &URL_SAFE_NO_PAD.encode(&text)),
                    "{text}"
                );
                let escaped = STANDARD_NO_PAD
                    .encode(&text)
                    .replace('/', "\\/")
                    .replace('+', "%2B");
                assert!(is_found("hunter2?>~", &escaped), "{text}");
            }
        }
        assert!(!is_found("hunter2", "aHVudGluZw"));
    }

    /// security 6
    #[test]
    fn each_line_of_a_key_is_found_and_its_frame_is_not() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\nabc\n-----END KEY-----\n";
        assert!(is_found(key, "line 2: MIIEvQIBADAN"));
        assert!(is_found(key, "BgkqhkiG9w0B is no PEM"));
        assert!(is_found(key, &serde_json::Value::from(key).to_string()));
        assert!(!is_found(key, "it begins with -----BEGIN KEY-----"));
        assert!(!is_found(key, "abc"));
    }

    #[test]
    fn what_is_encoded_as_a_whole_is_found() {
        for text in [
            "68756e746572",
            "68756E746572",
            "%68%75%6e%74%65%72",
            "\\u0068\\u0075\\u006e\\u0074\\u0065\\u0072",
            "&#104;&#117;&#110;&#116;&#101;&#114;",
        ] {
            assert!(is_found("hunter", text), "{text}");
        }
        for text in ["hunt", "unter", "Hunter", "68756e7465"] {
            assert!(!is_found("hunter", text), "{text}");
        }
    }
}
