//! Words as they would be typed into a shell.

use std::borrow::Cow;

/// Returns a word as a POSIX shell takes it: in quotes where it would mean something else.
pub(crate) fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,@%+~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', "'\\''")))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_it_otherwise() {
        for plain in ["eval.answers.repeats=3", "a/b-c.toml", "https://x:1/y"] {
            assert_eq!(quoted(plain), plain);
        }
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
