//! The ways to write one character in JSON, URLs, HTML, and the strings of programs.

use std::collections::HashSet;

/// Returns the ways to write a character, the plain one first; the order is part of what a journal
/// keeps.
pub(super) fn alternatives(c: char) -> Vec<String> {
    let mut all = vec![c.to_string()];
    let mut bytes = [0; 4];
    let bytes = c.encode_utf8(&mut bytes).as_bytes();
    let mut units = [0; 2];
    let units = c.encode_utf16(&mut units);
    let each = |of: &dyn Fn(u8) -> String| bytes.iter().map(|byte| of(*byte)).collect::<String>();
    for percent in [
        each(&|byte| format!("%{byte:02X}")),
        each(&|byte| format!("%{byte:02x}")),
    ] {
        all.push(percent.replace('%', "%25"));
        all.push(percent);
    }
    let short = match c {
        '"' | '\'' | '\\' | '/' | '`' | '$' => Some(c),
        '\n' => Some('n'),
        '\r' => Some('r'),
        '\t' => Some('t'),
        _ => None,
    };
    // JSON inside JSON doubles the backslashes of the inner one.
    for slashes in [1, 2, 3, 4, 7] {
        let slashes = "\\".repeat(slashes);
        all.extend(short.map(|it| format!("{slashes}{it}")));
    }
    for slashes in ["\\", "\\\\", "\\\\\\\\"] {
        let wide = |digits: &dyn Fn(u16) -> String| {
            let units = units
                .iter()
                .map(|unit| format!("{slashes}u{}", digits(*unit)));
            units.collect::<String>()
        };
        all.push(wide(&|unit| format!("{unit:04x}")));
        all.push(wide(&|unit| format!("{unit:04X}")));
        all.push(each(&|byte| format!("{slashes}x{byte:02x}")));
        all.push(each(&|byte| format!("{slashes}x{byte:02X}")));
        all.push(format!("{slashes}u{{{:x}}}", u32::from(c)));
        all.push(each(&|byte| format!("{slashes}{byte:03o}")));
    }
    all.extend(entities(c));
    let mut known = HashSet::new();
    all.retain(|it| known.insert(it.clone()));
    all
}

/// Returns the ways to write a character in HTML.
fn entities(c: char) -> impl Iterator<Item = String> {
    let named = match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&apos;"),
        ' ' | '\u{a0}' => Some("&nbsp;"),
        _ => None,
    };
    let code = u32::from(c);
    let entities = [
        format!("&#{code};"),
        format!("&#{code:03};"),
        format!("&#x{code:x};"),
        format!("&#x{code:X};"),
        format!("&#X{code:X};"),
        format!("&#x{code:04x};"),
    ];
    let named = named.map(str::to_owned);
    let all = named.into_iter().chain(entities);
    // HTML inside HTML.
    all.flat_map(|it| [it.replacen('&', "&amp;", 1), it])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_written_in_many_ways_each_once() {
        for c in ['a', '&', '"', '\\', '/', 'ü', ' ', '\n', '\u{1f600}'] {
            let all = alternatives(c);
            assert_eq!(all[0], c.to_string());
            let different: HashSet<&String> = all.iter().collect();
            assert_eq!(different.len(), all.len());
            assert!(all.iter().all(|it| !it.is_empty()));
        }
        let quote = alternatives('"');
        for way in [
            "\\\"",
            "\\\\\\\"",
            "%22",
            "%2522",
            "\\u0022",
            "\\\\u0022",
            "&quot;",
            "&#34;",
            "&#x22;",
            "&amp;quot;",
        ] {
            assert!(quote.iter().any(|it| it == way), "{way}");
        }
    }
}
