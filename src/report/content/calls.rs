//! What the figures of a load do not say by themselves: how its requests were sent, one line a
//! fact.

use std::collections::BTreeMap;

use super::super::block::{Block, Tone};
use super::super::format::{count, plural};
use super::super::text::{clean, cut};
use crate::record::{StageResult, Tokens};

/// How much of an example is shown, in characters.
const EXAMPLE: usize = 300;

/// So many finish reasons are shown, each of at most so many columns: a server may send any.
const REASONS: usize = 8;
const REASON: usize = 60;

/// Returns the lines that have something to say.
pub(super) fn blocks(stages: &BTreeMap<String, StageResult>) -> Vec<Block> {
    let lines = stages.iter().flat_map(|(name, stage)| lines(name, stage));
    lines.map(|line| Block::Text(Tone::Faint, line)).collect()
}

fn lines(name: &str, stage: &StageResult) -> Vec<String> {
    let examples = stage.examples.iter();
    let mut lines: Vec<String> = examples
        .map(|(failure, example)| format!("{name}, {failure}: {}", cut(&clean(example), EXAMPLE)))
        .collect();
    if stage.resent > 0 {
        lines.push(format!(
            "{name}: {} sent a second time, on a new connection: the server had closed the one in use",
            plural(stage.resent, "request")
        ));
    }
    if stage.finish_reasons.keys().any(|reason| !is_whole(reason)) {
        lines.push(format!("{name}: {}", reasons(&stage.finish_reasons)));
    }
    lines.extend(stage.tokens.as_ref().and_then(|tokens| kinds(name, tokens)));
    lines
}

/// Says why models stopped, the most frequent reason first.
pub(super) fn reasons(finish_reasons: &BTreeMap<String, u64>) -> String {
    let mut reasons: Vec<(&String, &u64)> = finish_reasons.iter().collect();
    reasons.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
    let more = reasons.len().saturating_sub(REASONS);
    let reasons = reasons.into_iter().take(REASONS);
    let mut reasons: Vec<String> = reasons
        .map(|(reason, times)| format!("{} {}", count(*times), cut(&clean(reason), REASON)))
        .collect();
    reasons.extend((more > 0).then(|| format!("and {more} more")));
    format!("finish reasons: {}", reasons.join(", "))
}

/// Returns whether a model that stopped for this reason had said all it had to say.
pub(super) fn is_whole(reason: &str) -> bool {
    matches!(reason, "stop" | "end_turn" | "completed")
}

/// Says what kinds of tokens there were, where there is more than one.
fn kinds(name: &str, tokens: &Tokens) -> Option<String> {
    let part = |times: u64, what: &str| (times > 0).then(|| format!("{} {what}", count(times)));
    let of = |parts: Vec<Option<String>>| {
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            String::new()
        } else {
            format!(" ({})", parts.join(", "))
        }
    };
    let input = of(vec![
        part(tokens.cached, "from a cache"),
        part(tokens.cache_write, "written to one"),
    ]);
    let output = of(vec![part(tokens.reasoning, "of reasoning")]);
    (!input.is_empty() || !output.is_empty()).then(|| {
        let (all_in, all_out) = (count(tokens.input), count(tokens.output));
        format!("{name}: tokens: {all_in} in{input}, {all_out} out{output}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// security 12
    #[test]
    fn of_many_finish_reasons_the_most_frequent_are_shown() {
        let many = (0..1000).map(|at| (format!("{at}{}", "x".repeat(900)), at));
        let text = reasons(&many.collect());
        assert!(text.starts_with("finish reasons: 999 999xxx"), "{text}");
        assert!(text.ends_with(", and 992 more"), "{text}");
        assert!(text.chars().count() < 700);
    }
}
