//! The beginning of something long.

/// Returns the beginning of a body on one line, at most that many characters and an ellipsis. White
/// space and control characters become single spaces.
pub(crate) fn excerpt(body: &[u8], longest: usize) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(longest.saturating_mul(8))]);
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if text.len() < body.len() => format!("{line}…"),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(
            excerpt(b"  a\r\n\tb\x1b[31m \xff ", 200),
            "a b [31m \u{fffd}"
        );
        let long = excerpt("ü".repeat(500).as_bytes(), 200);
        assert_eq!(long.chars().count(), 201);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn what_was_left_out_is_said_even_where_it_was_blank() {
        let mut body = vec![b' '; 1000];
        body[0] = b'a';
        assert_eq!(excerpt(&body, 100), "a…");
    }
}
