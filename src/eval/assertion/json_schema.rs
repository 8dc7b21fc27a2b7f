//! `json_schema`: the answer is JSON of a given shape.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use schemars::{JsonSchema as _, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::Value;

use super::json::{Place, find, has_json, in_both, not_json};
use super::schema::Counted;
use super::{Assertion, Check, Parsed, Scored, Subject};
use crate::eval::error::EvalError;
use crate::intake;
use crate::manifest::{KindTable, Problems};
use crate::name::Name;
use crate::protocol::{OutputPath, Reply, TextJson};
use crate::registry::Entry;
use crate::template::{Scope, ValueTemplate};

pub(super) struct JsonSchema;

impl Entry for JsonSchema {
    fn name(&self) -> &'static str {
        "json_schema"
    }

    fn summary(&self) -> &'static str {
        "The answer, or what is at `path`, is JSON that a JSON Schema (`schema` or `file`) allows"
    }
}

#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: Option<Name>,
    schema: Option<ValueTemplate>,
    file: Option<PathBuf>,
    path: Option<OutputPath>,
    /// Which JSON of the answer is meant. Without it and without `path`, the text; with `path`, the
    /// body, else the text.
    #[serde(rename = "in")]
    place: Option<Place>,
    /// The text itself must be JSON, without a fence around it.
    #[serde(default)]
    bare: bool,
}

/// The schema, from the manifest or, once it has been read, from its file.
#[derive(Debug)]
struct Ready {
    validator: OnceLock<Counted>,
    file: Option<PathBuf>,
    path: Option<OutputPath>,
    place: Option<Place>,
    bare: bool,
}

impl Assertion for JsonSchema {
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Parsed> {
        let spec: Spec = table.parse(problems)?;
        let validator = OnceLock::new();
        match (&spec.schema, &spec.file) {
            (Some(schema), None) if !schema.is_literal() => {
                let message = format!("{}: `schema` holds a template", table.what());
                let help = "Templates are not filled in here: a schema is the same for all cases.";
                problems.at(table.span_of("schema"), message, Some(help.to_owned()));
                return None;
            }
            (Some(schema), None) => {
                let built = schema
                    .value(&Scope::default())
                    .map_err(|error| error.to_string())
                    .and_then(|schema| Counted::build(&schema));
                match built {
                    Ok(built) => drop(validator.set(built)),
                    Err(reason) => {
                        let message =
                            format!("{}: `schema` is no JSON Schema: {reason}", table.what());
                        problems.at(table.span_of("schema"), message, None);
                        return None;
                    }
                }
            }
            (None, Some(_)) => {}
            _ => {
                let message = format!("{} needs either `schema` or `file`", table.what());
                let help = "Write the schema as a table, or the path of a file that holds it.";
                problems.at(table.span.clone(), message, Some(help.to_owned()));
                return None;
            }
        }
        let ready = Ready {
            validator,
            file: spec.file,
            path: spec.path,
            place: spec.place,
            bare: spec.bare,
        };
        Some(Parsed {
            name: spec.name,
            check: Box::new(ready),
        })
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }

    fn is_yes_or_no(&self) -> bool {
        true
    }
}

impl Ready {
    /// Returns what the schema is held against.
    fn instance(&self, reply: &Reply) -> Result<Value, Scored> {
        let answer = reply.text.as_deref().unwrap_or_default();
        if self.bare && !matches!(TextJson::read(answer), TextJson::Bare(_)) {
            return Err(Scored::binary(false, || not_json(reply)));
        }
        let Some(path) = &self.path else {
            // The text of a chat model is JSON inside JSON; without a text, the body is the answer.
            let text_or_body = match reply.text {
                Some(_) => Place::Text,
                None => Place::Body,
            };
            let place = self.place.unwrap_or(text_or_body);
            return find(reply, Some(place), "$", |json| Some(json.clone()));
        };
        find(reply, self.place, path.as_str(), |json| path.select(json))
    }
}

