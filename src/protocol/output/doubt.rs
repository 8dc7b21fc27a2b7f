//! Outputs of which the manifest does not say whether the answer's envelope or the model's own JSON
//! is meant, where both have them.

use super::Outputs;
use super::place::Place;
use crate::protocol::reply::Reply;
use crate::protocol::text_json::TextJson;

impl Outputs {
    /// Returns each output, by its key, that is in the answer's own text too and says something
    /// else there, with what is to be said about it. `streams` says whether the answer came as
    /// events.
    pub(in crate::protocol) fn in_both(
        &self,
        reply: &Reply,
        streams: bool,
    ) -> Vec<(String, String)> {
        let taken = if streams { "events" } else { "body" };
        // What says where the text is cannot be in it.
        let open = self.0.iter().filter_map(|(name, output)| {
            let Place::Path {
                path, within: None, ..
            } = &output.place
            else {
                return None;
            };
            let found = reply.outputs.get(name).filter(|_| name != "text")?;
            Some((name.as_str(), path, found))
        });
        let open: Vec<_> = open.collect();
        let Some(text) = reply.text.as_deref().filter(|_| !open.is_empty()) else {
            return Vec::new();
        };
        let (TextJson::Bare(json) | TextJson::Fenced(json)) = TextJson::read(text) else {
            return Vec::new();
        };
        let in_both = open.into_iter().filter(|(_, path, found)| {
            let other = path.select(&json).filter(|it| !it.is_null());
            other.is_some_and(|other| other != **found)
        });
        let said = in_both.map(|(name, path, _)| {
            let path = path.as_str();
            let note = format!(
                "`{path}` is in the {taken} and in the text's JSON, and the {taken}'s is taken; say `in = \"text\"` or `in = \"{taken}\"`"
            );
            (format!("output.{name}"), note)
        });
        said.collect()
    }
}
