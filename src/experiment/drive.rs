//! A load that is sent, with its progress shown.

use std::collections::BTreeMap;

use super::Experiment;
use crate::arrival::Until;
use crate::error::Result;
use crate::load::{Keep, LoadError, LoadPlan, LoadResult, Remarks, run};
use crate::measure::{Event, EventSink};
use crate::record::StageResult;

/// So many kinds of failures of a stage are told with an example; the figures hold them all.
const NAMED: usize = 20;

impl Experiment {
    /// Sends a load; its progress is shown under a kind and a name.
    pub(super) fn drive(
        &self,
        (kind, name): (&'static str, &str),
        plan: &LoadPlan,
        keep: &Keep,
    ) -> Result<LoadResult> {
        self.sink.emit(started(kind, name, plan));
        let send = || self.send(plan, self.sink.as_ref(), keep);
        Ok(tokio::task::block_in_place(send)?)
    }

    /// Sends a load. Secrets are struck out of what stages sent back: here it leaves the engine.
    pub(super) fn send(
        &self,
        plan: &LoadPlan,
        sink: &dyn EventSink,
        keep: &Keep,
    ) -> Result<LoadResult, LoadError> {
        let mut result = run(plan, sink, &self.interrupted, keep)?;
        self.redact(&mut result);
        Ok(result)
    }

    /// Says what the figures alone do not, and adds what failures look like to them.
    pub(super) fn tell_remarks(
        &self,
        remarks: &Remarks,
        stages: &mut BTreeMap<String, StageResult>,
    ) {
        for (stage, remarks) in &remarks.0 {
            let examples = remarks.examples.iter();
            let examples = examples.filter(|(_, detail)| !detail.is_empty());
            for (at, (failure, detail)) in examples.enumerate() {
                if at < NAMED {
                    self.note(format!("stage `{stage}`, {failure}: {detail}"));
                }
                if let Some(result) = stages.get_mut(stage) {
                    result.examples.insert(failure.to_string(), detail.clone());
                }
            }
            for doubt in &remarks.doubts {
                self.note(format!("stage `{stage}`, {doubt}"));
            }
        }
    }

    fn redact(&self, result: &mut LoadResult) {
        let secrets = self.project.secrets_that_are_set();
        let redact = |text: &str| secrets.redact_excerpts(text).into_owned();
        for remarks in result.remarks.0.values_mut() {
            for detail in remarks.examples.values_mut() {
                *detail = redact(detail);
            }
            let doubts = std::mem::take(&mut remarks.doubts);
            remarks.doubts = doubts.iter().map(|it| redact(it)).collect();
        }
        for stage in result.stages.values_mut() {
            let mut struck = BTreeMap::new();
            for (reason, times) in std::mem::take(&mut stage.finish_reasons) {
                *struck.entry(redact(&reason)).or_default() += times;
            }
            stage.finish_reasons = struck;
        }
    }
}

fn started(kind: &'static str, name: &str, plan: &LoadPlan) -> Event {
    Event::Started {
        kind,
        name: name.to_owned(),
        total: match plan.until {
            // How many turns its sessions have is not known before.
            Until::Requests(_) if plan.scenarios.iter().any(|it| it.cases.sessions.is_some()) => {
                None
            }
            Until::Requests(count) if plan.scenarios.iter().all(|it| it.share.is_some()) => {
                Some(count)
            }
            Until::Requests(count) => Some(count * plan.scenarios.len() as u64),
            Until::Duration(_) => None,
        },
        duration: match plan.until {
            Until::Requests(_) => None,
            Until::Duration(duration) => Some(duration),
        },
    }
}
