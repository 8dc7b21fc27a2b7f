//! The outputs of one answer, as they are found: in its head, in its events, in its body, and in
//! its text.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use serde_json::Value;

use super::Outputs;
use super::place::{Output, Place, Take, Within, is_yes_or_no};
use crate::measure::Failure;
use crate::protocol::decode::as_text;
use crate::protocol::event::Event;
use crate::protocol::failure::CallFailure;
use crate::protocol::reply::{Head, Reply, Usage};
use crate::protocol::text_json::TextJson;
use crate::text::excerpt;

/// How much of what an error says is repeated, in characters.
const EXCERPT: usize = 200;

/// The outputs of one answer.
pub(in crate::protocol) struct Found {
    outputs: Outputs,
    /// What the head and the events have brought so far.
    early: BTreeMap<String, Value>,
}

/// A whole answer, or a stream that has ended.
#[derive(Clone, Copy)]
pub(in crate::protocol) enum Whole<'a> {
    /// Its body as JSON; `None` where it is none, or nobody looks into it.
    Body(Option<&'a Value>),
    Stream,
}

/// Where outputs are looked for once all has come.
struct Sources<'a> {
    whole: Whole<'a>,
    text: Option<&'a str>,
    text_json: OnceCell<TextJson>,
}

impl Found {
    pub(super) const fn new(outputs: Outputs) -> Self {
        Self {
            outputs,
            early: BTreeMap::new(),
        }
    }

    /// Returns the outputs that are looked for.
    pub(in crate::protocol) const fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// Takes the head of an answer. Lines of one name are one list, as HTTP has it.
    pub(in crate::protocol) fn head(&mut self, head: Head<'_>) {
        for (name, output) in self.outputs.0.iter() {
            let Place::Header(header) = &output.place else {
                continue;
            };
            let lines = head.headers.iter();
            let lines = lines.filter(|(key, _)| key.eq_ignore_ascii_case(header));
            let lines: Vec<_> = lines
                .map(|(_, line)| String::from_utf8_lossy(line).trim().to_owned())
                .collect();
            if !lines.is_empty() {
                self.early.insert(name.clone(), lines.join(", ").into());
            }
        }
    }

    /// Takes an event of a stream.
    pub(in crate::protocol) fn event(&mut self, event: &Event<'_>) {
        for (name, output) in self.outputs.0.iter().filter(|(name, _)| *name != "delta") {
            let Place::Path {
                path,
                within,
                event: named,
                take,
            } = &output.place
            else {
                continue;
            };
            let is_named = named.as_ref().is_none_or(|it| it.as_bytes() == event.name);
            if *within == Some(Within::Text) || !is_named {
                continue;
            }
            let Some(value) = event.json().ok().and_then(|body| path.select(body)) else {
                continue;
            };
            let before = self.early.get_mut(name);
            match (before, take) {
                (Some(Value::Array(all)), Take::All) => append(all, value),
                (_, Take::All) => {
                    let mut all = Vec::new();
                    append(&mut all, value);
                    self.early.insert(name.clone(), Value::Array(all));
                }
                // A yes stands; so does what is something against what is nothing.
                (Some(before), Take::Last)
                    if is_yes_or_no(name) && output.says(Some(before)) == Some(true)
                        || is_nothing(&value) => {}
                (_, Take::Last) => drop(self.early.insert(name.clone(), value)),
            }
        }
    }

