//! `finish_reason`: why the model stopped, as it said.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::{Assertion, Check, Parsed, Scored, Subject};
use crate::manifest::{KindTable, Problems};
use crate::name::Name;
use crate::registry::Entry;

pub(super) struct FinishReason;

impl Entry for FinishReason {
    fn name(&self) -> &'static str {
        "finish_reason"
    }

    fn summary(&self) -> &'static str {
        "The model stopped for this reason, or for one of these"
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: Option<Name>,
    /// As the model's API has it: `stop`, `length`, `content_filter`, `tool_calls`; `end_turn`,
    /// `max_tokens`, `tool_use`.
    value: OneOrMany,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected a reason such as `stop`, or a list of them"
)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// The reasons that are right; never empty.
#[derive(Debug)]
struct Reasons(Vec<String>);

impl Assertion for FinishReason {
    fn is_yes_or_no(&self) -> bool {
        true
    }

    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Parsed> {
        let spec: Spec = table.parse(problems)?;
        let reasons = match spec.value {
            OneOrMany::One(reason) => vec![reason],
            OneOrMany::Many(reasons) => reasons,
        };
        if reasons.is_empty() {
            let message = format!("`value` of {} is empty: no reason is in it", table.what());
            let help = "Name a reason, as in `value = \"stop\"`.".to_owned();
            problems.at(table.span_of("value"), message, Some(help));
            return None;
        }
        Some(Parsed {
            name: spec.name,
            check: Box::new(Reasons(reasons)),
        })
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }
}

impl Check for Reasons {
    fn score(&self, subject: &Subject<'_>) -> Scored {
        let Some(reason) = &subject.reply.finish_reason else {
            return Scored::Unscored("the answer does not say why the model stopped".to_owned());
        };
        Scored::binary(self.0.contains(reason), || {
            format!(
                "stopped by `{reason}`, expected `{}`",
                self.0.join("` or `")
            )
        })
    }

    fn score_negated(&self, subject: &Subject<'_>) -> Scored {
        match (self.score(subject), &subject.reply.finish_reason) {
            (Scored::Score { passed, .. }, Some(reason)) => {
                Scored::binary(!passed, || format!("stopped by `{reason}`"))
            }
            (unscored, _) => unscored,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{check, passed, problems, scope, subject, why};
    use super::*;
    use crate::protocol::Reply;

    fn on(toml: &str, reason: Option<&str>) -> (Scored, Scored) {
        let reply = Reply {
            finish_reason: reason.map(str::to_owned),
            ..Reply::default()
        };
        let scope = scope(json!(null));
        let (check, subject) = (check("finish_reason", toml), subject(&scope, &reply));
        (check.score(&subject), check.score_negated(&subject))
    }

    /// field 27
    #[test]
    fn a_reason_is_one_of_those_named_or_not() {
        let (right, not) = on("value = 'stop'", Some("stop"));
        assert!(passed(&right) && !passed(&not));
        assert_eq!(why(&not), "stopped by `stop`");
        let (wrong, not) = on("value = ['stop', 'tool_calls']", Some("length"));
        assert!(!passed(&wrong) && passed(&not));
        assert_eq!(
            why(&wrong),
            "stopped by `length`, expected `stop` or `tool_calls`"
        );
        assert!(passed(
            &on("value = ['stop', 'tool_calls']", Some("tool_calls")).0
        ));
    }

    #[test]
    fn without_a_reason_it_is_unscored_in_both_forms() {
        let (score, not) = on("value = 'stop'", None);
        assert!(matches!(score, Scored::Unscored(_)) && matches!(not, Scored::Unscored(_)));
        for wrong in ["", "value = []", "value = 3", "value = 'stop'\nmin = 1"] {
            assert_eq!(problems("finish_reason", wrong).len(), 1, "{wrong}");
        }
    }
}
