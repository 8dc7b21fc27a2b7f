//! Tool calls that come in pieces, put together.

use serde_json::{Map, Value, json};

/// The calls of one answer, in the order in which they began.
#[derive(Default)]
pub(super) struct ToolCalls(Vec<ToolCall>);

struct ToolCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl ToolCalls {
    /// Takes a piece: a call by `index`, whose id and name come once and whose arguments are
    /// joined. Another id that is not empty begins another call, also at an index in use; where
    /// indexes are missing, the last call goes on.
    pub(super) fn take(&mut self, piece: &Value) {
        let index = piece.get("index").and_then(Value::as_u64);
        let text = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str).unwrap_or_default();
            text.to_owned()
        };
        let id = text(piece.get("id"));
        let function = piece.get("function").unwrap_or(piece);
        let arguments = match function.get("arguments") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            // Some servers send the arguments as JSON and not as its text.
            Some(other) => other.to_string(),
        };
        let goes_on = |call: &&mut ToolCall| {
            let same_place = index.is_none() || call.index == index;
            same_place && (id.is_empty() || call.id.is_empty() || call.id == id)
        };
        let name = text(function.get("name"));
        let known = match index {
            Some(_) => self.0.iter_mut().rev().find(|it| it.index == index),
            None => self.0.last_mut(),
        };
        match known.filter(goes_on) {
            Some(call) => {
                if call.id.is_empty() {
                    call.id = id;
                }
                if call.name.is_empty() {
                    call.name = name;
                }
                call.arguments.push_str(&arguments);
            }
            None => self.0.push(ToolCall {
                index,
                id,
                name,
                arguments,
            }),
        }
    }

    /// Returns the calls in the shape in which a whole answer has them.
    pub(super) fn into_values(self) -> Vec<Value> {
        let whole = |call: ToolCall| {
            let mut value = Map::new();
            if !call.id.is_empty() {
                value.insert("id".to_owned(), call.id.into());
            }
            value.insert("type".to_owned(), "function".into());
            let function = json!({"name": call.name, "arguments": call.arguments});
            value.insert("function".to_owned(), function);
            Value::Object(value)
        };
        self.0.into_iter().map(whole).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(pieces: &[Value]) -> Vec<(String, String, String)> {
        let mut calls = ToolCalls::default();
        for piece in pieces {
            calls.take(piece);
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let parts = |call: &Value| {
            let function = &call["function"];
            (
                text(&call["id"]),
                text(&function["name"]),
                text(&function["arguments"]),
            )
        };
        calls.into_values().iter().map(parts).collect()
    }

    fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
        (id.to_owned(), name.to_owned(), arguments.to_owned())
    }

    #[test]
    fn calls_that_are_interleaved_are_told_apart_by_their_index() {
        // field 8
        let found = merged(&[
            json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{\"x\":"}}),
            json!({"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}}),
            json!({"index": 0, "function": {"arguments": "1}"}}),
        ]);
        assert_eq!(found, [call("a", "f", "{\"x\":1}"), call("b", "g", "{}")]);
    }

    #[test]
    fn another_id_begins_another_call() {
        let found = merged(&[
            json!({"index": 1, "id": "a", "function": {"name": "f", "arguments": "{}"}}),
            json!({"index": 1, "id": "b", "function": {"name": "f", "arguments": "{"}}),
            json!({"index": 1, "id": "", "function": {"arguments": "}"}}),
        ]);
        assert_eq!(found, [call("a", "f", "{}"), call("b", "f", "{}")]);
    }

    #[test]
    fn without_an_index_the_last_call_goes_on_until_a_new_id() {
        let found = merged(&[
            json!({"id": "a", "function": {"name": "f", "arguments": "{"}}),
            json!({"function": {"arguments": "}"}}),
            json!({"id": "b", "function": {"name": "g", "arguments": {"y": 2}}}),
        ]);
        assert_eq!(found, [call("a", "f", "{}"), call("b", "g", "{\"y\":2}")]);
    }

    #[test]
    fn the_old_function_call_is_a_call_as_well() {
        let found = merged(&[
            json!({"name": "f", "arguments": "{"}),
            json!({"arguments": "}"}),
        ]);
        assert_eq!(found, [call("", "f", "{}")]);
    }
}
