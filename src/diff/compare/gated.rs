//! What decides about a latency in a gate: the head's session beside those of the base, or the
//! rounds in which both were measured in turns.

use super::measured::{Evidence, Measured, Stages, Units};
use crate::diff::context::Context;
use crate::diff::sessions::{GatedBy, OfLoad};
use crate::diff::wording::{count, percent};
use crate::metric::{Figure, LatencyMetric, Metric, Stat};
use crate::record::{ROUNDS_MISSING, Round, RunRecord};
use crate::stats::{MIN_SESSIONS, Prediction, Rounds, geometric_mean};

/// What the latencies of one run of the head are held against.
pub(super) enum Beside<'a> {
    Sessions(OfLoad<'a>),
    /// The rounds of the base and of the head, one beside the other, and the level of a decision.
    Rounds(&'a [Round], &'a [Round], f64),
}

impl<'a> Beside<'a> {
    /// Returns that of a head's run and the base's; `None` where latencies are only shown.
    pub(super) fn new(
        base: Option<&'a RunRecord>,
        head: &'a RunRecord,
        context: &'a Context<'_>,
    ) -> Option<Self> {
        match &context.latency.by {
            GatedBy::Nothing => None,
            GatedBy::Sessions(sessions) => Some(Self::Sessions(sessions.of(head))),
            GatedBy::Rounds => {
                let base = base.map_or(&[][..], |base| &base.rounds);
                Some(Self::Rounds(base, &head.rounds, context.latency.alpha))
            }
        }
    }

    /// Puts a latency beside what it is held against, where there is enough of it; returns a
    /// sentence about how much there is.
    pub(super) fn put(&self, stage: &str, measured: &mut Measured) -> Option<String> {
        let Metric::Load {
            figure: Figure::Latency(latency, stat),
            ..
        } = measured.metric
        else {
            return None;
        };
        match self {
            Self::Sessions(sessions) => Some(beside(sessions, (stage, latency, stat), measured)),
            Self::Rounds(base, head, alpha) => Some(in_turns(
                (base, head, *alpha),
                (stage, latency, stat),
                measured,
            )),
        }
    }
}

/// One latency of one stage.
type Of<'a> = (&'a str, LatencyMetric, Stat);

/// Puts a latency of the head beside the sessions of the base.
fn beside(sessions: &OfLoad<'_>, of: Of<'_>, measured: &mut Measured) -> String {
    let base: Vec<f64> = sessions
        .alike
        .iter()
        .filter_map(|run| of_session(run, of))
        .collect();
    let (has, known) = (sessions.alike.len(), base.len());
    measured.units = Some(Units::sessions(has));
    let head = sessions.head.and_then(|run| of_session(run, of));
    let says = match head.and_then(|head| Prediction::new(&base, head)) {
        Some(prediction) => {
            measured.alone_in_evidence = head;
            measured.evidence = Evidence::Sessions(prediction);
            // What was said of the interval of two runs.
            measured.notes.clear();
            format!("beside {has} sessions of the base")
        }
        None if has < MIN_SESSIONS => format!("{has} of {MIN_SESSIONS} base sessions"),
        None if known < MIN_SESSIONS => {
            let key = of.2.key();
            let why = format!("only {known} of {has} sessions of the base have a {key}");
            measured.missing.get_or_insert_with(|| why.clone());
            why
        }
        None => format!("{has} sessions of the base"),
    };
    let unlike = match sessions.unlike {
        0 => String::new(),
        unlike => format!(
            ", without {} of another workload or machine",
            count(unlike, "session")
        ),
    };
    says + &unlike
}

/// Returns a latency of one session: of several rounds the mean of their logarithms.
fn of_session(run: &RunRecord, of: Of<'_>) -> Option<f64> {
    if run.rounds.is_empty() {
        return of_stages(&run.stages, of);
    }
    let rounds = run.rounds.iter();
    let all: Option<Vec<f64>> = rounds.map(|it| of_stages(&it.stages, of)).collect();
    Some(geometric_mean(&all?))
}

fn of_stages(stages: &Stages, (stage, latency, stat): Of<'_>) -> Option<f64> {
    let summary = stages.get(stage)?.metrics.get(&latency)?;
    summary.stat(stat).filter(|value| *value > 0.0)
}

/// Puts the rounds of both sides side by side.
fn in_turns(
    (base, head, alpha): (&[Round], &[Round], f64),
    of: Of<'_>,
    measured: &mut Measured,
) -> String {
    let has = base.len().min(head.len());
    let units = Units::rounds(has, alpha);
    measured.units = Some(units);
    let known = |side: &[Round]| -> Result<Vec<f64>, usize> {
        let numbered = (1..).zip(&side[..has]);
        numbered
            .map(|(number, round)| of_stages(&round.stages, of).ok_or(number))
            .collect()
    };
    let sides = match (known(base), known(head)) {
        (Ok(base), Ok(head)) => Ok((base, head)),
        (Err(round), _) => Err(("base", round)),
        (_, Err(round)) => Err(("head", round)),
    };
    let (base, head) = match sides {
        Ok(sides) => sides,
        Err((side, round)) => {
            let why = format!("round {round} of the {side} has no {}", of.2.key());
            if let Evidence::Shown { method, .. } = &mut measured.evidence {
                *method = ROUNDS_MISSING;
            }
            measured.missing.get_or_insert_with(|| why.clone());
            return why;
        }
    };
    let head_mean = geometric_mean(&head);
    let pairs: Vec<(f64, f64)> = base.into_iter().zip(head).collect();
    let rounds = Rounds::new(&pairs).filter(|_| units.suffice());
    let Some(rounds) = rounds else {
        let why = format!("{has} of {} rounds", units.needs);
        measured.missing.get_or_insert_with(|| why.clone());
        return why;
    };
    let says = [
        Some(format!("in {has} rounds")),
        clipped(&rounds),
        alike(&rounds),
    ];
    let says: Vec<String> = says.into_iter().flatten().collect();
    measured.alone_in_evidence = Some(head_mean);
    measured.evidence = Evidence::Rounds(Box::new(rounds));
    measured.notes.clear();
    says.join("; ")
}

/// Names the rounds that were pulled in.
fn clipped(rounds: &Rounds) -> Option<String> {
    let numbers: Vec<String> = rounds.clipped.iter().map(ToString::to_string).collect();
    let rest = match numbers.len() {
        0 => return None,
        1 => "stood out and was pulled in",
        _ => "stood out and were pulled in",
    };
    let plain = rounds.plain_change();
    let sign = if plain < 0.0 { "−" } else { "+" };
    Some(format!(
        "of these {} {rest} ({sign}{} without that)",
        numbers.join(", "),
        percent(plain.abs())
    ))
}

fn alike(rounds: &Rounds) -> Option<String> {
    let memory = rounds.memory()?;
    Some(format!(
        "neighbouring rounds are alike (correlation {memory:.1}), so that the verdict may come too easily"
    ))
}
