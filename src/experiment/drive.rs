//! A load that is sent, with its progress shown.

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
        Ok(tokio::task::block_in_place(run)?)
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
