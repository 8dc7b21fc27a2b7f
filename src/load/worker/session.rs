//! One session under way: a conversation whose turns are sent one after another, each with what was
//! said before.

use serde_json::{Value, json};

use crate::load::id::ScenarioId;
use crate::load::plan::{LoadPlan, Sessions};
use crate::protocol::Reply;
use crate::template::Scope;

/// Bits of a session's owner number that say that it is not a user's.
const OWNER: u64 = 1 << 63;

/// A conversation that has begun.
pub(crate) struct Session {
    /// Its number in its worker, from which its connections are known.
    number: u64,
    /// Unique over runs; what a deployment that keeps sessions is told.
    id: String,
    /// The place of its cases among those of the plan.
    script: usize,
    /// The place of the present turn.
    turn: usize,
    /// What was said in the turns before, as messages.
    history: Vec<Value>,
    /// What the present turn says, once it has been written.
    said: Vec<Value>,
    /// Whether its first turn counts.
    pub(crate) measured: bool,
}

impl Session {
    /// Begins a session; `name` tells it from the others of the run.
    pub(crate) fn new(
        sessions: &Sessions,
        number: u64,
        name: &str,
        script: usize,
        measured: bool,
    ) -> Self {
        Self {
            number,
            id: format!("{:016x}-{name}", sessions.run),
            script,
            turn: 0,
            history: Vec::new(),
            said: Vec::new(),
            measured,
        }
    }

    /// Returns the case that the present turn sends.
    pub(crate) fn case(&self, sessions: &Sessions) -> usize {
        sessions.turns[self.script][self.turn]
    }

    /// Returns the number under which connections are kept for it.
    pub(crate) const fn owner(&self) -> u64 {
        OWNER | self.number
    }

    /// Returns what the templates of the present turn see, and keeps what the turn says for those
    /// after it.
    pub(crate) fn enter(&mut self, plan: &LoadPlan, scenario: ScenarioId) -> Scope {
        let (scenario, sessions) = (
            &plan.scenarios[scenario],
            plan.scenarios[scenario].cases.sessions.as_ref(),
        );
        let case = sessions.map_or(0, |sessions| self.case(sessions));
        let mut scope = scenario.cases.scopes[case].clone();
        // Of several steps, none knows how the turn as a whole reads as messages.
        let own = (scenario.steps.len() == 1).then(|| {
            let call = &plan.stages[scenario.steps[0]].call;
            call.says(&scope).ok().flatten()
        });
        self.said = own
            .flatten()
            .unwrap_or_else(|| vec![json!({"role": "user", "content": text_of(&scope.input)})]);
        scope.session = json!({
            "id": self.id,
            "turn": self.turn + 1,
            "history": self.history,
        });
        scope
    }

    /// Takes the answer to the present turn, `None` where it failed, and goes on to the next one;
    /// returns whether there is one.
    pub(crate) fn go_on(&mut self, sessions: &Sessions, reply: Option<&Reply>) -> Progress {
        let Some(reply) = reply else {
            return Progress::Failed;
        };
        self.history.append(&mut self.said);
        let text = reply.text.as_deref().unwrap_or_default();
        self.history
            .push(json!({"role": "assistant", "content": text}));
        self.turn += 1;
        if self.turn < sessions.turns[self.script].len() {
            Progress::Next
        } else {
            Progress::Finished
        }
    }
}

/// How a session stands after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Next,
    Finished,
    /// A turn failed: the next one would have nothing to refer to.
    Failed,
}

/// Returns the text of a case's input: itself, or the one text in its table; else the input as it
/// is.
fn text_of(input: &Value) -> &Value {
    let texts = |table: &'_ serde_json::Map<String, Value>| {
        table.values().filter(|value| value.is_string()).count()
    };
    match input {
        Value::Object(table) if texts(table) == 1 => table
            .values()
            .find(|value| value.is_string())
            .unwrap_or(input),
        _ => input,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_input_is_itself_or_the_only_one() {
        assert_eq!(text_of(&json!("hi")), "hi");
        assert_eq!(text_of(&json!({"question": "why?", "k": 5})), "why?");
        let two = json!({"a": "x", "b": "y"});
        assert_eq!(text_of(&two), &two);
    }
}
