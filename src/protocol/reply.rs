//! What came back, read: text, ids, and the other outputs of a stage.

use serde_json::{Map, Value};

use super::bounded::weight;
use crate::golden::id_text;

/// A response head. Header names are compared without case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) status: u16,
    pub(crate) headers: &'a [(&'a str, &'a [u8])],
}

impl<'a> Head<'a> {
    /// Returns the first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// Returns the announced length of the body.
    pub(crate) fn content_length(&self) -> Option<usize> {
        std::str::from_utf8(self.header("content-length")?)
            .ok()?
            .trim()
            .parse()
            .ok()
    }
}

/// A complete answer that kept the stage's output contract.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reply {
    /// `output.text`, or the streamed content, or the whole body.
    pub(crate) text: Option<String>,
    /// Every output by name, `text` and `ids` too: what later steps read as `{{ steps.NAME.… }}`.
    pub(crate) outputs: Map<String, Value>,
    /// The whole body as JSON, where it is JSON and was parsed.
    pub(crate) body: Option<Value>,
    /// Of a body that is not there: what those who listen want of it.
    pub(crate) part: Option<Value>,
    /// Whether `output.fallback` was truthy; `None` where the stage has no such output.
    pub(crate) fallback: Option<bool>,
    /// Whether a cache had the answer; `None` where the stage is no cache, or does not say.
    pub(crate) hit: Option<bool>,
    /// The server's own token counts.
    pub(crate) usage: Option<Usage>,
    /// Content-bearing events of a stream.
    pub(crate) chunks: u64,
    pub(crate) finish_reason: Option<String>,
    /// Whether it showed nothing, which the stage takes, or which is no fault of its kind.
    pub(crate) is_empty: bool,
}

impl Reply {
    /// Makes a reply whose only output is its text.
    pub(crate) fn of_text(text: &str) -> Self {
        let mut outputs = Map::new();
        outputs.insert("text".to_owned(), Value::from(text));
        Self {
            text: Some(text.to_owned()),
            outputs,
            ..Self::default()
        }
    }

    /// Makes the reply of a chat model. A refusal stands for the text where there is none.
    pub(crate) fn of_parts(text: &str, refusal: &str, tool_calls: Vec<Value>) -> Self {
        let said = if text.is_empty() { refusal } else { text };
        let mut reply = Self::of_answer(said, tool_calls);
        if !refusal.is_empty() {
            reply.outputs.insert("refusal".to_owned(), refusal.into());
        }
        reply
    }

    /// Makes the reply of a chat model that writes its refusals as text.
    pub(crate) fn of_answer(text: &str, tool_calls: Vec<Value>) -> Self {
        let mut reply = Self::of_text(text);
        if !tool_calls.is_empty() {
            reply
                .outputs
                .insert("tool_calls".to_owned(), Value::Array(tool_calls));
        }
        reply
    }

    /// Returns about how much memory it takes, in bytes.
    pub(crate) fn weight(&self) -> usize {
        let text = self.text.as_ref().map_or(0, String::len);
        let outputs: usize = self.outputs.values().map(weight).sum();
        let bodies = self.body.iter().chain(&self.part).map(weight);
        size_of::<Self>() + text + outputs + bodies.sum::<usize>()
    }

    /// Returns whether the model refused, by the word of its API.
    pub(crate) fn is_refusal(&self) -> bool {
        self.outputs.contains_key("refusal") || self.finish_reason.as_deref() == Some("refusal")
    }

    /// Adds the whole body.
    #[must_use]
    pub(crate) fn with_body(self, body: Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// Adds the outputs of earlier steps that this answer does not have itself; of those, a later
    /// step's first. A pipeline answers with what its last step says, and with what only an earlier
    /// one knows.
    #[must_use]
    pub(crate) fn with_outputs_of<'a>(
        mut self,
        steps: impl DoubleEndedIterator<Item = &'a Value>,
    ) -> Self {
        for outputs in steps.rev().filter_map(Value::as_object) {
            for (name, value) in outputs {
                if !self.outputs.contains_key(name) {
                    self.outputs.insert(name.clone(), value.clone());
                }
            }
        }
        if self.text.is_none() {
            let text = self.outputs.get("text").and_then(Value::as_str);
            self.text = text.map(str::to_owned);
        }
        self
    }

    /// Returns the ids that `output.ids` selected, as text; `None` where the stage has no such
    /// output.
    pub(crate) fn ids(&self) -> Option<Vec<String>> {
        let ids = self.outputs.get("ids")?;
        Some(match ids {
            Value::Array(ids) => ids.iter().map(id_text).collect(),
            one => vec![id_text(one)],
        })
    }
}

/// Token counts by the server, in whatever way its API counts: `input` and `output` are all, and
/// the others parts of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// All tokens of the prompt, those of a prompt cache among them.
    pub(crate) input: u64,
    /// All tokens of the answer, those of its reasoning among them.
    pub(crate) output: u64,
    /// Of the prompt, those that were read from a prompt cache.
    pub(crate) cached: u64,
    /// Of the prompt, those that were written to one.
    pub(crate) cache_write: u64,
    /// Of the answer, those of its reasoning.
    pub(crate) reasoning: u64,
}

/// More tokens than any answer has: whoever says so says nothing, and sums of it would overflow.
const MOST_TOKENS: u64 = 1_000_000_000_000;

impl Usage {
    /// Returns the counts where each of them can be true.
    pub(crate) fn believed(self) -> Option<Self> {
        let Self {
            input,
            output,
            cached,
            cache_write,
            reasoning,
        } = self;
        let counts = [input, output, cached, cache_write, reasoning];
        let can_be = counts.into_iter().all(|count| count <= MOST_TOKENS);
        can_be.then_some(self)
    }
}
