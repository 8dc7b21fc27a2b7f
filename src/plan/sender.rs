//! What a load sends to one target: cases become requests, names become stages with addresses.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::PlanError;
use super::prompts;
use super::requests::Caller;
use super::site::Site;
use crate::error::Result;
use crate::golden::Case;
use crate::load::{CaseSequence, Cases, Measured, Prepared, Scenario, Sessions, StageId};
use crate::manifest::{self, Load, Sends, ShareOfArrivals};
use crate::measure::Clock;
use crate::name::Name;
use crate::protocol::Request;
use crate::stage::{Address, Stage};
use crate::template::Scope;

/// What the scenarios of a load are made of that send the same.
pub(super) struct Sender<'a> {
    site: &'a Site<'a>,
    load: &'a Load,
    sends: &'a Sends,
    cases: Vec<Case>,
    /// Of the data, where there is any.
    digest: Option<String>,
    /// A number that no other run has.
    run: u64,
}

impl<'a> Sender<'a> {
    pub(super) fn new(site: &'a Site<'a>, load: &'a Load, sends: &'a Sends) -> Result<Self> {
        let (cases, digest) = match (&sends.data, &sends.prompts) {
            (Some(path), _) => {
                let golden = site.project.golden(path)?;
                (golden.cases, Some(golden.digest))
            }
            (None, Some(prompts)) => (prompts::cases(prompts, load.seed), None),
            (None, None) => (vec![Case::without_data()], None),
        };
        Ok(Self {
            site,
            load,
            sends,
            cases,
            digest,
            run: run_number(site.clock),
        })
    }

    pub(super) async fn scenario(&self, name: &str, stages: &mut Vec<Stage>) -> Result<Scenario> {
        match self.site.project.manifest.pipeline(name) {
            Some(pipeline) => self.pipeline(pipeline, stages).await,
            None => self.stage(name, stages).await,
        }
    }

    /// Makes a scenario one kind of user: with figures of its own, and its share of the arrivals.
    pub(super) fn make_scenario(
        &self,
        scenario: &mut Scenario,
        kind: &manifest::Scenario,
        share: ShareOfArrivals,
    ) -> Result<()> {
        let steps = self.site.project.manifest.steps_of(&kind.target).iter();
        let names = steps.map(Name::as_str).chain([kind.target.as_str()]);
        if let Some(cases) = Arc::get_mut(&mut scenario.cases)
            && cases.scopes.is_empty()
        {
            let scope = self.site.project.scope(names)?;
            let scopes = self.cases.iter();
            let scopes = scopes.map(|case| scope.of(&case.input, &case.expected));
            cases.scopes = scopes.collect();
        }
        scenario.share = Some(share);
        scenario.whole = Some(Measured {
            name: kind.name.to_string(),
            is_judged: false,
            ..self.measured(kind.target.as_str())
        });
        Ok(())
    }

