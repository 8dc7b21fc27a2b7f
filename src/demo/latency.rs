//! How long each stage of the demo takes: realistic, and the same for the same request every time.

use std::time::Duration;

use super::release::Release;

/// The most that a latency may be away from its median, in standard deviations of its logarithm.
const CLAMP: f64 = 2.5;
/// The words of a question that the second release's reranker reads in one pass.
const RERANK_WINDOW: usize = 12;

/// Returns how long a search takes: 8 ms or so.
pub(super) fn search(query: &str) -> Duration {
    jitter("search", query, 8.0, 0.12)
}

/// Returns how long reranking takes: 15 ms or so.
///
/// The second release reads a question in windows of twelve words; for a longer one it needs
/// another pass, and that is 60 to 120 ms.
pub(super) fn rerank(release: Release, query: &str) -> Duration {
    let base = jitter("rerank", query, 15.0, 0.08);
    let beyond = query
        .split_whitespace()
        .count()
        .saturating_sub(RERANK_WINDOW);
    if release == Release::V1 || beyond == 0 {
        return base;
    }
    let pass = (70.0 + 5.0 * beyond as f64).min(110.0);
    base + jitter("second pass", query, pass, 0.04)
}

/// Returns the time to first token: 48 ms or so, and 15 µs per word of the prompt.
pub(super) fn first_token(prompt: &str) -> Duration {
    let prefill = Duration::from_micros(15) * prompt.split_whitespace().count().min(100_000) as u32;
    jitter("first token", prompt, 46.0, 0.06) + prefill
}

/// Returns the time that each further token takes: 1.8 ms or so.
pub(super) fn token(prompt: &str, index: usize) -> Duration {
    jitter(&format!("token {index}"), prompt, 1.8, 0.2)
}

/// Returns a lognormal time of that median, in ms, drawn by a hash of what is being timed.
fn jitter(what: &str, content: &str, median_ms: f64, sigma: f64) -> Duration {
    let seed = hash(what, content);
    let (first, second) = (
        uniform(mix(seed)),
        uniform(mix(seed ^ 0x5851_f42d_4c95_7f2d)),
    );
    // Box and Muller, 1958; `1 − first` because the logarithm of 0 is infinite.
    let normal = (-2.0 * (1.0 - first).ln()).sqrt() * (std::f64::consts::TAU * second).cos();
    let ms = median_ms * (sigma * normal.clamp(-CLAMP, CLAMP)).exp();
    Duration::from_secs_f64(ms / 1e3)
}

/// FNV-1a, 64 bits: short inputs, no dependency, the same on every machine.
fn hash(what: &str, content: &str) -> u64 {
    what.bytes()
        .chain([0])
        .chain(content.bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

/// The finaliser of `splitmix64` (Steele, Lea, and Flood, 2014): spreads a hash over all bits.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns a number in [0, 1) from the upper 53 bits.
fn uniform(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::release::Release;
    use super::{first_token, rerank, search, token};

    const LONG: &str = "one two three four five six seven eight nine ten eleven twelve thirteen";

    #[test]
    fn same_request_takes_the_same_time() {
        assert_eq!(search("a"), search("a"));
        assert_ne!(search("a"), search("b"));
        assert_ne!(token("a", 0), token("a", 1));
    }

    #[test]
    fn second_release_is_slower_for_long_questions_only() {
        let short = LONG.trim_end_matches(" thirteen");
        assert_eq!(rerank(Release::V1, short), rerank(Release::V2, short));
        let added = rerank(Release::V2, LONG).abs_diff(rerank(Release::V1, LONG));
        assert!(added > Duration::from_millis(60) && added < Duration::from_millis(120));
    }

    #[test]
    fn medians_are_where_they_should_be() {
        let mut times: Vec<_> = (0..999).map(|n| search(&n.to_string())).collect();
        times.sort_unstable();
        let (low, median, high) = (times[0], times[499], times[998]);
        assert!(median > Duration::from_micros(7_800) && median < Duration::from_micros(8_200));
        assert!(low > Duration::from_millis(5) && high < Duration::from_millis(12));
    }

    proptest! {
        #[test]
        fn every_latency_is_bounded(content in ".{0,200}") {
            prop_assert!(search(&content) < Duration::from_millis(12));
            prop_assert!(rerank(Release::V2, &content) < Duration::from_millis(150));
            prop_assert!(first_token(&content) > Duration::from_millis(35));
            prop_assert!(first_token(&content) < Duration::from_millis(60));
            prop_assert!(token(&content, 3) < Duration::from_millis(4));
        }
    }
}
