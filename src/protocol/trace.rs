//! The `traceparent` of W3C Trace Context, version 00: one for each request, so that a slow or
//! wrong answer can be found in the
//! traces of the deployment.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// The header that carries it.
pub(crate) const HEADER: &str = "traceparent";
/// The variable that carries it to a program.
pub(crate) const VARIABLE: &str = "TRACEPARENT";

/// The trace that one request begins, and the span that it is; always sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TraceParent {
    trace: u128,
    span: u64,
}

impl TraceParent {
    /// How long its text is, in bytes; the same for all.
    pub(crate) const LENGTH: usize = 55;

    /// Returns what the trace is called in trace stores: 32 hexadecimal digits.
    pub(crate) fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }
}

impl fmt::Display for TraceParent {
    /// Writes it as the header has it: version, trace, span, and the flag that says sampled.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", self.trace, self.span)
    }
}

/// Where the identifiers of one run come from. They are the keyed hash of a running number, under a
/// key made of the run's
/// seed and of a number that no other run has: none comes twice, and none can be told from random
/// ones.
#[derive(Debug)]
pub(crate) struct TraceIds {
    key: [u8; blake3::KEY_LEN],
    next: AtomicU64,
}

impl TraceIds {
    /// Makes those of a run with this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(uuid::Uuid::now_v7().as_bytes());
        hasher.update(&seed.to_le_bytes());
        Self {
            key: *hasher.finalize().as_bytes(),
            next: AtomicU64::new(0),
        }
    }

    /// Returns the next one.
    pub(crate) fn next(&self) -> TraceParent {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let hash = blake3::keyed_hash(&self.key, &number.to_le_bytes());
        let (trace, rest) = hash.as_bytes().split_at(16);
        let word = |bytes: &[u8]| bytes.iter().fold(0, |sum, it| sum << 8 | u128::from(*it));
        // All zeros are no identifier.
        TraceParent {
            trace: word(trace).max(1),
            span: (word(&rest[..8]) as u64).max(1),
        }
    }
}

impl Default for TraceIds {
    fn default() -> Self {
        Self::new(0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_is_of_version_0_sampled_and_its_own() {
        let ids = [TraceIds::new(7), TraceIds::new(7)];
        let all = ids.iter().flat_map(|ids| (0..500).map(|_| ids.next()));
        let all: Vec<TraceParent> = all.collect();
        for it in &all {
            let text = it.to_string();
            let parts: Vec<&str> = text.split('-').collect();
            let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
            assert_eq!(
                (text.len(), lengths),
                (TraceParent::LENGTH, vec![2, 32, 16, 2])
            );
            assert_eq!(
                (parts[0], parts[1], parts[3]),
                ("00", it.trace_id().as_str(), "01")
            );
            assert!(
                text.chars()
                    .all(|c| matches!(c, '-' | '0'..='9' | 'a'..='f'))
            );
        }
        let traces: HashSet<u128> = all.iter().map(|it| it.trace).collect();
        let spans: HashSet<u64> = all.iter().map(|it| it.span).collect();
        assert_eq!((traces.len(), spans.len()), (1000, 1000));
    }
}