    /// Ends the answer: what its kind has read of it, with the outputs that the manifest names.
    pub(in crate::protocol) fn finish(
        self,
        read: Result<Reply, CallFailure>,
        whole: Whole<'_>,
    ) -> Result<Reply, CallFailure> {
        if self.outputs.0.is_empty() {
            return read;
        }
        let text = self.text(read.as_ref().ok(), whole);
        let sources = Sources {
            whole,
            text: text.as_deref(),
            text_json: OnceCell::new(),
        };
        if let Some(output) = self.outputs.get("error") {
            let said = self.value("error", output, &sources);
            if output.says(said.as_ref()) == Some(true) {
                let said = said.unwrap_or_default();
                return Err(reported(output, &said, &sources));
            }
        }
        let mut reply = read?;
        for (name, output) in self.outputs.0.iter().filter(|(name, _)| *name != "delta") {
            match self.value(name, output, &sources) {
                Some(value) if is_optional(name) || !value.is_null() => {
                    in_each(name, (output, &value), whole)?;
                    reply.outputs.insert(name.clone(), value);
                }
                _ if is_optional(name) => {}
                _ => return Err(broken(name, output, &sources)),
            }
        }
        if self.outputs.has("text") {
            reply.text = reply.outputs.get("text").map(as_text);
            // A stream has said already whether it held any.
            let text = reply.text.as_deref();
            let shows_nothing = text.is_some_and(|text| text.trim().is_empty());
            reply.is_empty |= shows_nothing && matches!(whole, Whole::Body(_));
        }
        let says = |name: &str| self.outputs.get(name)?.says(reply.outputs.get(name));
        (reply.fallback, reply.hit) = (says("fallback"), says("hit"));
        reply.usage = reply.usage.or_else(|| usage(&reply));
        Ok(reply)
    }

    /// Returns the answer's own text, which is where the manifest says, else what the kind has
    /// read.
    fn text(&self, read: Option<&Reply>, whole: Whole<'_>) -> Option<String> {
        let named = self.outputs.get("text").filter(|text| !text.is_in_text());
        let Some(output) = named else {
            return read?.text.clone();
        };
        let sources = Sources {
            whole,
            text: None,
            text_json: OnceCell::new(),
        };
        self.value("text", output, &sources).as_ref().map(as_text)
    }

    fn value(&self, name: &str, output: &Output, sources: &Sources<'_>) -> Option<Value> {
        match &output.place {
            Place::Data { .. } => None,
            Place::Header(_) => self.early.get(name).cloned(),
            Place::Path { path, within, .. } => match (within, sources.whole) {
                (Some(Within::Text), _) => match sources.text_json() {
                    TextJson::Bare(json) | TextJson::Fenced(json) => path.select(json),
                    TextJson::Several | TextJson::None => None,
                },
                (_, Whole::Body(body)) => path.select(body?),
                (_, Whole::Stream) => self.early.get(name).cloned(),
            },
        }
    }
}

impl Sources<'_> {
    fn text_json(&self) -> &TextJson {
        let read = || TextJson::read(self.text.unwrap_or_default());
        self.text_json.get_or_init(read)
    }
}

