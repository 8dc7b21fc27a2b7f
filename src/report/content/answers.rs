//! What the answers of a load held besides what was wanted: nothing, or a refusal.

use std::collections::BTreeMap;

use super::super::block::{Block, Tone};
use super::super::format::count;
use crate::record::StageResult;

/// Says how many answers were empty, and in how many the model refused; `None` where there were
/// neither.
pub(super) fn block(stages: &BTreeMap<String, StageResult>) -> Option<Block> {
    let mut said = Vec::new();
    for (name, stage) in stages {
        let ended = stage.ok + stage.failed;
        let told = [
            (stage.empty, ended, "answers were empty"),
            (stage.refusals, stage.ok, "ok answers were refusals"),
        ];
        for (number, of, what) in told {
            if let Some(number) = number {
                said.push(format!("{name}: {} of {} {what}", count(number), count(of)));
            }
        }
    }
    let tone = Tone::Doubt;
    (!said.is_empty()).then(|| Block::Text(tone, said.join("; ")))
}
