//! One answer, read in pieces as they arrive, whoever carries them: the one place that says whether
//! it is ok.

use std::sync::Arc;
use std::time::Duration;

use super::Stage;
use super::retry::retry_after;
use super::versions::Listener;
use crate::measure::Failure;
use crate::protocol::{CallFailure, Documents, Head, Reply, ReplyReader, Usage};
use crate::text::excerpt;

/// How much of a refusal's body is kept, in bytes.
const KEPT: usize = 4096;

/// How much of a header is repeated, in characters.
const HEADER: usize = 120;

/// Reads one answer of a stage.
pub(crate) struct AnswerReader {
    reader: Box<dyn ReplyReader>,
    listener: Option<Listener>,
    /// Those that the request carried, where the answer puts them in order.
    documents: Option<Arc<Documents>>,
    /// That of the whole answer.
    timeout: Duration,
    /// The most bytes that its body may have.
    most: u64,
    received: u64,
    /// `None` before the head, and for a program, which has none.
    status: Option<u16>,
    retry_after: Option<Duration>,
    /// How the body is compressed, though nobody asked for that.
    compression: Option<String>,
    /// The beginning of the body of an answer that is no success.
    refusal: Vec<u8>,
}

impl AnswerReader {
    pub(super) fn new(stage: &Stage, documents: Option<Arc<Documents>>) -> Self {
        // What has been heard once needs no more listening: nothing is added to the hot path.
        let listener = stage.listener.as_ref().filter(|it| it.is_curious());
        let mut reader = stage.call.reader();
        if let Some(listener) = listener {
            reader.listen(&listener.paths());
        }
        Self {
            reader,
            listener: listener.cloned(),
            documents,
            timeout: stage.timeouts.total,
            most: stage.max_answer,
            received: 0,
            status: None,
            retry_after: None,
            compression: None,
            refusal: Vec::new(),
        }
    }

    /// Takes the response head.
    pub(crate) fn head(&mut self, head: Head<'_>) {
        self.status = Some(head.status);
        if self.is_refusal() {
            self.retry_after = retry_after(head);
            return;
        }
        self.compression = compression(head);
        if let Some(listener) = &self.listener {
            listener.hear_head(head);
        }
        self.reader.head(head);
    }

    /// Takes body bytes and returns how many content-bearing events they completed.
    pub(crate) fn data(&mut self, bytes: &[u8]) -> u32 {
        self.received += bytes.len() as u64;
        if self.is_refusal() {
            let room = KEPT - self.refusal.len();
            self.refusal
                .extend_from_slice(&bytes[..bytes.len().min(room)]);
            return 0;
        }
        if self.compression.is_some() || self.is_too_large() {
            return 0;
        }
        self.reader.data(bytes)
    }

    /// Returns whether content of the answer itself has come, and not of its reasoning only; asked
    /// where there was content.
    pub(crate) fn has_answered(&self) -> bool {
        self.reader.has_answered()
    }

    /// Returns whether the stage answered with a status that is no success.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status.is_some_and(|it| !(200..300).contains(&it))
    }

    /// Returns whether more has come than the stage may send.
    pub(crate) const fn is_too_large(&self) -> bool {
        self.received > self.most
    }

    /// Returns whether there is no use in reading on: too much has come, or as much of a refusal as
    /// is kept.
    pub(crate) fn has_enough(&self) -> bool {
        self.is_too_large() || (self.is_refusal() && self.refusal.len() == KEPT)
    }

    /// Ends the answer, which has come whole; `from` is who gave it, as it is told to people.
    pub(crate) fn finish(self, from: &str) -> Result<Reply, CallFailure> {
        if let Some(status) = self.status.filter(|_| self.is_refusal()) {
            let (body, wait) = (&self.refusal, self.retry_after);
            return Err(CallFailure::status(status, body, from, wait, self.timeout));
        }
        if self.is_too_large() {
            return Err(CallFailure::too_large(from, self.most));
        }
        if let Some(compression) = self.compression {
            let detail =
                format!("{from} compressed its answer ({compression}), though none was asked for");
            return Err(CallFailure::new(Failure::Decode, detail));
        }
        let mut reply = self.reader.finish()?;
        reply.usage = reply.usage.and_then(Usage::believed);
        if let Some(documents) = &self.documents {
            documents.arrange(&mut reply)?;
        }
        if let Some(listener) = &self.listener {
            listener.hear_reply(&reply);
            reply.part = None;
        }
        Ok(reply)
    }

    /// Ends an answer that the connection, or a limit, has cut. A refusal stands, however its body
    /// ended: it says more.
    pub(crate) fn cut(self, failure: CallFailure, from: &str) -> CallFailure {
        if !self.is_refusal() && !self.is_too_large() {
            return failure;
        }
        self.finish(from).err().unwrap_or(failure)
    }
}

