//! The brackets of a JSONPath, and what is quoted in them.

/// Returns the place of the bracket that closes the one at `open`; brackets in quotes are none.
pub(super) fn closing(bytes: &[u8], open: usize) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_u32, None, false);
    for (at, byte) in bytes.iter().enumerate().skip(open) {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), close) if open == close => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'[') => depth += 1,
            (None, b']') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns whether what stands in brackets selects one value: an index, or one quoted name.
pub(super) fn is_one(selector: &str) -> bool {
    if selector.parse::<i64>().is_ok() {
        return true;
    }
    let Some(quote) = selector.bytes().next().filter(|it| b"\"'".contains(it)) else {
        return false;
    };
    let mut escaped = false;
    let inside = selector.bytes().skip(1).position(|byte| {
        let ends = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    inside == selector.len().checked_sub(2)
}