impl Check for Ready {
    fn prepare(&self, folder: &Path) -> Result<(), EvalError> {
        let Some(file) = self
            .file
            .as_ref()
            .filter(|_| self.validator.get().is_none())
        else {
            return Ok(());
        };
        let shown = file.display().to_string();
        let text =
            intake::read_text(&folder.join(file), &intake::SCHEMA_FILE).map_err(|error| {
                EvalError::NoSchema {
                    file: shown.clone(),
                    reason: error.to_string(),
                }
            })?;
        let built = serde_json::from_str(&text)
            .map_err(|error| error.to_string())
            .and_then(|schema| Counted::build(&schema));
        match built {
            Ok(built) => {
                drop(self.validator.set(built));
                Ok(())
            }
            Err(reason) => Err(EvalError::BrokenSchema {
                file: shown,
                reason,
            }),
        }
    }

    fn score(&self, subject: &Subject<'_>) -> Scored {
        let Some(validator) = self.validator.get() else {
            return Scored::Unscored("the schema was not read".to_owned());
        };
        let instance = match self.instance(subject.reply) {
            Ok(instance) => instance,
            Err(otherwise) => return otherwise,
        };
        let Ok(fault) = validator.fault(&instance) else {
            let file = self.file.as_ref().map(|it| it.display());
            let schema = file.map_or_else(|| "`schema`".to_owned(), |it| format!("`{it}`"));
            let most = intake::SCHEMA_STEPS;
            return Scored::Unscored(format!(
                "to hold {schema} against the answer takes more than {most} steps"
            ));
        };
        Scored::binary(fault.is_none(), || fault.unwrap_or_default())
    }

    fn reads(&self, subject: &Subject<'_>) -> Result<(), String> {
        let reply = subject.reply;
        // A chat model's body is JSON whatever its text is.
        let of_text = self.path.is_none() && reply.text.is_some();
        let place = self.place.or(of_text.then_some(Place::Text));
        has_json(reply, place)
    }

