//! Requests for cases: the steps before a stage are called once, untimed, and their outputs filled in.

use serde_json::{Value, json};

use super::error::PlanError;
use super::project::{Project, StageCall};
use crate::golden::Case;
use crate::protocol::Request;
use crate::stage::CallFailure;
use crate::template::{Scope, TemplateError};
use crate::transport::{Called, Client, MAX_BYTES};

/// Writes a stage's requests.
pub(crate) struct Caller<'a> {
    client: &'a Client,
    scope: Scope,
    stage: StageCall,
    steps: Vec<StageCall>,
}

/// What one probing call brought.
pub(crate) type Prober = Result<Called, CallFailure>;

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
    pub(crate) fn stage(&self) -> &StageCall {
        &self.stage
    }

    /// Returns what the templates of a case see, after calling the steps that the stage needs.
    pub(crate) async fn scope(&self, case: &Case) -> Result<Scope, PlanError> {
        let mut scope = self.scope.of(&case.input, &case.expected);
        for step in &self.steps {
            let failed = |reason| PlanError::Step {
                stage: self.stage.name.clone(),
                case: case.id.clone(),
                step: step.name.clone(),
                reason,
            };
            let request = step
                .call
                .request(&scope)
                .map_err(|error: TemplateError| failed(error.to_string()))?;
            let called = self
                .client
                .call(request, step.call.reader(), step.timeouts, MAX_BYTES)
                .await
                .map_err(|error| failed(self.scope.secrets.redact(&error.detail).into_owned()))?;
            scope
                .steps
                .insert(step.name.clone(), Value::Object(called.reply.outputs));
        }
        Ok(scope)
    }

    /// Writes the request for a case whose templates see that.
    pub(crate) fn write(&self, case: &Case, scope: &Scope) -> Result<Request, PlanError> {
        self.stage
            .call
            .request(scope)
            .map_err(|error| PlanError::Request {
                stage: self.stage.name.clone(),
                case: case.id.clone(),
                reason: error.to_string(),
            })
    }

    /// Writes the request for one case, after calling the steps that it needs.
    pub(crate) async fn request(&self, case: &Case) -> Result<Request, PlanError> {
        self.write(case, &self.scope(case).await?)
    }

    /// Calls the stage once for a case.
    pub(crate) async fn probe(&self, case: &Case) -> Result<Prober, PlanError> {
        let request = self.request(case).await?;
        let StageCall { call, timeouts, .. } = &self.stage;
        Ok(self
            .client
            .call(request, call.reader(), *timeouts, MAX_BYTES)
            .await)
    }

    /// Removes every secret from a text.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.scope.secrets.redact(text).into_owned()
    }
}