/// Returns whether an answer may lack an output: then what it would say is not known.
fn is_optional(name: &str) -> bool {
    is_yes_or_no(name) || matches!(name, "input_tokens" | "output_tokens")
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn append(all: &mut Vec<Value>, value: Value) {
    match value {
        Value::Array(more) => all.extend(more),
        Value::Null => {}
        one => all.push(one),
    }
}

/// Returns the token counts that outputs name, where the kind itself reads none.
fn usage(reply: &Reply) -> Option<Usage> {
    let count = |name: &str| {
        let value = reply.outputs.get(name)?;
        // A header is text.
        let text = || value.as_str()?.trim().parse().ok();
        value.as_u64().or_else(text)
    };
    let (input, output) = (count("input_tokens"), count("output_tokens"));
    output.map(|output| Usage {
        input: input.unwrap_or_default(),
        output,
        ..Usage::default()
    })
}

/// Checks that a ranking has a place for every element that it is read from: what is left out
/// would move the ranks of all behind it, and where none has one, the path is not the right one.
fn in_each(
    name: &str,
    (output, selected): (&Output, &Value),
    whole: Whole<'_>,
) -> Result<(), CallFailure> {
    let must_all = matches!(name, "ids" | "order");
    let (true, Place::Path { path, within, .. }, Whole::Body(Some(body))) =
        (must_all || name == "texts", &output.place, whole)
    else {
        return Ok(());
    };
    let (Some(all), Value::Array(found)) = (path.elements(body), selected) else {
        return Ok(());
    };
    let has = found.iter().filter(|it| !it.is_null()).count();
    let is_short = has < all && (must_all || has == 0);
    if !is_short || *within == Some(Within::Text) {
        return Ok(());
    }
    let place = output.place_text();
    Err(CallFailure::contract(format!(
        "only {has} of {all} elements have what `output.{name}` = {place} looks for"
    )))
}

/// Says that an answer lacks an output.
fn broken(name: &str, output: &Output, sources: &Sources<'_>) -> CallFailure {
    let place = output.place_text();
    let within = match &output.place {
        Place::Path { within, .. } => *within,
        Place::Header(_) | Place::Data { .. } => {
            return CallFailure::contract(format!(
                "the answer has no {place}, which is `output.{name}`"
            ));
        }
    };
    CallFailure::contract(match (within, sources.whole) {
        (Some(Within::Text), _) => {
            let text = excerpt(sources.text.unwrap_or_default().as_bytes(), EXCERPT);
            match sources.text_json() {
                TextJson::None => format!(
                    "the text of the answer is not JSON, in which `output.{name}` = {place} is looked for: {text}"
                ),
                TextJson::Several => format!(
                    "the text of the answer holds several JSON documents, in which `output.{name}` = {place} is looked for"
                ),
                TextJson::Bare(_) | TextJson::Fenced(_) => format!(
                    "the JSON in the text of the answer has nothing at `output.{name}` = {place}"
                ),
            }
        }
        (_, Whole::Stream) => format!("no event has anything at `output.{name}` = {place}"),
        (_, Whole::Body(_)) => format!("the answer has nothing at `output.{name}` = {place}"),
    })
}

/// Says that an answer reports its own failure, in its own words.
fn reported(output: &Output, said: &Value, sources: &Sources<'_>) -> CallFailure {
    let told = match sources.whole {
        Whole::Body(Some(body)) => message(body),
        Whole::Body(None) | Whole::Stream => None,
    };
    let words = match (message(said), told) {
        // One word, such as a code, says little by itself.
        (Some(code), Some(told)) if !code.contains(' ') && code != told => {
            format!("{code}: {told}")
        }
        (Some(words), _) | (None, Some(words)) => words,
        (None, None) => match (sources.text, sources.whole) {
            (Some(text), _) if !text.is_empty() => text.to_owned(),
            (_, Whole::Body(Some(body))) => body.to_string(),
            _ => said.to_string(),
        },
    };
    let words = excerpt(words.as_bytes(), EXCERPT);
    let place = output.place_text();
    let detail = format!("the answer says that it failed (`output.error` = {place}): {words}");
    CallFailure::new(Failure::Reported, detail)
}

/// Returns whether a text only says yes, as a header may.
fn is_bare_yes(text: &str) -> bool {
    let text = text.trim();
    let yes = ["true", "1", "yes"];
    text.is_empty() || yes.iter().any(|it| text.eq_ignore_ascii_case(it))
}

/// Returns the words of an error: a text, or the `message` of an object or of the first of a list;
/// `None` where it only says that there is one.
fn message(error: &Value) -> Option<String> {
    match error {
        Value::String(text) if !is_bare_yes(text) => Some(text.clone()),
        Value::Array(errors) => errors.iter().find_map(message),
        Value::Object(fields) => {
            let words = ["message", "error", "detail", "result", "content", "text"];
            let found = words.iter().filter_map(|word| fields.get(*word));
            let mut found = found.filter_map(|value| match value {
                Value::String(text) => Some(text.clone()),
                inner => message(inner),
            });
            found.next()
        }
        _ => None,
    }
}
