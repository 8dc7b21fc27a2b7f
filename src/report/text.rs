//! Text of unknown origin made fit for a line: cleaned, folded to ASCII, cut.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

use crate::text::is_hidden;
pub(super) use crate::text::{width, wrap};

/// Returns the text on one line and without anything that could drive a terminal: what a model
/// answers is shown, never obeyed.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() {
            if !clean.ends_with(' ') {
                clean.push(' ');
            }
        } else if is_seen(c) || (is_mark(c) && !clean.is_empty()) {
            clean.push(c);
        }
    }
    clean.trim_end().to_owned()
}

fn is_seen(c: char) -> bool {
    c.width().is_some_and(|width| width > 0) && !is_hidden(c)
}

/// Combining marks have no width of their own and belong to the letter before them; other
/// characters of no width (direction overrides, joiners) can only mislead.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{900}'..='\u{902}' | '\u{93c}'..='\u{94d}' | '\u{e31}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}' | '\u{20d0}'..='\u{20ff}' | '\u{3099}' | '\u{309a}')
}

/// Takes our own typographic characters back to ASCII; text from outside keeps its letters.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '–' | '−' | '─' => folded.push('-'),
            '…' => folded.push_str("..."),
            '·' => folded.push(','),
            '→' => folded.push_str("->"),
            '≤' => folded.push_str("<="),
            '≥' => folded.push_str(">="),
            '±' => folded.push_str("+/-"),
            '━' => folded.push('='),
            '●' => folded.push('o'),
            '█' | '▌' | '▋' | '▊' | '▉' => folded.push('#'),
            '▏' | '▎' | '▍' => {}
            '▁' | '▂' => folded.push('.'),
            '▃' | '▄' => folded.push(':'),
            '▅' => folded.push('+'),
            '▆' | '▇' => folded.push('*'),
            c => folded.push(c),
        }
    }
    // ` · ` between facts becomes `, `.
    folded.replace(" , ", ", ")
}

/// So much of a sentence is shown, in characters: a stranger's part of it may be as long as a book.
const SENTENCE: usize = 5000;

/// Returns a sentence, cleaned and cut.
pub(super) fn sentence(text: &str) -> String {
    clean(&cut_off(text, SENTENCE))
}

/// Cuts to so many characters, with an ellipsis where something was cut.
pub(super) fn cut_off(text: &str, longest: usize) -> Cow<'_, str> {
    match text.char_indices().nth(longest) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Cuts to so many columns, with an ellipsis where something was cut.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in text.chars() {
        let next = used + c.width().unwrap_or(0);
        // One column is kept for the ellipsis.
        if next >= columns {
            break;
        }
        cut.push(c);
        used = next;
    }
    let mut cut = cut.trim_end().to_owned();
    if columns > 0 {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drives_a_terminal_is_taken_out() {
        assert_eq!(
            clean("a\u{1b}[31mred\u{7}\r\n  b\u{202e}c\u{200b}"),
            "a[31mred bc"
        );
        assert_eq!(clean("cafe\u{301} 東京"), "cafe\u{301} 東京");
        assert_eq!(clean("line\n\n"), "line");
    }

    #[test]
    fn what_is_too_long_is_cut_off_at_a_character() {
        assert_eq!(cut_off("äöü", 3), "äöü");
        assert_eq!(cut_off("äöü", 2), "äö…");
        assert_eq!(cut_off("", 0), "");
    }

    #[test]
    fn typography_folds_to_ascii() {
        assert_eq!(
            fold("91.0 % (87.1–94.2) · −3 → ≤ 5 … ±1 ██▌"),
            "91.0 % (87.1-94.2), -3 -> <= 5 ... +/-1 ###"
        );
        assert_eq!(fold("naïve 東京"), "naïve 東京");
    }

    #[test]
    fn cutting_counts_columns_and_not_characters() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("東京都庁", 6), "東京…");
        assert_eq!(cut("東京", 1), "…");
        assert_eq!(cut("ab", 0), "");
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_wider_than_asked(text in "\\PC{0,80}", columns in 4_usize..40, hanging in 0_usize..6) {
            let text = clean(&text);
            for line in wrap(&text, columns, hanging) {
                proptest::prop_assert!(width(&line) <= columns, "{line:?}");
            }
            proptest::prop_assert!(width(&cut(&text, columns)) <= columns);
        }
    }
}
