//! Text of strangers on its way out: what would drive a terminal, turn the direction of writing, or
//! hide is written as an escape, so that it is seen and never obeyed.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What stands before the second and later lines of one message, so that nobody takes them for
/// messages of their own.
const GUTTER: &str = "  | ";

/// Returns a text on one line: controls, marks of direction, characters without width, and line
/// breaks stand as `\n` or `\u{1b}`.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// Returns a text whose lines stay lines, the later ones behind a gutter.
pub(crate) fn visible_lines(text: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text
        .split('\n')
        .map(|line| visible(line.strip_suffix('\r').unwrap_or(line)))
        .collect();
    lines.join(&format!("\n{GUTTER}"))
}

/// Returns a text that someone has drawn already: its line breaks are the drawing's.
pub(crate) fn visible_drawing(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\n')
}

/// Returns a JSON document in which the characters that [`visible`] escapes are escaped as JSON has
/// it. Controls below the space are escaped in it already, but for those between its tokens.
pub(crate) fn visible_json(document: String) -> String {
    let is_open = |c: char| c > '~' && is_hidden(c);
    if !document.chars().any(is_open) {
        return document;
    }
    let mut out = String::with_capacity(document.len() + 16);
    for c in document.chars() {
        if is_open(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").expect("a string takes everything");
            }
        } else {
            out.push(c);
        }
    }
    out
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| is_hidden(c) && !stays(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            c if !is_hidden(c) || stays(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => write!(out, "\\u{{{:x}}}", u32::from(c)).expect("a string takes everything"),
        }
    }
    Cow::Owned(out)
}

/// Returns whether a character does something other than to be seen: it drives the terminal, turns
/// the direction of writing, ends a line, has no width, or is no character at all. Marks that
/// belong to a letter, and the selectors of emoji, are seen.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || u32::from(c) & 0xfffe == 0xfffe
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// How a format breaks up what the runner of a CI system would take for a command, so that its
/// readers still see, or read, the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Disarm {
    /// Stands for the first colon of `::` at a line's start; `None` where such a line is meant.
    colon: Option<&'static str>,
    /// Stands for the bracket of `##[` and of `##vso[`.
    bracket: &'static str,
}

impl Disarm {
    /// For people: a character without width stands between.
    pub(crate) const TEXT: Self = Self {
        colon: Some(":\u{200b}"),
        bracket: "\u{200b}[",
    };

    /// For a page that may only show ASCII: a space stands between.
    pub(crate) const ASCII: Self = Self {
        colon: Some(": "),
        bracket: " [",
    };

    /// Inside strings of JSON, where the bracket may be escaped.
    pub(crate) const JSON: Self = Self {
        colon: None,
        bracket: "\\u005b",
    };

    /// Inside attributes and texts of XML.
    pub(crate) const XML: Self = Self {
        colon: Some("&#58;"),
        bracket: "&#91;",
    };

    /// In lines that are commands of ours.
    pub(crate) const COMMANDS: Self = Self {
        colon: None,
        ..Self::TEXT
    };

    /// Returns the text without anything that a runner obeys: GitHub's takes lines that begin with
    /// `::` behind white space, and `##[` anywhere; Azure's takes `##vso[` and `##[`.
    pub(crate) fn text(self, text: &str) -> Cow<'_, str> {
        let has_colons = self.colon.is_some() && text.contains("::");
        if !has_colons && !text.contains("##") {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len() + 16);
        for line in text.split_inclusive(['\n', '\r']) {
            self.line(line, &mut out);
        }
        Cow::Owned(out)
    }

    fn line(self, line: &str, out: &mut String) {
        let start = start(line);
        let mut done = 0;
        if let Some(colon) = self.colon.filter(|_| line[start..].starts_with("::")) {
            out.push_str(&line[..start]);
            out.push_str(colon);
            done = start + 1;
        }
        while let Some(at) = line[done..].find("##") {
            let hashes = done + at + 2;
            out.push_str(&line[done..hashes - 1]);
            // The second `#` may be the first one of the next pair.
            done = hashes - 1;
            let rest = &line[hashes..];
            let word = rest
                .get(..3)
                .filter(|it| it.eq_ignore_ascii_case("vso"))
                .unwrap_or_default();
            if rest[word.len()..].starts_with('[') {
                out.push('#');
                out.push_str(word);
                out.push_str(self.bracket);
                done = hashes + word.len() + 1;
            }
        }
        out.push_str(&line[done..]);
    }
}