/// Returns how a body is compressed; `None` where it is not.
fn compression(head: Head<'_>) -> Option<String> {
    // As it is written: in small letters, a secret in it would not be known again.
    let coding = excerpt(head.header("content-encoding")?, HEADER);
    let is_none = coding.is_empty() || coding.eq_ignore_ascii_case("identity");
    (!is_none).then_some(coding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::testing::http;

    /// Returns what an answer says of its tokens.
    fn usage(keys: &str, header: &str, body: &str) -> Option<Usage> {
        let stage = http(keys);
        let mut answer = stage.answer(None);
        answer.head(Head {
            status: 200,
            headers: &[("x-tokens", header.as_bytes())],
        });
        answer.data(body.as_bytes());
        answer.finish("x").unwrap().usage
    }

    const FROM_BODY: &str = r#"output = { output_tokens = "$.out", input_tokens = "$.in" }"#;

    #[test]
    fn tokens_are_counted_wherever_they_are_said() {
        let body = usage(FROM_BODY, "", r#"{"out": 7, "in": 3}"#).unwrap();
        assert_eq!((body.input, body.output), (3, 7));
        let keys = r#"output.output_tokens = { header = "x-tokens" }"#;
        assert_eq!(usage(keys, " 12 ", "{}").unwrap().output, 12);
        assert_eq!(usage(keys, "many", "{}"), None);
    }

    #[test]
    fn counts_that_cannot_be_true_are_not_known() {
        for out in ["18446744073709551615", "1000000000001"] {
            let body = format!(r#"{{"out": {out}, "in": 3}}"#);
            assert_eq!(usage(FROM_BODY, "", &body), None);
        }
    }

    /// security 5: what a release is told of is read of an answer, however large that is, whatever
    /// its outputs are.
    #[test]
    fn versions_are_heard_of_large_answers_and_of_those_that_nobody_looks_into() {
        use crate::stage::{Heard, Listener};
        let pad = format!("[{}0]", "0,".repeat(5 << 20));
        let large = |model: &str| format!(r#"{{"pad": {pad}, "model": {model}, "text": "a"}}"#);
        for (keys, body, heard) in [
            (
                "output = { text = \"$.text\" }",
                large("\"m-2\""),
                Some("m-2"),
            ),
            ("", large("\"m-2\""), Some("m-2")),
            ("", r#"{"model": "m-3"}"#.to_owned(), Some("m-3")),
            ("", "{\"model\": ".to_owned(), None),
            (
                "output = { text = \"$.text\" }",
                large("null"),
                Some("null"),
            ),
        ] {
            let manifest = "version = 1\n[deployment]\nname = 'd'\n[stage.s]\nkind = 'http'\nurl = 'http://127.0.0.1:9/'\n\
                            [release]\nmodel = { stage = 's', response = '$.model' }\n";
            let path = std::path::Path::new("stagegate.toml");
            let manifest = crate::manifest::Manifest::parse(path, manifest, &[]).unwrap();
            let all = Arc::new(Heard::default());
            let mut stage = http(keys);
            stage.listener = Listener::of(&manifest, "s", &all);
            let mut answer = stage.answer(None);
            answer.head(Head {
                status: 200,
                headers: &[],
            });
            answer.data(body.as_bytes());
            let reply = answer.finish("x").unwrap();
            assert_eq!(all.version("model").as_deref(), heard, "{keys}");
            assert!(reply.part.is_none());
        }
    }
}
