//! `kind = "embeddings"`: an OpenAI-compatible embedding model.

use std::collections::BTreeMap;

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::whole_body;
use super::decode::json as parse_json;
use super::failure::CallFailure;
use super::output::{Answers, Outputs, Shape};
use super::reply::{Reply, Usage};
use super::said_error::is_no_error;
use super::target::{Target, steps};
use super::{Brings, Call, Protocol, ReplyReader, Request};
use crate::manifest::{KindTable, Problems};
use crate::registry::Entry;
use crate::template::{Scope, Template, TemplateError, ValueTemplate};

/// The stage kind `embeddings`.
pub(super) struct Embeddings;

impl Entry for Embeddings {
    fn name(&self) -> &'static str {
        "embeddings"
    }

    fn summary(&self) -> &'static str {
        "an OpenAI-compatible embedding model"
    }
}

/// The keys of an `embeddings` stage.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    url: Template,
    model: Template,
    /// A text, or an array of texts: one vector each.
    input: ValueTemplate,
    #[serde(default)]
    headers: BTreeMap<String, Template>,
    /// How long each vector must be; sent with the request.
    dimensions: Option<usize>,
    /// Further keys of the request.
    body: Option<ValueTemplate>,
    #[serde(default)]
    output: Outputs,
}

/// One embedding model.
#[derive(Debug)]
struct EmbeddingsCall {
    target: Target,
    spec: Spec,
}

impl Protocol for Embeddings {
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Box<dyn Call>> {
        let mut spec: Spec = table.parse(problems)?;
        let shape = Shape {
            answers: Answers::Whole,
            knows_its_text: true,
            has_text: false,
            has_headers: true,
        };
        if !spec.output.check(shape, table, problems)
            | !spec.output.check_order(None, table, problems)
        {
            return None;
        }
        let target = Target {
            method: "POST".to_owned(),
            url: spec.url.clone(),
            headers: std::mem::take(&mut spec.headers),
        };
        if !target.check(table, problems) {
            return None;
        }
        Some(Box::new(EmbeddingsCall { target, spec }))
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }
}

impl Call for EmbeddingsCall {
    fn request(&self, scope: &Scope) -> Result<Request, TemplateError> {
        let mut body = Map::new();
        body.insert("model".to_owned(), self.spec.model.value(scope)?);
        body.insert("input".to_owned(), self.spec.input.value(scope)?);
        body.insert("encoding_format".to_owned(), json!("float"));
        if let Some(dimensions) = self.spec.dimensions {
            body.insert("dimensions".to_owned(), json!(dimensions));
        }
        let more = self.spec.body.as_ref().map(|body| body.value(scope));
        if let Some(Value::Object(more)) = more.transpose()? {
            body.extend(more);
        }
        let bytes = Bytes::from(Value::Object(body).to_string());
        Ok(Request::Http(
            self.target.request(scope, bytes, true, None)?,
        ))
    }

    fn streams(&self) -> bool {
        false
    }

    fn reader(&self) -> Box<dyn ReplyReader> {
        let promise = Promise {
            dimensions: self.spec.dimensions,
            vectors: match &self.spec.input {
                ValueTemplate::Array(items) => Some(items.len()),
                _ => None,
            },
        };
        whole_body(&self.spec.output, move |body| promise.read(body))
    }

    fn brings(&self) -> Brings<'_> {
        Brings {
            always: &["vector", "dimensions", "vectors"],
            at_times: &[],
            named: Some(&self.spec.output),
        }
    }

    fn needs_steps(&self) -> Vec<String> {
        let Spec {
            model, input, body, ..
        } = &self.spec;
        let values = [Some(input), body.as_ref()].into_iter().flatten();
        let own = values.flat_map(ValueTemplate::references);
        let own = own.chain(model.references());
        steps(self.target.references().chain(own))
    }
}

/// What the vectors must be like.
#[derive(Clone, Copy)]
struct Promise {
    dimensions: Option<usize>,
    /// How many there must be, where the manifest says it; at least one otherwise.
    vectors: Option<usize>,
}

#[derive(Deserialize)]
struct UsageBody {
    #[serde(default)]
    prompt_tokens: u64,
}

impl Promise {
    /// Reads the vectors.
    fn read(self, bytes: &[u8]) -> Result<Reply, CallFailure> {
        let body = parse_json(bytes)?;
        is_no_error(&body, bytes)?;
        let vectors = vectors(&body)?;
        let length = vectors.first().map_or(0, Vec::len);
        if let Some(expected) = self.vectors.filter(|it| *it != vectors.len()) {
            return Err(broken(format!(
                "{expected} inputs, but {} vectors",
                vectors.len()
            )));
        }
        if let Some(dimensions) = self.dimensions.filter(|it| *it != length) {
            return Err(broken(format!(
                "the vectors have {length} dimensions, not {dimensions}"
            )));
        }
        let usage = body
            .get("usage")
            .and_then(|it| UsageBody::deserialize(it).ok());
        let mut outputs = Map::new();
        outputs.insert("vector".to_owned(), json!(vectors.first()));
        outputs.insert("dimensions".to_owned(), json!(length));
        outputs.insert("vectors".to_owned(), json!(vectors));
        Ok(Reply {
            outputs,
            usage: usage.map(|usage| Usage {
                input: usage.prompt_tokens,
                output: 0,
                ..Usage::default()
            }),
            ..Reply::default()
        }
        .with_body(body))
    }
}