/// Returns where a line begins behind white space and colours.
fn start(line: &str) -> usize {
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        let colour = rest.strip_prefix("\u{1b}[").and_then(|it| {
            let (code, after) = it.split_once('m')?;
            let is_code = code.chars().all(|c| c.is_ascii_digit() || c == ';');
            is_code.then_some(after)
        });
        match colour {
            Some(after) => rest = after,
            None => return line.len() - rest.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// security 4
    #[test]
    fn what_hides_or_drives_is_written_as_an_escape() {
        for (given, shown) in [
            ("plain", "plain"),
            ("\u{1b}]52;c;aGk=\u{7}", "\\u{1b}]52;c;aGk=\\u{7}"),
            ("a\nb\r\nc\td", "a\\nb\\r\\nc\\td"),
            ("\u{9b}31m \u{85}\u{90}", "\\u{9b}31m \\u{85}\\u{90}"),
            (
                "a\u{202e}b\u{2066}c\u{61c}",
                "a\\u{202e}b\\u{2066}c\\u{61c}",
            ),
            (
                "a\u{200b}\u{feff}\u{2060}b",
                "a\\u{200b}\\u{feff}\\u{2060}b",
            ),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            ("tag\u{e0041}\u{ad}", "tag\\u{e0041}\\u{ad}"),
            ("\u{7f}\u{0}", "\\u{7f}\\u{0}"),
            ("\u{fffe}\u{1ffff}\u{fdd0}", "\\u{fffe}\\u{1ffff}\\u{fdd0}"),
        ] {
            assert_eq!(visible(given), shown);
        }
    }

    #[test]
    fn letters_of_every_language_stay() {
        for text in [
            "cafe\u{301}",
            "東京",
            "नमस्ते",
            "שלום",
            "⚠\u{fe0f} 1 µs … –",
            "",
        ] {
            assert!(matches!(visible(text), Cow::Borrowed(it) if it == text));
        }
    }

    #[test]
    fn a_document_stays_the_same_to_who_reads_it() {
        let value = serde_json::json!({"a\u{9b}": ["\u{202e}\u{e0041}\u{7f}é\n\u{1b}"]});
        let text = format!("{value:#}\n");
        let seen = visible_json(text.clone());
        assert!(!seen.chars().any(|c| is_hidden(c) && c != '\n'), "{seen}");
        assert!(seen.contains("\\udb40\\udc41"), "{seen}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&seen).unwrap(),
            value
        );
    }

    #[test]
    fn later_lines_of_a_message_stand_behind_a_gutter() {
        assert_eq!(
            visible_lines("it wrote:\none\r\n::error::two\n\u{1b}c"),
            "it wrote:\n  | one\n  | ::error::two\n  | \\u{1b}c"
        );
        assert_eq!(visible_lines("one"), "one");
        assert_eq!(visible_drawing("a\n\u{1b}b"), "a\n\\u{1b}b");
    }

    /// security 4
    #[test]
    fn no_line_is_a_command_of_a_runner() {
        for (given, shown) in [
            ("::error::x", ":\u{200b}:error::x"),
            ("a ::error::x", "a ::error::x"),
            ("a\n \t::error::x\n", "a\n \t:\u{200b}:error::x\n"),
            ("a\r::add-mask::x", "a\r:\u{200b}:add-mask::x"),
            ("\u{a0}::x", "\u{a0}:\u{200b}:x"),
            (
                "\u{1b}[2m ::x::\u{1b}[0m",
                "\u{1b}[2m :\u{200b}:x::\u{1b}[0m",
            ),
            (
                "x ##[error]y ##[group]",
                "x ##\u{200b}[error]y ##\u{200b}[group]",
            ),
            ("###[error]", "###\u{200b}[error]"),
            ("##vso[task.setvariable]", "##vso\u{200b}[task.setvariable]"),
            ("##VSO[x", "##VSO\u{200b}[x"),
            ("## [a] ##vs[ #[ ####", "## [a] ##vs[ #[ ####"),
            ("##é[", "##é["),
            ("::##[x", ":\u{200b}:##\u{200b}[x"),
            ("", ""),
        ] {
            assert_eq!(Disarm::TEXT.text(given), shown, "{given:?}");
        }
        let given = "::a\n\"##[b\"";
        assert_eq!(Disarm::ASCII.text(given), ": :a\n\"## [b\"");
        assert_eq!(Disarm::JSON.text(given), "::a\n\"##\\u005b\u{62}\"");
        assert_eq!(Disarm::XML.text(given), "&#58;:a\n\"##&#91;b\"");
        assert_eq!(Disarm::COMMANDS.text(given), "::a\n\"##\u{200b}[b\"");
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_nothing_is_obeyed(text in "(::|##|#|vso|\\[|[ \\n\\r\\t]|[\\x1b\\[m1]|\\PC){0,20}") {
            let out = Disarm::TEXT.text(&text).into_owned();
            let lower = out.to_lowercase();
            proptest::prop_assert!(!lower.contains("##[") && !lower.contains("##vso["), "{out:?}");
            for line in out.split(['\n', '\r']) {
                proptest::prop_assert!(!line.trim_start().starts_with("::"), "{out:?}");
            }
            let seen = visible(&text).into_owned();
            proptest::prop_assert!(!seen.chars().any(is_hidden), "{seen:?}");
        }
    }
}
