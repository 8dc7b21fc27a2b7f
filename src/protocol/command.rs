//! `kind = "command"`: a program that reads one JSON document and writes one.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::body::whole_body;
use super::decode::json;
use super::output::{Answers, Outputs, Shape, source_of};
use super::rest::{read, text_of};
use super::target::steps;
use super::{Brings, Call, ProcessRequest, Protocol, ReplyReader, Request};
use crate::manifest::{KindTable, Problems};
use crate::registry::Entry;
use crate::template::{Scope, Template, TemplateError, ValueTemplate};

/// The stage kind `command`.
pub(super) struct Command;

impl Entry for Command {
    fn name(&self) -> &'static str {
        "command"
    }

    fn summary(&self) -> &'static str {
        "a program that reads one JSON document and writes one"
    }
}

/// The keys of a `command` stage.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spec {
    /// The program and its arguments; no shell is involved.
    command: Vec<Template>,
    /// What it reads from its standard input; nothing without it.
    body: Option<ValueTemplate>,
    #[serde(default)]
    output: Outputs,
}

#[derive(Debug)]
struct CommandCall {
    spec: Spec,
    /// The step whose documents are sent, where the answer puts them in order.
    documents: Option<String>,
}

impl Protocol for Command {
    fn parse(&self, table: &KindTable, problems: &mut Problems) -> Option<Box<dyn Call>> {
        let spec: Spec = table.parse(problems)?;
        if spec.command.is_empty() {
            let message = format!("`command` of {} is empty", table.what());
            let help = "Write the program and its arguments: command = [\"python3\", \"step.py\"].";
            problems.at(table.span_of("command"), message, Some(help.to_owned()));
            return None;
        }
        let shape = Shape {
            answers: Answers::Whole,
            knows_its_text: false,
            has_text: true,
            has_headers: false,
        };
        let documents = spec.body.as_ref().map(ValueTemplate::references);
        let documents = documents.and_then(|references| source_of(&references));
        let right = spec.output.check(shape, table, problems)
            & spec
                .output
                .check_order(documents.as_deref(), table, problems);
        right.then(|| {
            Box::new(CommandCall {
                documents: documents.filter(|_| spec.output.has("order")),
                spec,
            }) as Box<dyn Call>
        })
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }
}

impl Call for CommandCall {
    fn request(&self, scope: &Scope) -> Result<Request, TemplateError> {
        let command = self.spec.command.iter().map(|part| part.text(scope));
        let body = self.spec.body.as_ref().map(|body| body.value(scope));
        let input = match body.transpose()? {
            None => String::new(),
            // A document on a line of its own, as programs that read lines expect it.
            Some(value) => format!("{value}\n"),
        };
        Ok(Request::Process(ProcessRequest {
            command: command.collect::<Result<Vec<String>, _>>()?,
            input: input.into(),
            folder: scope.folder.clone(),
            documents: None,
            is_traced: false,
            variables: Vec::new(),
        }))
    }

    fn streams(&self) -> bool {
        false
    }

    fn reader(&self) -> Box<dyn ReplyReader> {
        let output = &self.spec.output;
        let read = read(output);
        // What it wrote is JSON, also where no `output` looks into it.
        whole_body(output, move |body| {
            let whole = json(body)?;
            Ok(read(body)?.with_body(whole))
        })
    }

    fn brings(&self) -> Brings<'_> {
        Brings {
            always: text_of(&self.spec.output, false),
            at_times: &[],
            named: Some(&self.spec.output),
        }
    }

    fn documents_of(&self) -> Option<&str> {
        self.documents.as_deref()
    }

    fn needs_steps(&self) -> Vec<String> {
        let command = self.spec.command.iter().flat_map(Template::references);
        let body = self.spec.body.iter().flat_map(ValueTemplate::references);
        steps(command.chain(body))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(keys: &str) -> Option<Box<dyn Call>> {
        Command.parse(
            &KindTable::from_toml("command", keys),
            &mut Problems::default(),
        )
    }

    #[test]
    fn the_program_gets_one_document_on_one_line() {
        let call =
            parse("command = [\"run\", \"{{ input.id }}\"]\nbody = { q = \"{{ input.q }}\" }")
                .unwrap();
        let scope = Scope::default().of(&json!({"id": 3, "q": ["a"]}), &Value::Null);
        let Ok(Request::Process(request)) = call.request(&scope) else {
            panic!("a process");
        };
        assert_eq!(request.command, ["run", "3"]);
        assert_eq!(request.input, "{\"q\":[\"a\"]}\n");
        assert!(parse("command = []").is_none());
    }

    #[test]
    fn what_it_writes_must_be_json() {
        let read = |text: &str| {
            let call = parse("command = [\"run\"]\noutput = { text = \"$.answer\" }").unwrap();
            let mut reader = call.reader();
            reader.data(text.as_bytes());
            reader.finish()
        };
        assert_eq!(
            read("{\"answer\": \"yes\"}\n").unwrap().text.as_deref(),
            Some("yes")
        );
        assert!(read("yes").unwrap_err().detail.contains("not JSON"));
    }
}
