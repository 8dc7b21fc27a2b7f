//! The counts of a stage, and what a stored stage keeps of them.

use std::ops::AddAssign;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Makes the counts of a tally from one list of fields: the type, its keys in documents, and its sum.
macro_rules! counts {
    ($($(#[$doc:meta])* $field:ident),* $(,)?) => {
        /// Whole numbers of requests, sessions, connections, and tokens.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub(crate) struct Counts {
            $($(#[$doc])* #[serde(default)] pub(crate) $field: u64,)*
        }

        impl AddAssign for Counts {
            fn add_assign(&mut self, other: Self) {
                $(self.$field += other.$field;)*
            }
        }
    };
}

counts! {
    attempted,
    /// Requests that were due and that this machine could not send.
    not_sent,
    ok,
    /// Ok, and within every limit.
    good,
    /// Ok and good answers that were complete before the end of the measured phase.
    ok_in_window,
    good_in_window,
    /// Still open when the run was over.
    in_flight_at_end,
    /// Sessions whose first turn counts.
    sessions_begun,
    sessions_finished,
    sessions_failed,
    /// Ok answers that say whether a fallback gave them, and those that one gave.
    fallback_known,
    fallbacks,
    /// Ok answers that say whether a cache had them, and those that it had.
    hit_known,
    hits,
    /// Answers that showed nothing, whether that was taken or failed, and ok answers that were refusals.
    empty,
    refusals,
    connections,
    tokens_in,
    tokens_out,
    /// Output tokens of the ok answers that were complete before the end of the measured phase.
    tokens_out_in_window,
    /// Ok answers whose tokens the server counted, and whose were counted by chunks.
    by_usage,
    by_chunks,
    /// Streams that have both counts, and those in which they differ.
    counted_twice,
    mismatched,
    /// Content-bearing events that came in one read with an earlier one.
    coalesced,
}

/// The response times of the requests that were due in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ResponseLevel {
    /// The sum of the natural logarithms of the times in ms, in units of 1e-9: whole numbers add up in any order.
    pub(crate) nano_ln: i64,
    pub(crate) count: u64,
}

impl AddAssign for ResponseLevel {
    fn add_assign(&mut self, other: Self) {
        self.nano_ln += other.nano_ln;
        self.count += other.count;
    }
}

/// What a stored stage says of its tally besides what stands there anyway: errors and distributions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct TallyRecord {
    #[serde(flatten)]
    pub(crate) counts: Counts,
    #[serde(default)]
    pub(crate) last_end_ns: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) levels: Vec<ResponseLevel>,
    /// Whether requests were due by a schedule, and whether that was of one rate.
    pub(crate) is_open: bool,
    pub(crate) is_level: bool,
    /// USD per million tokens, where the stage has a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) price: Option<Price>,
}

/// What tokens cost, in USD per million.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Price {
    pub(crate) input: f64,
    pub(crate) output: f64,
}
