//! One run of any kind: title, what was measured, warnings.

use serde_json::Value;

use super::super::block::{Block, Outcome, Title, Tone};
use super::super::format::{duration_s, number, plural, release, short_id};
use super::{eval, limit, load, profile, quality};
use crate::record::{RunKind, RunRecord, ValidityVerdict, VerdictKind};

/// Returns the content of a run.
pub(super) fn blocks(run: &RunRecord) -> Vec<Block> {
    let mut blocks = vec![Block::Title(title(run))];
    blocks.push(Block::Text(Tone::Faint, generator(run)));
    if let Some(eval) = &run.eval {
        blocks.extend(eval::blocks(eval));
    }
    if let Some(limit) = &run.limit {
        blocks.extend(limit::blocks(limit));
    }
    if let Some(profile) = &run.profile {
        blocks.extend(profile::blocks(profile));
    } else if !run.stages.is_empty() {
        blocks.extend(load::blocks(run));
    }
    if let Some(quality) = &run.quality {
        blocks.extend(quality::blocks(quality, run.stages.get(&quality.stage)));
    }
    if !run.runs.is_empty() {
        blocks.push(Block::Heading(plural(run.runs.len() as u64, "run")));
        blocks.push(Block::List(run.runs.clone()));
    }
    blocks.extend(run.warnings().into_iter().map(Block::Warning));
    blocks
}

fn title(run: &RunRecord) -> Title {
    let mut facts = vec![run.env.clone()];
    facts.extend(run.region.clone());
    facts.push(release(
        run.release.commit.as_deref(),
        run.release.tag.as_deref(),
        run.release.dirty,
    ));
    facts.push(duration_s(run.duration_s));
    facts.extend(rates(run));
    facts.push(validity(run.validity.verdict).to_owned());
    Title {
        outcome: outcome(run),
        name: format!("{} {}", run.kind.word(), run.name),
        facts,
    }
}

/// Returns how a run ended.
pub(super) fn outcome(run: &RunRecord) -> Outcome {
    match run.verdict {
        _ if !run.complete => Outcome::Interrupted,
        Some(VerdictKind::Passed) if !is_judged(run) => Outcome::Measured,
        Some(verdict) => Outcome::Judged(verdict),
        None => Outcome::Unmeasured,
    }
}

/// Returns whether anything could have failed the run but its failing altogether: an SLO, or a case
/// that must pass. The cases of a suite are judged by the gate's rules.
fn is_judged(run: &RunRecord) -> bool {
    let must_pass = run.plan.get("must_pass").and_then(Value::as_array);
    match run.kind {
        RunKind::Load => run.stages.values().any(|stage| !stage.slo.is_empty()),
        RunKind::Eval => must_pass.is_some_and(|cases| !cases.is_empty()),
        RunKind::Limit | RunKind::Profile | RunKind::Fault | RunKind::Gate => true,
    }
}

/// Says offered and achieved rate where there is one stage to say it of.
fn rates(run: &RunRecord) -> Option<String> {
    let mut stages = run.stages.values();
    let (stage, None) = (stages.next()?, stages.next()) else {
        return None;
    };
    let achieved = number(stage.achieved_rps);
    Some(match stage.offered_rps {
        Some(offered) => format!("offered {}/s, achieved {achieved}/s", number(offered)),
        None => format!("closed loop, achieved {achieved}/s"),
    })
}

const fn validity(verdict: ValidityVerdict) -> &'static str {
    match verdict {
        ValidityVerdict::Valid => "valid",
        ValidityVerdict::Degraded => "degraded",
        ValidityVerdict::Invalid => "INVALID",
    }
}

fn generator(run: &RunRecord) -> String {
    let mut facts = vec![format!("run {}", short_id(&run.id))];
    // A suite draws nothing at random.
    if run.kind != RunKind::Eval {
        facts.push(format!("seed {}", run.seed));
    }
    if let Some(generator) = &run.generator {
        if let Some(p99) = generator.schedule_lag_ms.and_then(|lag| lag.p99) {
            facts.push(format!("schedule lag p99 {} ms", number(p99)));
        }
        if generator.not_sent > 0 {
            facts.push(format!(
                "{} not sent",
                plural(generator.not_sent, "request")
            ));
        }
        facts.push(format!("cpu {} s", number(generator.cpu_s)));
        facts.push(format!("{} MB", number(generator.peak_rss_mb)));
    }
    facts.join(" · ")
}
