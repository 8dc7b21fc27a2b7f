//! How far a client's stamps are from what the server did.

use super::server::sent_times;
use crate::load::Captured;
use crate::measure::Histogram;
use crate::record::Spread;

/// Errors of a client, as distributions of their absolute values.
#[derive(Default)]
pub(crate) struct Floor {
    ttft: Histogram,
    gap: Histogram,
}

impl Floor {
    /// Takes one streamed answer of the reference server. Where tokens came in one read, the gaps
    /// between them are not known and not counted; those between reads are.
    pub(crate) fn take(&mut self, answer: &Captured) {
        let sent = sent_times(answer.reply.text.as_deref().unwrap_or_default());
        let (Some(first), Some(seen)) = (sent.first(), answer.stamps.first_content) else {
            return;
        };
        self.ttft.record_ns(seen.abs_diff(*first));
        for error in gap_errors(&sent, seen, &answer.gaps) {
            self.gap.record_ns(error);
        }
    }

    pub(crate) fn ttft(&self) -> Option<Spread> {
        error_of(&self.ttft)
    }

    pub(crate) fn gap(&self) -> Option<Spread> {
        error_of(&self.gap)
    }
}

/// Returns by how much each gap between two reads differs from the gap between the tokens on its
/// two sides. `sent` are the times of the tokens, `first` that of the first read, and `gaps` those
/// between the reads.
///
/// A read brings what has been sent by then and was not read before, so that the times say which
/// tokens came with it.
fn gap_errors(sent: &[u64], first: u64, gaps: &[u64]) -> Vec<u64> {
    let mut read = first;
    let mut taken = 0;
    let mut errors = Vec::with_capacity(gaps.len());
    for (number, gap) in gaps.iter().enumerate() {
        // Each later read brings at least one.
        let most = sent.len().saturating_sub(gaps.len() - number);
        let here = sent[..most].partition_point(|at| *at <= read);
        taken = here.max(taken + 1);
        let (Some(before), Some(after)) = (sent.get(taken - 1), sent.get(taken)) else {
            return errors;
        };
        errors.push(gap.abs_diff(after.abs_diff(*before)));
        read += gap;
    }
    errors
}

fn error_of(errors: &Histogram) -> Option<Spread> {
    (!errors.is_empty()).then(|| Spread::of(errors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_held_against_the_tokens_on_their_two_sides() {
        let sent = [100, 105, 110, 115];
        // Each token read 1 late, but for the third, which is 3 late.
        assert_eq!(gap_errors(&sent, 101, &[5, 7, 3]), [0, 2, 2]);
        // The second and third came in one read, at 112: 7 after the first was sent, and 2 after
        // the third.
        assert_eq!(gap_errors(&sent, 101, &[11, 4]), [6, 1]);
        // All in one read.
        assert_eq!(gap_errors(&sent, 120, &[]), [0_u64; 0]);
        // More gaps than tokens cannot be.
        assert_eq!(gap_errors(&[100], 101, &[5]), [0_u64; 0]);
    }
}
