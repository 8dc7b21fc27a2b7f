//! One line of a journal: a case asked once, as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::attempt::{Answer, Attempt};
use super::question::Told;
use crate::protocol::{CallFailure, Reply, Usage};

/// A line as it is read.
#[derive(Deserialize)]
pub(super) struct Line {
    pub(super) case: String,
    pub(super) repeat: u32,
    #[serde(default)]
    retries: u32,
    #[serde(default)]
    trace: Option<String>,
    #[serde(default)]
    steps: Map<String, Value>,
    #[serde(default)]
    reply: Option<ReplyLine>,
    #[serde(default)]
    response_time_ms: f64,
    #[serde(default)]
    told: BTreeMap<String, Vec<ToldLine>>,
}

/// What a stage said to one question of an assertion; an error is asked again.
#[derive(Deserialize)]
struct ToldLine {
    #[serde(default)]
    reply: Option<ReplyLine>,
}

/// What was told about an answer that an earlier line holds, as it is written.
#[derive(Serialize)]
pub(super) struct ToldRef<'a> {
    case: &'a str,
    repeat: u32,
    /// By assertion, in the order of its questions.
    told: BTreeMap<&'a str, Vec<OutcomeRef<'a>>>,
}

#[derive(Serialize)]
struct OutcomeRef<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<ReplyRef<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorRef<'a>>,
}

/// A line as it is written.
#[derive(Serialize)]
pub(super) struct LineRef<'a> {
    case: &'a str,
    repeat: u32,
    retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    steps: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<ReplyRef<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorRef<'a>>,
}

/// Written for people who look into a journal: an error is no answer, and is asked again.
#[derive(Serialize)]
struct ErrorRef<'a> {
    /// The failure's word.
    kind: String,
    detail: &'a str,
}

impl<'a> ErrorRef<'a> {
    fn new(failure: &'a CallFailure) -> Self {
        Self {
            kind: failure.failure.to_string(),
            detail: &failure.detail,
        }
    }
}

struct ReplyLine(Reply);

struct ReplyRef<'a>(&'a Reply);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Reply")]
struct ReplyShape {
    text: Option<String>,
    outputs: Map<String, Value>,
    body: Option<Value>,
    #[serde(skip)]
    part: Option<Value>,
    fallback: Option<bool>,
    #[serde(default)]
    hit: Option<bool>,
    #[serde(with = "usage")]
    usage: Option<Usage>,
    chunks: u64,
    finish_reason: Option<String>,
    #[serde(default)]
    is_empty: bool,
}

impl<'de> Deserialize<'de> for ReplyLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ReplyShape::deserialize(deserializer).map(Self)
    }
}

impl Serialize for ReplyRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ReplyShape::serialize(self.0, serializer)
    }
}

/// Token counts as `[input, output]`, or with their parts: `[input, output, cached, cache_write,
/// reasoning]`.
mod usage {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::protocol::Usage;

    #[expect(
        clippy::ref_option,
        reason = "serde hands over a reference to the field"
    )]
    pub(super) fn serialize<S: Serializer>(
        usage: &Option<Usage>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let counts = |it: Usage| [it.input, it.output, it.cached, it.cache_write, it.reasoning];
        usage.map(counts).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Usage>, D::Error> {
        let counts: Option<Vec<u64>> = Option::deserialize(from)?;
        Ok(counts.map(|counts| {
            let count = |at: usize| counts.get(at).copied().unwrap_or(0);
            Usage {
                input: count(0),
                output: count(1),
                cached: count(2),
                cache_write: count(3),
                reasoning: count(4),
            }
        }))
    }
}

impl<'a> LineRef<'a> {
    pub(super) fn new(case: &'a str, repeat: u32, attempt: &'a Attempt) -> Self {
        let answer = attempt.outcome.as_ref().ok();
        Self {
            case,
            repeat,
            retries: attempt.retries,
            trace: attempt.trace.as_deref(),
            steps: &attempt.steps,
            reply: answer.map(|answer| ReplyRef(&answer.reply)),
            response_time_ms: answer.map(|answer| answer.response_time_ms),
            error: attempt.outcome.as_ref().err().map(ErrorRef::new),
        }
    }
}

impl<'a> ToldRef<'a> {
    pub(super) fn new(case: &'a str, repeat: u32, told: &'a Told) -> Self {
        let outcome = |told: &'a Result<Reply, CallFailure>| OutcomeRef {
            reply: told.as_ref().ok().map(ReplyRef),
            error: told.as_ref().err().map(ErrorRef::new),
        };
        Self {
            case,
            repeat,
            told: told
                .iter()
                .map(|(key, told)| (key.as_str(), told.iter().map(outcome).collect()))
                .collect(),
        }
    }
}

impl Line {
    /// Returns the attempt, when it brought an answer.
    pub(super) fn answered(self) -> Option<Attempt> {
        let answer = Answer {
            reply: self.reply?.0,
            response_time_ms: self.response_time_ms,
        };
        Some(Attempt {
            outcome: Ok::<_, CallFailure>(answer),
            steps: self.steps,
            retries: self.retries,
            asked_pause: Duration::ZERO,
            told: Told::new(),
            trace: self.trace,
        })
    }

    /// Returns what a stage told for the assertions all of whose questions were answered.
    pub(super) fn told(&mut self) -> Told {
        let told = std::mem::take(&mut self.told).into_iter();
        told.filter_map(|(key, answers)| {
            let replies: Option<Vec<_>> = answers
                .into_iter()
                .map(|answer| Some(Ok(answer.reply?.0)))
                .collect();
            Some((key, replies?))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::measure::Failure;

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let mut reply = Reply {
            text: Some("a\n\u{1F600}".to_owned()),
            body: Some(json!({"score": 0.1 + 0.2, "n": 1e300})),
            fallback: Some(false),
            usage: Some(Usage {
                input: 3,
                output: 4,
                ..Usage::default()
            }),
            chunks: 7,
            finish_reason: Some("stop".to_owned()),
            ..Reply::default()
        };
        reply.outputs.insert("ids".to_owned(), json!(["a", 1]));
        let attempt = Attempt {
            outcome: Ok(Answer {
                reply,
                response_time_ms: 12.345_678_901_234_5,
            }),
            steps: json!({"retrieve": {"ids": [1]}})
                .as_object()
                .unwrap()
                .clone(),
            retries: 2,
            asked_pause: Duration::ZERO,
            told: Told::new(),
            trace: None,
        };
        let text = serde_json::to_string(&LineRef::new("q1", 3, &attempt)).unwrap();
        assert!(!text.contains('\n'));
        let line: Line = serde_json::from_str(&text).unwrap();
        assert_eq!((line.case.as_str(), line.repeat), ("q1", 3));
        assert_eq!(line.answered(), Some(attempt));
    }

    #[test]
    fn an_error_is_no_answer() {
        let attempt = Attempt {
            outcome: Err(CallFailure::new(Failure::Timeout, "late")),
            steps: Map::new(),
            retries: 0,
            asked_pause: Duration::ZERO,
            told: Told::new(),
            trace: None,
        };
        let text = serde_json::to_string(&LineRef::new("q1", 0, &attempt)).unwrap();
        assert_eq!(
            text,
            r#"{"case":"q1","repeat":0,"retries":0,"error":{"kind":"timeout","detail":"late"}}"#
        );
        assert_eq!(
            serde_json::from_str::<Line>(&text).unwrap().answered(),
            None
        );
    }
}