    fn note(&self, subject: &Subject<'_>) -> Option<String> {
        let path = self.path.as_ref()?;
        in_both(subject.reply, self.place, path.as_str(), |json| {
            path.select(json)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{check, on_text, passed, problems, scope, subject, why};
    use super::*;

    const SCHEMA: &str = "schema = { type = 'object', required = ['name'], properties = { name = { type = 'string' }, age = { type = 'integer', minimum = 0 } } }";

    /// field 10: what no number holds is a text, and its fault says so.
    #[test]
    fn an_integer_of_more_than_64_bits_is_a_text_to_a_schema() {
        let schema = "schema = { properties = { n = { type = 'integer' } } }";
        let on = |answer: &str| on_text("json_schema", schema, serde_json::json!(null), answer);
        assert!(passed(&on("{\"n\": 18446744073709551615}")));
        let scored = on("{\"n\": 18446744073709551616}");
        assert_eq!(
            why(&scored),
            "/n: \"18446744073709551616\" is not of type \"integer\" (an integer of more than 64 bits is read as the text of its digits)"
        );
        assert!(!why(&on("{\"n\": \"x\"}")).contains("64 bits"));
    }

    #[test]
    fn an_answer_has_the_shape_or_the_fault_is_named() {
        let run = |text: &str| on_text("json_schema", SCHEMA, json!(null), text);
        assert!(passed(&run(r#"{"name": "a", "age": 3}"#)));
        assert_eq!(
            why(&run(r#"{"age": 3}"#)),
            "\"name\" is a required property"
        );
        assert_eq!(
            why(&run(r#"{"name": "a", "age": -1}"#)),
            "/age: -1 is less than the minimum of 0"
        );
        assert_eq!(why(&run("hello")), "`hello` is not JSON");
    }

    #[test]
    fn a_path_says_what_is_looked_at() {
        let toml = "path = '$.user'\nschema = { type = 'object' }";
        assert!(passed(&on_text(
            "json_schema",
            toml,
            json!(null),
            r#"{"user": {}}"#
        )));
        assert_eq!(
            why(&on_text("json_schema", toml, json!(null), "{}")),
            "`$.user` selects nothing"
        );
    }

    #[test]
    fn a_schema_may_be_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = check("json_schema", "file = 'schemas/user.json'");
        assert!(matches!(
            file.prepare(folder.path()),
            Err(EvalError::NoSchema { .. })
        ));
        std::fs::create_dir(folder.path().join("schemas")).unwrap();
        let place = folder.path().join("schemas/user.json");
        std::fs::write(&place, "{oops").unwrap();
        assert!(matches!(
            file.prepare(folder.path()),
            Err(EvalError::BrokenSchema { .. })
        ));
        std::fs::write(&place, r#"{"type": "array"}"#).unwrap();
        file.prepare(folder.path()).unwrap();
        let reply = Reply::of_text("[]");
        assert!(passed(&file.score(&subject(&scope(json!(null)), &reply))));
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        assert_eq!(
            problems("json_schema", "schema = { type = 'objct' }").len(),
            1
        );
        assert_eq!(problems("json_schema", "").len(), 1);
        assert_eq!(problems("json_schema", "file = 'a'\nschema = {}").len(), 1);
    }

    /// security 20
    #[test]
    fn a_schema_that_doubles_its_steps_is_named_and_ends() {
        let doubled = |one: &dyn Fn(&str) -> String, leaf: &str| {
            let steps =
                (0..60).map(|at| format!("a{at} = {}", one(&format!("#/$defs/a{}", at + 1))));
            let steps: Vec<String> = steps.collect();
            format!(
                "schema = {{ '$ref' = '#/$defs/a0', '$defs' = {{ {}, a60 = {leaf} }} }}",
                steps.join(", ")
            )
        };
        let both = |key: &'static str| {
            move |to: &str| format!("{{ {key} = [{{ '$ref' = '{to}' }}, {{ '$ref' = '{to}' }}] }}")
        };
        let of_if =
            |to: &str| format!("{{ if = {{ '$ref' = '{to}' }}, then = {{ '$ref' = '{to}' }} }}");
        let by_name = |to: &str| {
            format!(
                "{{ properties = {{ a = {{ '$ref' = '{to}' }} }}, patternProperties = {{ '^a' = {{ '$ref' = '{to}' }} }} }}"
            )
        };
        // Passes by its second part alone, and none of the parts before passes.
        let mixed = |to: &str| {
            format!(
                "{{ anyOf = [{{ allOf = [{{ '$ref' = '{to}' }}, false] }}, {{ '$ref' = '{to}' }}] }}"
            )
        };
        let mut deep = "1".to_owned();
        for _ in 0..60 {
            deep = format!("{{\"a\": {deep}}}");
        }
        let begun = std::time::Instant::now();
        for (schema, text) in [
            (doubled(&both("anyOf"), "{ type = 'string' }"), "1"),
            (doubled(&both("oneOf"), "{ type = 'integer' }"), "1"),
            (doubled(&both("allOf"), "{ type = 'integer' }"), "1"),
            (doubled(&of_if, "{ type = 'integer' }"), "1"),
            (doubled(&by_name, "{ type = 'integer' }"), deep.as_str()),
            (doubled(&mixed, "true"), "1"),
        ] {
            let Scored::Unscored(why) = on_text("json_schema", &schema, json!(null), text) else {
                panic!("it is too much: {schema}");
            };
            assert!(
                why.starts_with("to hold `schema` against the answer takes more than"),
                "{why}"
            );
        }
        // What fails at once is known to fail, though what is wrong cannot be said.
        let all = doubled(&both("allOf"), "{ type = 'string' }");
        let scored = on_text("json_schema", &all, json!(null), "1");
        let said = why(&scored);
        assert_eq!(
            said,
            "the schema does not allow it, in more ways than can be named"
        );
        assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    }

    /// security 5: what is said of a long answer is short.
    #[test]
    fn a_fault_repeats_a_part_of_the_answer() {
        let long = format!("\"{}\"", "x".repeat(100_000));
        let all = "schema = { allOf = [{ type = 'array' }, { type = 'object' }, { type = 'null' }, { type = 'integer' }] }";
        let scored = on_text("json_schema", all, json!(null), &long);
        let said = why(&scored);
        assert!(
            said.len() < 10_000 && said.ends_with("; and 1 more"),
            "{}",
            said.len()
        );
    }

    /// field 10
    #[test]
    fn integers_of_a_schema_are_exact() {
        let run = |schema: &str, text: &str| {
            let toml = format!("schema = {schema}");
            passed(&on_text("json_schema", &toml, json!(null), text))
        };
        for schema in [
            "{ const = 9007199254740993 }",
            "{ enum = [9007199254740993] }",
            "{ minimum = 9007199254740993 }",
        ] {
            assert!(run(schema, "9007199254740993"), "{schema}");
            assert!(!run(schema, "9007199254740992"), "{schema}");
        }
        let contains = "{ contains = { const = 9007199254740993 } }";
        assert!(!run(contains, "[9007199254740992]"));
        assert!(run("{ const = 1 }", "1.0"));
    }
}
