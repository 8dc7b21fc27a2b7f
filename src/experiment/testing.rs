//! Results of loads that nobody sent, and the surroundings of a run in a folder of its own.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{Experiment, Surroundings};
use crate::load::{LoadResult, Remarks};
use crate::measure::{Clock, Event, EventSink};
use crate::metric::{Figure, LatencyMetric, Stat};
use crate::plan::{Chosen, Project};
use crate::record::{Generator, SloResult, StageResult, Validity, ValidityVerdict};

/// Returns the result of a complete and valid load of 5 s.
pub(super) fn result(stages: impl IntoIterator<Item = (&'static str, StageResult)>) -> LoadResult {
    let stages = stages.into_iter();
    LoadResult {
        stages: stages.map(|(name, it)| (name.to_owned(), it)).collect(),
        validity: Validity::default(),
        generator: Generator {
            schedule_lag_ms: None,
            receive_lag_ms: None,
            not_sent: 0,
            cpu_s: 0.0,
            peak_rss_mb: 0.0,
            calibration: None,
        },
        start: 0,
        duration_s: 5.0,
        complete: true,
        over_budget: None,
        by_chunks: 0,
        never_reached: false,
        remarks: Remarks::default(),
        captured: Vec::new(),
        traces: Vec::new(),
    }
}

/// Returns what the generator says of itself that could not keep up.
pub(super) fn invalid() -> Validity {
    Validity {
        verdict: ValidityVerdict::Invalid,
        reasons: vec!["too late".to_owned()],
    }
}

/// Returns an SLO on the 95th percentile of the response time, in ms, judged.
pub(super) fn slo(limit: f64, value: Option<f64>, met: Option<bool>) -> SloResult {
    SloResult {
        metric: Figure::Latency(LatencyMetric::ResponseTime, Stat::P95),
        limit,
        value,
        met,
        above: None,
    }
}

/// What was said.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<Event>>>);

impl Heard {
    pub(super) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }
}

impl EventSink for Heard {
    fn emit(&self, event: Event) {
        self.0.emit(event);
    }
}

/// Returns an experiment in that folder with one stage, at noon of 24 November 2026.
pub(super) fn experiment(folder: &Path) -> (Experiment, Heard) {
    let manifest = folder.join("stagegate.toml");
    let text = "version = 1\n[stage.api]\nkind = \"http\"\nurl = \"http://localhost/\"\n";
    std::fs::write(&manifest, text).unwrap();
    let project = Project::open(&Chosen {
        manifest,
        ..Chosen::default()
    });
    let heard = Heard::default();
    let surroundings = Surroundings {
        clock: Clock::manual("2026-11-24T12:00:00Z".parse().unwrap()),
        sink: Box::new(heard.clone()),
        interrupted: Arc::default(),
        owed: crate::group::Owed::default(),
        overrides: Vec::new(),
        typed: String::new(),
    };
    let experiment = Experiment::new(Arc::new(project.unwrap()), surroundings);
    (experiment.unwrap(), heard)
}
