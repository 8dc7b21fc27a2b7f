//! `json_path`: a JSONPath (RFC 9535) selects something in the answer, or selects this value.

use std::cell::Cell;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::json::{Place, find, has_json, in_both};
use super::same::same;
use super::value::{show, text};
use super::{Assertion, Check, Parsed, Scored, Subject};
use crate::manifest::{KindTable, Problems};
use crate::name::Name;
use crate::protocol::OutputPath;
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
    /// Which JSON of the answer is meant; without it, the body, else the text.
    #[serde(rename = "in")]
    place: Option<Place>,
}

#[derive(Debug)]
struct Ready {
    path: OutputPath,
    value: Option<ValueTemplate>,
    place: Option<Place>,
}

impl Assertion for JsonPath {
    fn is_yes_or_no(&self) -> bool {
        true
    }

    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Parsed> {
        let spec: Spec = table.parse(problems)?;
        let path = match OutputPath::parse(&spec.path) {
            Ok(path) => path,
            Err(error) => {
                problems.at(
                    table.span_of("path"),
                    format!("{}: {error}", table.what()),
                    Some("Write a JSONPath as in RFC 9535, such as `$.hits[*].id`.".to_owned()),
                );
                return None;
            }
        };
        let ready = Ready {
            path,
            value: spec.value,
            place: spec.place,
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

impl Ready {
    /// Returns everything that the path selects; `None` where it is nothing, and notes where that
    /// is too much to be looked through.
    fn select(&self, json: &Value, too_much: &Cell<bool>) -> Option<Vec<Value>> {
        let found = self.path.all(json);
        too_much.set(too_much.get() || found.is_none());
        found.filter(|found| !found.is_empty())
    }
}

impl Check for Ready {
    fn score(&self, subject: &Subject<'_>) -> Scored {
        let Subject { scope, reply, .. } = subject;
        let (too_much, written) = (Cell::new(false), self.path.as_str());
        let select = |json: &Value| self.select(json, &too_much);
        let found = match find(reply, self.place, written, select) {
            Ok(found) => found,
            Err(_) if too_much.get() => {
                return Scored::Unscored(format!(
                    "`{written}` takes too long, or selects too much, in an answer of this size"
                ));
            }
            Err(otherwise) => return otherwise,
        };
        let Some(value) = &self.value else {
            return Scored::binary(true, String::new);
        };
        let wanted = match value.value(scope) {
            Ok(wanted) => wanted,
            Err(error) => return Scored::Unscored(error.to_string()),
        };
        // A path that selects several places is compared with an array as a whole, else one of them
        // must be the value.
        let whole = wanted.as_array().is_some_and(|wanted| {
            wanted.len() == found.len() && wanted.iter().zip(&found).all(|(a, b)| same(a, b))
        });
        let equal = whole || found.iter().any(|found| same(found, &wanted));
        Scored::binary(equal, || {
            let found: Vec<String> = found.iter().map(|found| show(&text(found))).collect();
            format!(
                "`{written}` selects {}, not {}",
                found.join(", "),
                show(&text(&wanted))
            )
        })
    }

    fn note(&self, subject: &Subject<'_>) -> Option<String> {
        in_both(subject.reply, self.place, self.path.as_str(), |json| {
            self.select(json, &Cell::new(false)).map(Value::Array)
        })
    }

    fn reads(&self, subject: &Subject<'_>) -> Result<(), String> {
        has_json(subject.reply, self.place)
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
        insta::assert_snapshot!(problems("json_path", "path = '$.a['").join("\n"), @"stage `test`: `$.a[` is not a JSONPath (RFC 9535): at position 3, parser error");
    }

    /// security 20
    #[test]
    fn a_path_that_multiplies_its_work_is_refused_or_leaves_the_answer_unscored() {
        for path in [
            format!("$[?{}", "@[?".repeat(5000)),
            format!("$[?{}@.a{}]", "!(".repeat(5000), ")".repeat(5000)),
            format!("$[?{}@.a{}]", "(".repeat(16_000), ")".repeat(16_000)),
            format!("$.{}", "a".repeat(20_000)),
        ] {
            let said = problems("json_path", &format!("path = '{path}'")).join("\n");
            assert!(said.contains("too long a JSONPath"), "{said}");
        }
        let body = json!((0..2000).map(|it| json!({"a": [it]})).collect::<Vec<_>>());
        let reply = Reply {
            body: Some(body),
            ..Reply::default()
        };
        let scope = scope(json!(null));
        let check = check("json_path", "path = '$..[?$..[?$..[?$..a]]]'");
        let subject = subject(&scope, &reply);
        for scored in [check.score(&subject), check.score_negated(&subject)] {
            assert!(why(&scored).contains("takes too long"), "{scored:?}");
        }
    }

    /// Nothing is not shown to be otherwise by an answer that is no JSON.
    #[test]
    fn what_is_no_json_is_neither_so_nor_not_so() {
        for (kind, toml, text, scored) in [
            ("json_path", "path = '$.error'", "<html>", false),
            ("json_path", "path = '$.error'", "{\"error\":", false),
            ("json_path", "path = '$.error'", "{\"a\": 1}", true),
            (
                "json_schema",
                "schema = { type = \"object\" }",
                "<html>",
                false,
            ),
            ("json_schema", "schema = { type = \"object\" }", "[1]", true),
            ("numeric", "value = 3", "none at all", false),
            ("numeric", "value = 3", "4", true),
        ] {
            let reply = Reply {
                text: Some(text.to_owned()),
                ..Reply::default()
            };
            let scope = scope(json!(null));
            let found = check(kind, toml).score_negated(&subject(&scope, &reply));
            assert_eq!(passed(&found), scored, "{kind} {text}: {found:?}");
            let unscored = matches!(found, super::Scored::Unscored(_));
            assert_eq!(unscored, !scored, "{kind} {text}: {found:?}");
        }
    }

    /// field 17
    #[test]
    fn the_models_own_json_is_meant_when_it_is_said() {
        let reply = Reply {
            text: Some(r#"{"id": 7, "model": "x", "usage": null}"#.to_owned()),
            body: Some(json!({"id": "chatcmpl-1", "model": "m", "usage": {}, "object": "c"})),
            ..Reply::default()
        };
        let scope = scope(json!(null));
        let run = |toml: &str| {
            let check = check("json_path", toml);
            let subject = subject(&scope, &reply);
            (passed(&check.score(&subject)), check.note(&subject))
        };
        assert_eq!(run("path = '$.id'\nvalue = 7\nin = 'text'"), (true, None));
        assert_eq!(run("path = '$.id'\nvalue = 7\nin = 'body'"), (false, None));
        let (holds, note) = run("path = '$.id'\nvalue = 7");
        assert!(!holds);
        assert_eq!(
            note.unwrap(),
            "`$.id` is in the body and in the text's JSON, and the body's is taken; say `in = \"text\"` or `in = \"body\"`"
        );
        assert!(run("path = '$.model'\nvalue = 'm'").1.is_some());
        assert!(run("path = '$.usage'").1.is_some());
        assert_eq!(run("path = '$.object'").1, None);
        assert!(!run("path = '$.object'\nin = 'text'").0);
        assert_eq!(
            problems("json_path", "path = '$.a'\nin = 'header'").len(),
            1
        );
        // A body that is the text is not two.
        let whole = Reply {
            text: Some(r#"{"id": 7}"#.to_owned()),
            body: Some(json!({"id": 7.0})),
            ..Reply::default()
        };
        let check = check("json_path", "path = '$.id'");
        assert_eq!(check.note(&subject(&scope, &whole)), None);
    }

    /// field 24
    #[test]
    fn json_in_a_fence_is_read_by_every_assertion_that_reads_json() {
        let fenced = "Sure:\n```json\n{\"a\":1}\n```\nThat is all.";
        for (kind, toml) in [
            ("json_path", "path = '$.a'\nvalue = 1"),
            ("json_path", "path = '$.a'\nvalue = 1\nin = 'text'"),
            (
                "json_schema",
                "schema = { type = 'object', required = ['a'] }",
            ),
            (
                "json_schema",
                "path = '$.a'\nschema = { type = 'integer' }\nin = 'text'",
            ),
            ("equals", "value = { a = 1 }"),
            ("equals", "value = { a = 1 }\nin = 'text'"),
            ("numeric", "path = '$.a'\nvalue = 1"),
            ("numeric", "path = '$.a'\nvalue = 1\nin = 'text'"),
        ] {
            let scored = on_text(kind, toml, json!(null), fenced);
            assert!(passed(&scored), "{kind} {toml}: {scored:?}");
            let several = format!("{fenced}\n```json\n{{\"a\":2}}\n```");
            let scored = on_text(kind, toml, json!(null), &several);
            assert_eq!(
                why(&scored),
                "there are several blocks of JSON in the answer"
            );
        }
        let bare = "bare = true\nschema = { type = 'object' }";
        assert!(!passed(&on_text("json_schema", bare, json!(null), fenced)));
        assert!(passed(&on_text("json_schema", bare, json!(null), " {}")));
        assert!(!passed(&on_text(
            "equals",
            "value = { a = 2 }",
            json!(null),
            fenced
        )));
    }
}
