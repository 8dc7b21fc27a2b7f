//! `json_path`: a JSONPath (RFC 9535) selects something in the answer, or selects this value.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;
use serde_json_path::JsonPath as Path;

use super::same::same;
use super::value::{show, text};
use super::{Assertion, Check, Parsed, Scored, Subject};
use crate::manifest::{KindTable, Problems};
use crate::name::Name;
use crate::registry::Entry;
use crate::template::ValueTemplate;

pub(super) struct JsonPath;

impl Entry for JsonPath {
    fn name(&self) -> &'static str {
        "json_path"
    }

    fn summary(&self) -> &'static str {
        "The JSONPath `path` selects something in the answer, and with `value` that value"
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: Option<Name>,
    path: String,
    value: Option<ValueTemplate>,
}

#[derive(Debug)]
struct Ready {
    path: Path,
    written: String,
    value: Option<ValueTemplate>,
}

impl Assertion for JsonPath {
    fn is_yes_or_no(&self) -> bool {
        true
    }

    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Parsed> {
        let spec: Spec = table.parse(problems)?;
        let path = match Path::parse(&spec.path) {
            Ok(path) => path,
            Err(error) => {
                problems.at(
                    table.span_of("path"),
                    format!(
                        "{}: `{}` is not a JSONPath: {}",
                        table.what(),
                        spec.path,
                        error.message()
                    ),
                    Some("Write a JSONPath as in RFC 9535, such as `$.hits[*].id`.".to_owned()),
                );
                return None;
            }
        };
        let ready = Ready {
            path,
            written: spec.path,
            value: spec.value,
        };
        Some(Parsed {
            name: spec.name,
            check: Box::new(ready),
        })
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }
}

impl Check for Ready {
    fn score(&self, subject: &Subject<'_>) -> Scored {
        let Subject { scope, reply, .. } = subject;
        let answer = reply.text.as_deref().unwrap_or_default();
        let parsed: Option<Value> = serde_json::from_str(answer).ok();
        // First the whole body, then the text in it: the answer of a chat model is JSON inside JSON.
        let readable = || reply.body.iter().chain(&parsed);
        if readable().next().is_none() {
            return Scored::binary(false, || format!("{} is not JSON", show(answer)));
        }
        let found = readable()
            .map(|body| self.path.query(body).all())
            .find(|found| !found.is_empty());
        let Some(found) = found else {
            return Scored::binary(false, || format!("`{}` selects nothing", self.written));
        };
        let Some(value) = &self.value else {
            return Scored::binary(true, String::new);
        };
        let wanted = match value.value(scope) {
            Ok(wanted) => wanted,
            Err(error) => return Scored::Unscored(error.to_string()),
        };
        // A path that selects several places is compared with an array as a whole, else one of them must be the value.
        let whole = wanted.as_array().is_some_and(|wanted| {
            wanted.len() == found.len() && wanted.iter().zip(&found).all(|(a, b)| same(a, b))
        });
        let equal = whole || found.iter().any(|found| same(found, &wanted));
        Scored::binary(equal, || {
            let found: Vec<String> = found.iter().map(|found| show(&text(found))).collect();
            format!(
                "`{}` selects {}, not {}",
                self.written,
                found.join(", "),
                show(&text(&wanted))
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{check, on_text, passed, problems, scope, subject, why};
    use crate::protocol::Reply;

    const BODY: &str = r#"{"hits": [{"id": "a", "n": 1}, {"id": "b", "n": null}], "ok": true}"#;

    #[test]
    fn a_path_selects_something_or_the_value() {
        let run = |toml: &str| on_text("json_path", toml, json!({"id": "b", "n": 1.0}), BODY);
        for holds in [
            "path = '$.ok'",
            "path = '$.hits[1].n'",
            "path = '$.ok'\nvalue = true",
            "path = '$.hits[*].id'\nvalue = '{{ expected.id }}'",
            "path = '$.hits[*].id'\nvalue = ['a', 'b']",
            "path = '$.hits[0].n'\nvalue = '{{ expected.n }}'",
        ] {
            assert!(passed(&run(holds)), "{holds}");
        }
        let texts = [
            ("path = '$.none'", "`$.none` selects nothing"),
            (
                "path = '$.ok'\nvalue = 'true'",
                "`$.ok` selects `true`, not `true`",
            ),
            (
                "path = '$.hits[*].id'\nvalue = 'c'",
                "`$.hits[*].id` selects `a`, `b`, not `c`",
            ),
        ];
        for (toml, reason) in texts {
            assert_eq!(why(&run(toml)), reason);
        }
    }

    #[test]
    fn the_parsed_body_goes_before_the_text() {
        let reply = Reply {
            text: Some("not JSON".to_owned()),
            body: Some(json!({"a": 1})),
            ..Reply::default()
        };
        let check_a = check("json_path", "path = '$.a'\nvalue = 1");
        assert!(passed(
            &check_a.score(&subject(&scope(json!(null)), &reply))
        ));
        let inside = Reply {
            text: Some(r#"{"b": 2}"#.to_owned()),
            ..reply
        };
        assert!(passed(
            &check_a.score(&subject(&scope(json!(null)), &inside))
        ));
        let check_b = check("json_path", "path = '$.b'\nvalue = 2");
        assert!(passed(
            &check_b.score(&subject(&scope(json!(null)), &inside))
        ));
    }

    #[test]
    fn an_answer_that_is_not_json_fails() {
        let scored = on_text("json_path", "path = '$.a'", json!(null), "hello");
        assert_eq!(why(&scored), "`hello` is not JSON");
        assert!(!passed(&scored));
    }

    #[test]
    fn a_broken_path_is_a_problem_of_the_manifest() {
        insta::assert_snapshot!(problems("json_path", "path = '$.a['").join("\n"), @"stage `test`: `$.a[` is not a JSONPath: parser error");
    }
}
