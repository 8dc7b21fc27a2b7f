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

/// Says what is wrong with the quotes of a path, or with an escape in them: where a path ends
/// inside of either, the parser takes it for the first part of a longer one.
pub(super) fn quotes(text: &str) -> Result<(), &'static str> {
    let mut bytes = text.bytes().enumerate();
    let mut quote = None;
    while let Some((at, byte)) = bytes.next() {
        match (quote, byte) {
            (Some(_), b'\\') => {
                let digits = text.as_bytes().get(at + 2..at + 6);
                let is_hex = digits.is_some_and(|it| it.iter().all(u8::is_ascii_hexdigit));
                match bytes.next() {
                    Some((_, b'u')) if !is_hex => {
                        return Err("`\\u` takes four hexadecimal digits");
                    }
                    Some(_) => {}
                    None => return Err("it ends inside an escape"),
                }
            }
            (Some(open), close) if open == close => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            _ => {}
        }
    }
    match quote {
        Some(_) => Err("a quote is not closed"),
        None => Ok(()),
    }
}
