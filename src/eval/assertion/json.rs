//! Where an assertion finds JSON: in the body of the answer, or in the text that a model wrote.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::Scored;
use super::same::same;
use super::value::show;
use crate::protocol::{Reply, TextJson};

/// Which JSON of an answer is meant. Without it, the body is looked into first, then the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    Body,
    Text,
}

/// What an assertion looks for, or why there is nothing: as a score.
pub(super) type Found<T> = Result<T, Scored>;

/// Returns what `select` finds; the score says that there is no JSON, or that `what` selects
/// nothing.
pub(super) fn find<T>(
    reply: &Reply,
    place: Option<Place>,
    what: &str,
    select: impl Fn(&Value) -> Option<T>,
) -> Found<T> {
    let body = reply.body.as_ref().filter(|_| place != Some(Place::Text));
    if let Some(found) = body.and_then(&select) {
        return Ok(found);
    }
    let text = match place {
        Some(Place::Body) => None,
        Some(Place::Text) | None => in_text(reply)?,
    };
    match &text {
        Some(text) => select(text),
        None => None,
    }
    .ok_or_else(|| {
        let said = match (body.is_some() || text.is_some(), place) {
            (true, _) => format!("`{what}` selects nothing"),
            (false, Some(Place::Body)) => "the body of the answer is not JSON".to_owned(),
            (false, _) => not_json(reply),
        };
        Scored::binary(false, || said)
    })
}

/// Returns why an answer has no JSON where it is looked for.
pub(super) fn has_json(reply: &Reply, place: Option<Place>) -> Result<(), String> {
    match find(reply, place, "$", |_| Some(())) {
        Err(Scored::Score { why, .. }) => Err(why),
        // Several blocks are said to be several by the score.
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Returns the JSON of the text; an answer with several is unscored.
pub(super) fn in_text(reply: &Reply) -> Found<Option<Value>> {
    match TextJson::read(reply.text.as_deref().unwrap_or_default()) {
        TextJson::Bare(value) | TextJson::Fenced(value) => Ok(Some(value)),
        TextJson::None => Ok(None),
        TextJson::Several => Err(Scored::Unscored(
            "there are several blocks of JSON in the answer".to_owned(),
        )),
    }
}

/// Says that the text is no JSON.
pub(super) fn not_json(reply: &Reply) -> String {
    format!(
        "{} is not JSON",
        show(reply.text.as_deref().unwrap_or_default())
    )
}

/// Tells when it was not said which JSON is meant, and what is looked for is in both, and differs.
pub(super) fn in_both(
    reply: &Reply,
    place: Option<Place>,
    what: &str,
    select: impl Fn(&Value) -> Option<Value>,
) -> Option<String> {
    let body = reply.body.as_ref().filter(|_| place.is_none());
    let in_body = select(body?)?;
    let in_text = select(&in_text(reply).ok()??)?;
    (!same(&in_body, &in_text)).then(|| {
        format!(
            "`{what}` is in the body and in the text's JSON, and the body's is taken; say `in = \"text\"` or `in = \"body\"`"
        )
    })
}
