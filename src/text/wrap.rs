//! Lines that are no wider than they may be, broken between words.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns how many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Wraps to so many columns; the first line keeps its indent, continuation lines are indented by
/// `hanging`. A word that is longer than a line is
/// broken, after a mark where there is one.
pub(crate) fn wrap(text: &str, columns: usize, hanging: usize) -> Vec<String> {
    let hanging = hanging.min(columns / 2);
    let words = text.trim_start_matches(' ');
    let mut line = " ".repeat((text.len() - words.len()).min(columns / 2));
    let mut lines = Vec::new();
    for (at, word) in words.split(' ').enumerate() {
        let gap = usize::from(at > 0 && !line.trim().is_empty());
        if gap > 0 && width(&line) + gap + width(word) > columns {
            lines.push(std::mem::replace(&mut line, " ".repeat(hanging)));
        } else {
            line.push_str(&" ".repeat(gap));
        }
        place(word, columns, hanging, &mut line, &mut lines);
    }
    lines.push(line);
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Appends a word to the line, breaking it where it does not fit.
fn place(word: &str, columns: usize, hanging: usize, line: &mut String, lines: &mut Vec<String>) {
    let mut rest = word;
    while width(line) + width(rest) > columns {
        let room = columns.saturating_sub(width(line));
        let at = piece(rest, room);
        if at == 0 && line.trim().is_empty() {
            // Not even one character fits: it stands there all the same.
            let one = rest.chars().next().map_or(0, char::len_utf8);
            line.push_str(&rest[..one]);
            rest = &rest[one..];
            if rest.is_empty() {
                return;
            }
        }
        line.push_str(&rest[..at]);
        rest = &rest[at..];
        lines.push(std::mem::replace(line, " ".repeat(hanging)));
    }
    line.push_str(rest);
}

/// Returns where a word that is too long is broken: after the last mark that fits, so that its
/// parts stay whole, else after the last character that does.
fn piece(word: &str, room: usize) -> usize {
    const MARKS: &[char] = &['.', '/', '-', '_', ',', ':', ';', '=', '?', '&'];
    let mut used = 0;
    let (mut fits, mut mark) = (0, None);
    for (at, c) in word.char_indices() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        fits = at + c.len_utf8();
        if MARKS.contains(&c) {
            mark = Some(fits);
        }
    }
    mark.unwrap_or(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_words_and_breaks_only_what_is_too_long() {
        assert_eq!(wrap("one two three", 8, 2), ["one two", "  three"]);
        assert_eq!(wrap("abcdefghij", 4, 0), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4, 0), [""]);
        assert_eq!(wrap("東京都庁", 5, 0), ["東京", "都庁"]);
    }

    /// stumbles S18
    #[test]
    fn a_word_that_is_too_long_is_broken_after_a_mark() {
        let name = "load.peak.gateway.response_time.p95";
        assert_eq!(
            wrap(name, 20, 0),
            ["load.peak.gateway.", "response_time.p95"]
        );
        assert_eq!(
            wrap("see https://example.org/a/b", 12, 2),
            ["see", "  https://", "  example.", "  org/a/b"]
        );
        assert_eq!(wrap("q-de-billing-2", 9, 0), ["q-de-", "billing-2"]);
    }
}