/// Returns the vectors in the order of their inputs: at least one, all of one length, every number
/// finite, and none of them zero throughout, because such a vector is near to everything and to
/// nothing.
fn vectors(body: &Value) -> Result<Vec<Vec<f64>>, CallFailure> {
    let data = body.get("data").and_then(Value::as_array);
    let data = data.ok_or_else(|| broken("the answer has no `data`"))?;
    let mut found: Vec<(u64, Vec<f64>)> = Vec::with_capacity(data.len());
    for (place, entry) in data.iter().enumerate() {
        let numbers = entry.get("embedding").and_then(Value::as_array);
        let numbers =
            numbers.ok_or_else(|| broken(format!("`data[{place}]` has no `embedding`")))?;
        let vector: Option<Vec<f64>> = numbers.iter().map(Value::as_f64).collect();
        let vector = vector.filter(|it| it.iter().all(|number| number.is_finite()));
        let vector = vector
            .ok_or_else(|| broken(format!("`data[{place}]` holds something that is no number")))?;
        if vector.iter().all(|number| *number == 0.0) {
            return Err(broken(format!(
                "`data[{place}]` is empty or zero throughout"
            )));
        }
        let index = entry.get("index").and_then(Value::as_u64);
        found.push((index.unwrap_or(place as u64), vector));
    }
    found.sort_by_key(|(index, _)| *index);
    if let Some(pair) = found.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let index = pair[0].0;
        return Err(broken(format!("two vectors have the `index` {index}")));
    }
    if let Some((index, _)) = found.last().filter(|(it, _)| *it >= found.len() as u64) {
        let count = found.len();
        return Err(broken(format!(
            "{count} vectors, and one has the `index` {index}"
        )));
    }
    let vectors: Vec<Vec<f64>> = found.into_iter().map(|(_, vector)| vector).collect();
    match vectors.split_first() {
        None => Err(broken("`data` is empty")),
        Some((first, rest)) if rest.iter().any(|it| it.len() != first.len()) => {
            Err(broken("the vectors differ in their dimensions"))
        }
        Some(_) => Ok(vectors),
    }
}

fn broken(detail: impl Into<String>) -> CallFailure {
    CallFailure::contract(detail.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Failure;

    fn call(keys: &str) -> Box<dyn Call> {
        let text = format!("url = \"http://h/v1/embeddings\"\nmodel = \"m\"\n{keys}");
        let mut problems = Problems::default();
        Embeddings
            .parse(&KindTable::from_toml("embeddings", &text), &mut problems)
            .unwrap()
    }

    fn read(keys: &str, body: &str) -> Result<Reply, CallFailure> {
        let mut reader = call(keys).reader();
        reader.data(body.as_bytes());
        reader.finish()
    }

    #[test]
    fn the_request_asks_for_floats() {
        let scope = Scope::default().of(&json!("hi"), &Value::Null);
        let Ok(Request::Http(request)) =
            call("input = \"{{ input }}\"\ndimensions = 2").request(&scope)
        else {
            panic!("an HTTP request");
        };
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(
            body,
            json!({"model": "m", "input": "hi", "encoding_format": "float", "dimensions": 2})
        );
    }

    #[test]
    fn vectors_come_in_the_order_of_their_inputs() {
        let body = r#"{"data":[{"index":1,"embedding":[0,1]},{"index":0,"embedding":[1,0.5]}],"usage":{"prompt_tokens":7}}"#;
        let reply = read("input = [\"a\", \"b\"]", body).unwrap();
        assert_eq!(reply.outputs["vector"], json!([1.0, 0.5]));
        assert_eq!(reply.outputs["dimensions"], 2);
        assert_eq!(
            reply.usage,
            Some(Usage {
                input: 7,
                output: 0,
                ..Usage::default()
            })
        );
    }

    #[test]
    fn vectors_that_cannot_be_used_break_the_contract() {
        for (body, why) in [
            ("{}", "no `data`"),
            (r#"{"data":[]}"#, "empty"),
            (r#"{"data":[{"embedding":[0,0]}]}"#, "zero throughout"),
            (r#"{"data":[{"embedding":[1,"x"]}]}"#, "no number"),
            (
                r#"{"data":[{"embedding":[1]},{"embedding":[1,2]}]}"#,
                "differ",
            ),
            (r#"{"data":[{"embedding":[1,2,3]}]}"#, "3 dimensions, not 2"),
            // field 29
            (
                r#"{"data":[{"index":0,"embedding":[1,2]},{"index":0,"embedding":[2,1]}]}"#,
                "two vectors have the `index` 0",
            ),
            (
                r#"{"data":[{"index":1,"embedding":[1,2]},{"embedding":[2,1]}]}"#,
                "two vectors have the `index` 1",
            ),
        ] {
            let error = read("input = \"a\"\ndimensions = 2", body).unwrap_err();
            assert_eq!(error.failure, Failure::Contract);
            assert!(error.detail.contains(why), "{}", error.detail);
        }
        let one = r#"{"data":[{"embedding":[1,2]}]}"#;
        let error = read("input = [\"a\", \"b\"]", one).unwrap_err();
        assert_eq!(error.detail, "2 inputs, but 1 vectors");
    }
}
