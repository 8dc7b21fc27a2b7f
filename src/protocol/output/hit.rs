//! How caches say in a header that they had an answer.

/// Returns what the node nearest to us says, which is the last of a list: `MISS, HIT`. Commas in
/// parentheses and in quotes separate nothing.
pub(super) fn nearest(said: &str) -> &str {
    let (mut depth, mut quoted) = (0_u32, false);
    let last = said.rsplit(|c| {
        match c {
            '"' => quoted = !quoted,
            ')' => depth += 1,
            '(' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0 && !quoted
    });
    let mut said = last.filter(|said| !said.trim().is_empty());
    said.next().unwrap_or_default()
}

/// Returns whether a header says, by the node nearest to us, that a cache had the answer.
pub(super) fn says_hit(said: &str) -> bool {
    is_hit(nearest(said))
}

/// Returns whether the first word that is `hit` or `miss` is `hit`, and is not denied: `TCP_MEM_HIT
/// from a1`, `RefreshHit`, but not `hitless`, `no-hit`, or `hit=false`.
fn is_hit(said: &str) -> bool {
    let words = words(&without_asides(said));
    let Some(at) = words
        .iter()
        .position(|word| word == "hit" || word == "miss")
    else {
        return false;
    };
    let before = at.checked_sub(1).map(|at| words[at].as_str());
    let after = words.get(at + 1).map(String::as_str);
    let is_denied =
        matches!(before, Some("no" | "not" | "non")) || matches!(after, Some("false" | "no" | "0"));
    words[at] == "hit" && !is_denied
}

/// Leaves out what stands in parentheses and in quotes: versions, and names of caches.
fn without_asides(said: &str) -> String {
    let (mut depth, mut quoted) = (0_u32, false);
    let kept = said.chars().filter(|c| {
        match c {
            '"' => quoted = !quoted,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return depth == 0 && !quoted,
        }
        true
    });
    kept.collect()
}

/// Splits at everything that is no letter or digit, and where the case changes: `RefreshHit` is two
/// words.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut chars = text.chars().peekable();
    let mut previous = ' ';
    while let Some(c) = chars.next() {
        let next_is_lower = chars.peek().is_some_and(|next| next.is_lowercase());
        let begins = c.is_uppercase()
            && (previous.is_lowercase() || previous.is_uppercase() && next_is_lower);
        if begins || !c.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        previous = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// field 14
    #[test]
    fn headers_are_read_as_vendors_write_them() {
        for text in [
            "HIT",
            "MISS, HIT",
            "TCP_HIT from a1 (AkamaiGHost/10, x) (-)",
            "TCP_MEM_HIT",
            "RefreshHit from cloudfront",
            "Hit from cloudfront",
            "cache-hit",
            "HIT (3)",
            "TCPHit",
            "ExampleCache; hit; ttl=376",
            "origin; fwd=miss, \"Miss, Inc.\"; hit",
            "MISS, HIT,",
        ] {
            assert!(says_hit(text), "{text}");
        }
        for text in [
            "HIT, MISS",
            "TCP_MISS",
            "TCP_REFRESH_MISS",
            "Miss from cloudfront",
            "hitless",
            "HITless",
            "white",
            "no-hit",
            "hit=false",
            "HIT, BYPASS",
            "origin; hit, edge; fwd=uri-miss",
            "MISS from a1 (last hit, 3 s ago)",
            "",
        ] {
            assert!(!says_hit(text), "{text}");
        }
    }
}
