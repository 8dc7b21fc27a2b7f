//! The steps of a pipeline, one after another: what each of them sees, and what the whole brings.
//! Calling them is the caller's.

use serde_json::Value;

use super::Stage;
use crate::protocol::Reply;
use crate::template::Scope;

/// One case on its way through the steps of a pipeline, or through the steps before a stage.
#[derive(Clone)]
pub(crate) struct Steps {
    /// What the present step's request is made of: the case, and what came back before.
    scope: Scope,
    /// How many steps had been answered before the first of these.
    given: usize,
    /// How many of these have been answered: the place of the present one.
    done: usize,
}

impl Steps {
    /// Sets out with what the templates of a case see.
    pub(crate) fn new(scope: Scope) -> Self {
        Self {
            given: scope.steps.len(),
            done: 0,
            scope,
        }
    }

    /// Returns what the templates of the present step see.
    pub(crate) const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns the place of the present step, the first being 0.
    pub(crate) const fn place(&self) -> usize {
        self.done
    }

    /// Takes what the present step brought, which the next ones see under its name.
    pub(crate) fn go_on(&mut self, step: &Stage, reply: &Reply) {
        let outputs = Value::Object(reply.outputs.clone());
        self.scope.steps.insert(step.name.clone(), outputs);
        self.done += 1;
    }

    /// Returns what the whole brings: what its last step says, and what only an earlier one knows.
    pub(crate) fn whole(&self, last: Reply) -> Reply {
        last.with_outputs_of(self.scope.steps.values().skip(self.given))
    }

    /// Returns what the templates of whatever comes after see.
    pub(crate) fn into_scope(self) -> Scope {
        self.scope
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stage::testing;

    fn stage(name: &str) -> Stage {
        Stage {
            name: name.to_owned(),
            ..testing::http("")
        }
    }

    fn reply(outputs: Value) -> Reply {
        let Value::Object(outputs) = outputs else {
            panic!("outputs have names");
        };
        Reply {
            outputs,
            ..Reply::default()
        }
    }

    #[test]
    fn a_step_sees_those_before_it_and_the_whole_has_what_only_they_know() {
        let mut scope = Scope::default();
        scope.steps.insert(
            "given".to_owned(),
            json!({"text": "not of the pipeline", "k": 1}),
        );
        let mut steps = Steps::new(scope);
        assert_eq!(steps.place(), 0);
        steps.go_on(&stage("a"), &reply(json!({"ids": ["x"], "text": "first"})));
        steps.go_on(&stage("b"), &reply(json!({"ids": ["y"]})));
        assert_eq!(steps.place(), 2);
        assert_eq!(steps.scope().steps["a"]["ids"], json!(["x"]));
        assert_eq!(steps.scope().steps["given"]["k"], 1);
        let whole = steps.whole(reply(json!({"score": 3})));
        assert_eq!(whole.text.as_deref(), Some("first"));
        assert_eq!(
            Value::Object(whole.outputs),
            json!({"score": 3, "ids": ["y"], "text": "first"})
        );
    }
}
