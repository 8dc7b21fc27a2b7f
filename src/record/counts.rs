//! The counts of a stage, and what a stored stage keeps of them.

use std::ops::AddAssign;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::eval::is_zero;

/// Makes the counts of a tally from one list of fields: the type, its keys in documents, and its
/// sum.
macro_rules! counts {
    ($($(#[$doc:meta])* $field:ident),* $(,)?) => {
        /// Whole numbers of requests, sessions, connections, and tokens.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub(crate) struct Counts {
            $($(#[$doc])* #[serde(default)] pub(crate) $field: u64,)*
        }

        impl AddAssign for Counts {
            fn add_assign(&mut self, other: Self) {
                $(self.$field = self.$field.saturating_add(other.$field);)*
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
    /// Answers that showed nothing, whether that was taken or failed, and ok answers that were
    /// refusals.
    empty,
    refusals,
    connections,
    /// Requests that were sent a second time, because their connection turned out to be closed.
    resent,
    tokens_in,
    tokens_out,
    /// Parts of them: of the prompts, read from and written to a prompt cache; of the answers,
    /// their reasoning.
    tokens_cached,
    tokens_cache_write,
    tokens_reasoning,
    /// Output tokens of the ok answers that were complete before the end of the measured phase.
    tokens_out_in_window,
    /// Those of the good ones among them.
    tokens_good_in_window,
    /// Ok answers whose tokens the server counted, and whose were counted by chunks.
    by_usage,
    by_chunks,
    /// Streams that have both counts, and those in which they differ.
    counted_twice,
    mismatched,
    /// Content-bearing events that came in one read with an earlier one.
    coalesced,
    /// Ok streams of several such events that all came in one read.
    one_piece,
}

/// The response times of the requests that were due in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ResponseLevel {
    /// The sum of the natural logarithms of the times in ms, in units of 1e-9: whole numbers add up
    /// in any order.
    pub(crate) nano_ln: i64,
    pub(crate) count: u64,
}

impl AddAssign for ResponseLevel {
    fn add_assign(&mut self, other: Self) {
        self.nano_ln = self.nano_ln.saturating_add(other.nano_ln);
        self.count = self.count.saturating_add(other.count);
    }
}

/// What a stored stage says of its tally besides what stands there anyway: errors and
/// distributions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct TallyRecord {
    #[serde(flatten)]
    pub(crate) counts: Counts,
    #[serde(default)]
    pub(crate) last_end_ns: u64,
    /// When the last request was due, where a number of requests ended an open loop; else 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) last_due_ns: u64,
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
    /// Of the prompt, what was read from a prompt cache; as `input` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cached: Option<f64>,
    /// Of the prompt, what was written to one; as `input` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cache_write: Option<f64>,
    /// Of the answer, its reasoning; as `output` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning: Option<f64>,
}

/// Tokens that are paid for. `input` and `output` are all of them; the others are parts of these,
/// paid for at their own price
/// and at no other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TokenCounts {
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) cached: u64,
    pub(crate) cache_write: u64,
    pub(crate) reasoning: u64,
}

impl Price {
    /// Returns what tokens cost, in USD.
    pub(crate) fn usd(&self, tokens: &TokenCounts) -> f64 {
        let parts = tokens.cached.saturating_add(tokens.cache_write);
        let plain_input = tokens.input.saturating_sub(parts);
        let plain_output = tokens.output.saturating_sub(tokens.reasoning);
        let costs = [
            (plain_input, self.input),
            (tokens.cached, self.cached.unwrap_or(self.input)),
            (tokens.cache_write, self.cache_write.unwrap_or(self.input)),
            (plain_output, self.output),
            (tokens.reasoning, self.reasoning.unwrap_or(self.output)),
        ];
        costs
            .iter()
            .map(|(count, price)| *count as f64 * price)
            .sum::<f64>()
            / 1e6
    }
}

impl Counts {
    /// Returns the tokens that are paid for.
    pub(crate) const fn tokens(&self) -> TokenCounts {
        TokenCounts {
            input: self.tokens_in,
            output: self.tokens_out,
            cached: self.tokens_cached,
            cache_write: self.tokens_cache_write,
            reasoning: self.tokens_reasoning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// field 29: in dollars, by hand.
    #[test]
    fn each_kind_of_token_is_paid_for_once() {
        let plain = Price {
            input: 3.0,
            output: 15.0,
            cached: None,
            cache_write: None,
            reasoning: None,
        };
        let tokens = TokenCounts {
            input: 10_000,
            output: 2_000,
            cached: 6_000,
            cache_write: 1_000,
            reasoning: 500,
        };
        // 10,000 at 3 and 2,000 at 15 USD per million.
        assert!((plain.usd(&tokens) - 0.06).abs() < 1e-12);
        let apart = Price {
            cached: Some(0.3),
            cache_write: Some(3.75),
            reasoning: Some(20.0),
            ..plain
        };
        // 3,000 at 3; 6,000 at 0.3; 1,000 at 3.75; 1,500 at 15; 500 at 20.
        assert!((apart.usd(&tokens) - 0.04705).abs() < 1e-12);
        // A price of nothing is a price.
        let free = Price {
            cached: Some(0.0),
            ..plain
        };
        assert!((free.usd(&tokens) - 0.042).abs() < 1e-12);
    }
}