    fn caller(&self, name: &str) -> Result<Caller<'_>> {
        let caller = Caller::new(self.site.project, self.site.client, name)?;
        Ok(match self.sends.sessions {
            Some(_) => caller.in_session(),
            None => caller,
        })
    }

    /// Resolves a stage that is called alone.
    async fn stage(&self, name: &str, stages: &mut Vec<Stage>) -> Result<Scenario> {
        let caller = self.caller(name)?;
        let (mut requests, mut scopes) = (Vec::new(), Vec::new());
        let mut address = None;
        for case in &self.cases {
            let scope = caller.scope(case).await?;
            if address.is_none() || self.sends.sessions.is_none() {
                let request = caller.write(case, &scope)?;
                address = Some(match address {
                    Some(known) => known,
                    None => caller.resolve(&request)?,
                });
                requests.push(self.prepared(name, case, &request)?);
            }
            if self.sends.sessions.is_some() {
                scopes.push(scope);
            }
        }
        if self.sends.sessions.is_some() {
            requests.clear();
        }
        let stage = at(&caller, address)?;
        let cases = self.cases(requests, scopes);
        Ok(Scenario {
            steps: vec![place(stage, stages)],
            of: name.to_owned(),
            sequence: self.sequence(&cases),
            whole: None,
            share: None,
            cases: Arc::new(cases),
        })
    }

    /// Resolves a pipeline. Only the first step's requests can be written before the run; each
    /// later step is resolved with the first case, after one untimed run of what comes before it.
    async fn pipeline(
        &self,
        pipeline: &manifest::Pipeline,
        stages: &mut Vec<Stage>,
    ) -> Result<Scenario> {
        let mut steps = Vec::new();
        let mut requests = Vec::new();
        for step in &pipeline.steps {
            let caller = self.caller(step.as_str())?;
            let mut address = None;
            let is_first = steps.is_empty();
            let ready = is_first && self.sends.sessions.is_none();
            let cases = if ready { self.cases.len() } else { 1 };
            for case in self.cases.iter().take(cases) {
                let scope = caller.scope(case).await?;
                let request = caller.write(case, &scope)?;
                if address.is_none() {
                    address = Some(caller.resolve(&request)?);
                }
                if ready {
                    requests.push(self.prepared(step.as_str(), case, &request)?);
                }
            }
            steps.push(place(at(&caller, address)?, stages));
        }
        let names = pipeline.steps.iter().map(Name::as_str);
        let scope = self
            .site
            .project
            .scope(names.chain([pipeline.name.as_str()]))?;
        let scopes = self.cases.iter();
        let scopes = scopes.map(|case| scope.of(&case.input, &case.expected));
        let cases = self.cases(requests, scopes.collect());
        Ok(Scenario {
            steps,
            of: pipeline.name.to_string(),
            sequence: self.sequence(&cases),
            whole: Some(self.measured(pipeline.name.as_str())),
            share: None,
            cases: Arc::new(cases),
        })
    }

    fn prepared(&self, stage: &str, case: &Case, request: &Request) -> Result<Prepared, PlanError> {
        Prepared::new(request, self.load.connections).map_err(|error| PlanError::Request {
            stage: stage.to_owned(),
            case: case.id.clone(),
            reason: error.detail,
        })
    }

    /// Returns the figures of a stage or pipeline.
    fn measured(&self, name: &str) -> Measured {
        match self.site.project.stage(name) {
            Ok(stage) => Measured::of(&stage),
            Err(_) => Measured {
                name: name.to_owned(),
                slo: Vec::new(),
                is_judged: true,
                cost: None,
                owner: self.site.project.manifest.owner(name).map(str::to_owned),
            },
        }
    }

    fn sequence(&self, cases: &Cases) -> CaseSequence {
        let weight = |case: &Case| case.weight.unwrap_or(1.0);
        let weights: Vec<f64> = match &cases.sessions {
            // A session is as likely as its first turn.
            Some(sessions) => {
                let first = sessions.turns.iter().filter_map(|turns| turns.first());
                first.map(|case| weight(&self.cases[*case])).collect()
            }
            None => self.cases.iter().map(weight).collect(),
        };
        CaseSequence::new(self.sends.order, &weights)
    }

    fn cases(&self, requests: Vec<Prepared>, scopes: Vec<Scope>) -> Cases {
        let sessions = self.sends.sessions.map(|sessions| Sessions {
            turns: turns(&self.cases),
            think_time: sessions.think_time,
            run: self.run,
        });
        Cases {
            ids: self.cases.iter().map(|case| case.id.clone()).collect(),
            digest: self.digest.clone(),
            requests,
            scopes,
            sessions,
        }
    }
}

/// Returns a number that no other run has: sessions that a deployment still knows are never taken
/// up again.
fn run_number(clock: &Clock) -> u64 {
    let nanos = clock.now().as_nanosecond() as u64;
    nanos.rotate_left(20) ^ u64::from(std::process::id())
}

/// Returns the numbers of the cases of each session: those of one group, in the order of the data;
/// a case without a group is a session of one turn.
fn turns(cases: &[Case]) -> Vec<Vec<usize>> {
    let mut turns: Vec<Vec<usize>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, case) in cases.iter().enumerate() {
        let known = case.group.as_deref().and_then(|group| places.get(group));
        if let Some(place) = known {
            turns[*place].push(number);
            continue;
        }
        if let Some(group) = &case.group {
            places.insert(group, turns.len());
        }
        turns.push(vec![number]);
    }
    turns
}

/// Returns the number of a stage; several kinds of users may call the same one.
fn place(stage: Stage, stages: &mut Vec<Stage>) -> StageId {
    let known = stages.iter().position(|it| it.name == stage.name);
    StageId(known.unwrap_or_else(|| {
        stages.push(stage);
        stages.len() - 1
    }))
}

/// Returns a stage whose address has been looked up.
fn at(caller: &Caller<'_>, address: Option<Address>) -> Result<Stage, PlanError> {
    let stage = caller.stage().clone();
    match address {
        Some(address) => Ok(Stage { address, ..stage }),
        None => Err(PlanError::NoCase { stage: stage.name }),
    }
}
