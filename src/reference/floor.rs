//! How far a client's stamps are from what the server did.

use super::server::sent_times;
use crate::load::Captured;
use crate::measure::Histogram;
use crate::store::Spread;

/// Errors of a client, as distributions of their absolute values.
#[derive(Default)]
pub(crate) struct Floor {
    ttft: Histogram,
    gap: Histogram,
}

impl Floor {
    /// Takes one streamed answer of the reference server. Where tokens came in one read, their gaps are not known and
    /// not counted.
    pub(crate) fn take(&mut self, answer: &Captured) {
        let sent = sent_times(answer.reply.text.as_deref().unwrap_or_default());
        let (Some(first), Some(seen)) = (sent.first(), answer.stamps.first_content) else {
            return;
        };
        self.ttft.record_ns(seen.abs_diff(*first));
        if answer.gaps.len() + 1 == sent.len() {
            for (pair, gap) in sent.windows(2).zip(&answer.gaps) {
                self.gap.record_ns(gap.abs_diff(pair[1] - pair[0]));
            }
        }
    }

    pub(crate) fn ttft(&self) -> Option<Spread> {
        error_of(&self.ttft)
    }

    pub(crate) fn gap(&self) -> Option<Spread> {
        error_of(&self.gap)
    }
}

fn error_of(errors: &Histogram) -> Option<Spread> {
    (!errors.is_empty()).then(|| Spread::of(errors))
}
