//! A text in the encodings that servers, proxies, and programs know.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Returns a text in fourteen encodings and more.
pub(super) fn encodings(text: &str) -> Vec<String> {
    let json = serde_json::Value::from(text).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let html = |named: bool| {
        let one = |c: char| match (c, named) {
            ('&', true) => "&amp;".to_owned(),
            ('<', true) => "&lt;".to_owned(),
            ('>', true) => "&gt;".to_owned(),
            ('"', true) => "&quot;".to_owned(),
            ('\'', true) => "&#39;".to_owned(),
            ('\'' | '"' | '&' | '<' | '>', false) => format!("&#x{:x};", u32::from(c)),
            _ => c.to_string(),
        };
        text.chars().map(one).collect::<String>()
    };
    let percent = |upper: bool| {
        let one = |byte: u8| match (byte.is_ascii_alphanumeric(), upper) {
            (true, _) => char::from(byte).to_string(),
            (false, true) => format!("%{byte:02X}"),
            (false, false) => format!("%{byte:02x}"),
        };
        text.bytes().map(one).collect::<String>()
    };
    let form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let squeezed: Vec<&str> = text.split_whitespace().collect();
    vec![
        text.to_owned(),
        json.clone(),
        json.replace('/', "\\/"),
        ascii(&json, false),
        ascii(&json, true),
        serde_json::Value::from(json.as_str())
            .to_string()
            .trim_matches('"')
            .to_owned(),
        html(true),
        html(false),
        percent(true),
        percent(false),
        percent(true).replace('%', "%25"),
        form,
        squeezed.join(" "),
        text.to_lowercase(),
        STANDARD.encode(format!("user:{text}")),
        STANDARD.encode(format!("me:{text}!")),
        STANDARD.encode(text),
        URL_SAFE_NO_PAD.encode(format!("u:{text}")),
    ]
}

/// Escapes what is beyond ASCII, and what HTML would read, as `\u00e4`.
fn ascii(text: &str, upper: bool) -> String {
    let escape = |c: char| {
        let mut units = [0; 2];
        let units = c.encode_utf16(&mut units).iter();
        let hex = |unit: &u16| {
            if upper {
                format!("\\u{unit:04X}")
            } else {
                format!("\\u{unit:04x}")
            }
        };
        units.map(hex).collect::<String>()
    };
    let is_open = |c: char| !c.is_ascii() || "&<>'=".contains(c);
    let one = |c: char| {
        if is_open(c) { escape(c) } else { c.to_string() }
    };
    text.chars().map(one).collect()
}
