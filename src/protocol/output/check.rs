//! Which outputs can be where: what `check` says of those that never could be found.

use super::Outputs;
use super::place::{Output, Place, Within};
use crate::manifest::{KindTable, Problems};

/// What a stage's answers are like.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocol) struct Shape {
    pub(in crate::protocol) answers: Answers,
    /// Whether its kind finds the text by itself, so that no `delta` says where it is.
    pub(in crate::protocol) knows_its_text: bool,
    /// Whether an answer has a text at all.
    pub(in crate::protocol) has_text: bool,
    /// Whether it is reached by HTTP.
    pub(in crate::protocol) has_headers: bool,
}

/// How an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Answers {
    Whole,
    /// As events that have names.
    NamedEvents,
    /// As lines.
    Events,
    /// As a text whose chunks are nothing by themselves.
    Chunks,
}

impl Outputs {
    /// Adds to `problems` what cannot be found in answers of that shape.
    pub(in crate::protocol) fn check(
        &self,
        shape: Shape,
        table: &KindTable,
        problems: &mut Problems,
    ) -> bool {
        let mut right = true;
        for (name, output) in self.0.iter() {
            if let Err((reason, help)) = check_one(name, output, shape) {
                let message = format!("`output.{name}` of {} {reason}", table.what());
                problems.at(
                    table.span_inside("output", name),
                    message,
                    Some(help.to_owned()),
                );
                right = false;
            }
        }
        if self.has("order") && self.has("ids") {
            let message = format!(
                "{} has `output.order` and `output.ids`: the positions already say which ids are meant",
                table.what()
            );
            let help = "Leave one of them out.".to_owned();
            problems.at(table.span_inside("output", "order"), message, Some(help));
            right = false;
        }
        right
    }
}

impl Outputs {
    /// Adds to `problems` that nobody knows whose positions `order` holds; `step` is who gave the
    /// documents.
    pub(in crate::protocol) fn check_order(
        &self,
        step: Option<&str>,
        table: &KindTable,
        problems: &mut Problems,
    ) -> bool {
        if !self.has("order") || step.is_some() {
            return true;
        }
        let message = format!(
            "`output.order` of {} holds positions, but the request does not say which step gave the documents",
            table.what()
        );
        let help = "Send the texts of one step: `{{ steps.NAME.texts }}`.".to_owned();
        problems.at(table.span_inside("output", "order"), message, Some(help));
        false
    }
}

type Wrong = (&'static str, &'static str);

fn check_one(name: &str, output: &Output, shape: Shape) -> Result<(), Wrong> {
    if name == "delta" {
        check_delta(output, shape)?;
    }
    let streams = shape.answers != Answers::Whole;
    let (within, event, takes) = match &output.place {
        Place::Header(_) if !shape.has_headers => {
            return Err((
                "cannot be in a header: a program has none",
                "Write a `path`.",
            ));
        }
        Place::Header(_) => return Ok(()),
        Place::Data { event } => (None, event, false),
        Place::Path {
            within,
            event,
            take,
            ..
        } => (*within, event, *take != super::place::Take::default()),
    };
    if event.is_some() && shape.answers != Answers::NamedEvents {
        return Err((
            "has an `event`, but only server-sent events have names",
            "Write `stream = \"sse\"`, or leave `event` out.",
        ));
    }
    if takes && !streams {
        return Err((
            "has a `take`, but there is no stream to take from",
            "Leave `take` out.",
        ));
    }
    check_within(name, within, shape)
}

fn check_delta(output: &Output, shape: Shape) -> Result<(), Wrong> {
    if shape.knows_its_text {
        return Err((
            "does nothing: this kind finds the text by itself",
            "Leave it out.",
        ));
    }
    match (shape.answers, &output.place) {
        (Answers::Whole, _) => Err((
            "needs a stream, whose pieces of text it finds",
            "Write `stream = true`, or leave `delta` out.",
        )),
        (Answers::Chunks, Place::Path { .. }) => Err((
            "cannot look into the chunks of a plain text",
            "Write `delta = \"data\"`, or `stream = \"ndjson\"` where each line is JSON.",
        )),
        _ => Ok(()),
    }
}

fn check_within(name: &str, within: Option<Within>, shape: Shape) -> Result<(), Wrong> {
    let streams = shape.answers != Answers::Whole;
    match within {
        Some(Within::Events) if !streams => Err((
            "is looked for `in = \"events\"`, but the answer is no stream",
            "Write `stream = true`, or leave `in` out.",
        )),
        Some(Within::Body) if streams => Err((
            "is looked for `in = \"body\"`, but the answer is a stream",
            "Leave `in` out: then each event is looked into.",
        )),
        Some(Within::Text) if !shape.has_text => Err((
            "is looked for `in = \"text\"`, but an answer of this kind has no text",
            "Leave `in` out.",
        )),
        Some(Within::Text) if name == "delta" => Err((
            "is looked for `in = \"text\"`, but it says where the text is",
            "Leave `in` out.",
        )),
        None | Some(Within::Events) if shape.answers == Answers::Chunks && name != "delta" => {
            Err((
                "cannot be found in the chunks of a plain text",
                "Write `in = \"text\"` to look into all of it, or `header = \"…\"`.",
            ))
        }
        _ => Ok(()),
    }
}
