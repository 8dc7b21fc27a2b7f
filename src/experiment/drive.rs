//! A load that is sent, with its progress shown.

use std::collections::BTreeMap;

use super::Experiment;
use crate::arrival::Until;
use crate::error::Result;
use crate::load::{Keep, LoadPlan, LoadResult, run};
use crate::measure::Event;

impl Experiment {
    /// Sends a load; its progress is shown under a kind and a name.
    pub(super) fn drive(
        &self,
        (kind, name): (&'static str, &str),
        plan: &LoadPlan,
        keep: &Keep,
    ) -> Result<LoadResult> {
        self.sink.emit(started(kind, name, plan));
        let run = || run(plan, self.sink.as_ref(), &self.interrupted, keep);
        let mut result = tokio::task::block_in_place(run)?;
        self.redact(&mut result);
        Ok(result)
    }

    /// Strikes secrets out of what stages sent back: here it leaves the engine.
    fn redact(&self, result: &mut LoadResult) {
        let secrets = self.project.secrets_that_are_set();
        let redact = |text: &str| secrets.redact_excerpts(text).into_owned();
        for detail in result.examples.values_mut().flat_map(BTreeMap::values_mut) {
            *detail = redact(detail);
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
