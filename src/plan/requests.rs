//! Requests for cases: the steps before a stage are called once, untimed, and their outputs filled
//! in. What a caller has to say holds no secret.

use serde_json::json;

use super::error::PlanError;
use super::project::Project;
use crate::golden::Case;
use crate::protocol::{CallFailure, Request};
use crate::stage::{Address, AddressError, Stage, Steps, Unwritable};
use crate::template::Scope;
use crate::transport::{Called, Client};

/// Writes a stage's requests.
pub(crate) struct Caller<'a> {
    client: &'a Client,
    scope: Scope,
    stage: Stage,
    steps: Vec<Stage>,
}

impl<'a> Caller<'a> {
    /// Makes the caller of one stage; the secrets that it and its steps need must be set.
    pub(crate) fn new(
        project: &Project,
        client: &'a Client,
        stage: &str,
    ) -> crate::error::Result<Self> {
        let stage = project.stage(stage)?;
        let steps = project.steps_before(&stage)?;
        let names = steps
            .iter()
            .map(|step| step.name.as_str())
            .chain([stage.name.as_str()]);
        let scope = project.scope(names)?;
        Ok(Self {
            client,
            scope,
            stage,
            steps,
        })
    }

    /// Calls the stage as in the first turn of a session.
    #[must_use]
    pub(crate) fn in_session(mut self) -> Self {
        self.scope.session = json!({"id": "first", "turn": 1, "history": []});
        self
    }

    /// Returns the stage.
    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Returns what the templates of a case see, after calling the steps that the stage needs.
    pub(crate) async fn scope(&self, case: &Case) -> Result<Scope, PlanError> {
        let mut steps = Steps::new(self.scope.of(&case.input, &case.expected));
        for step in &self.steps {
            let failed = |failure: CallFailure| PlanError::Step {
                stage: self.stage.name.clone(),
                case: case.id.clone(),
                step: step.name.clone(),
                reason: self.redacted(failure).detail,
            };
            let request = step.request(steps.scope()).map_err(failed)?;
            let call = self.client.call_patiently(step, &request, &case.id);
            let called = call.await.outcome.map_err(failed)?;
            steps.go_on(step, &called.reply);
        }
        Ok(steps.into_scope())
    }

    /// Writes the request for a case whose templates see that.
    pub(crate) fn write(&self, case: &Case, scope: &Scope) -> Result<Request, PlanError> {
        self.stage.write(scope).map_err(|unwritable| {
            let (stage, reason) = (
                self.stage.name.clone(),
                self.redact(&unwritable.to_string()),
            );
            match unwritable {
                Unwritable::HeaderValue(_) => PlanError::Header { stage, reason },
                Unwritable::Template(_) => PlanError::Request {
                    stage,
                    case: case.id.clone(),
                    reason,
                },
            }
        })
    }

    /// Writes the request for one case, after calling the steps that it needs.
    pub(crate) async fn request(&self, case: &Case) -> Result<Request, PlanError> {
        self.write(case, &self.scope(case).await?)
    }

    /// Calls the stage once for a case; the outer error is that nothing could be sent.
    pub(crate) async fn probe(
        &self,
        case: &Case,
    ) -> Result<Result<Called, CallFailure>, PlanError> {
        let request = self.request(case).await?;
        let called = self.client.call(&self.stage, request).await;
        Ok(called.map_err(|failure| self.redacted(failure)))
    }

    fn redacted(&self, failure: CallFailure) -> CallFailure {
        CallFailure {
            detail: self
                .scope
                .secrets
                .redact_excerpts(&failure.detail)
                .into_owned(),
            ..failure
        }
    }

    /// Resolves the address of a request.
    pub(crate) fn resolve(&self, request: &Request) -> Result<Address, PlanError> {
        let stage = self.stage.name.clone();
        Address::resolve(request).map_err(|error| match error {
            AddressError::Resolve { host, reason } => PlanError::Resolve {
                stage,
                host: self.redact(&host),
                reason: self.redact(&reason),
            },
            AddressError::Tls { reason } => PlanError::Tls {
                stage,
                reason: self.redact(&reason),
            },
        })
    }

    /// Removes every secret from what the stage sent.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.scope.secrets.redact(text).into_owned()
    }
}
