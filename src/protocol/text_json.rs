//! JSON that a model wrote as text: bare, or in a Markdown fence with prose around it.

use serde_json::Value;

use super::bounded;

/// What a text holds as JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TextJson {
    /// The whole text is JSON.
    Bare(Value),
    /// One fenced block is.
    Fenced(Value),
    /// Several fenced blocks are, and differ.
    Several,
    None,
}

impl TextJson {
    /// Reads a text.
    pub(crate) fn read(text: &str) -> Self {
        if let Ok(value) = bounded::whole(text.as_bytes()) {
            return Self::Bare(value);
        }
        let mut found: Vec<Value> = Vec::new();
        for block in blocks(text) {
            if let Ok(value) = bounded::whole(block.as_bytes())
                && !found.contains(&value)
            {
                found.push(value);
            }
        }
        match found.len() {
            0 => Self::None,
            1 => found.pop().map_or(Self::None, Self::Fenced),
            _ => Self::Several,
        }
    }
}

/// Returns what stands in fences of three or more backticks or tildes that are labelled as JSON, or
/// not at all. The last one may lack its end, as the answer of a model that was cut off does.
fn blocks(text: &str) -> Vec<&str> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((fence, after)) = next_fence(rest) {
        let (block, after) = match after.find(fence) {
            Some(end) => (&after[..end], after[end..].trim_start_matches(&fence[..1])),
            None => (after, ""),
        };
        blocks.extend(unlabelled(block));
        rest = after;
    }
    blocks
}

/// Returns the fence that comes first, and what follows it.
fn next_fence(text: &str) -> Option<(&str, &str)> {
    let start = ["```", "~~~"].iter().filter_map(|mark| text.find(mark));
    let from = &text[start.min()?..];
    let mark = &from[..1];
    let after = from.trim_start_matches(mark);
    Some((&from[..from.len() - after.len()], after))
}

/// Takes the label off a block; `None` where it is labelled as something else.
fn unlabelled(block: &str) -> Option<&str> {
    let is_label = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '.');
    let after = block.trim_start_matches(is_label);
    let label = &block[..block.len() - after.len()];
    let begins_with_json = label
        .get(..4)
        .is_some_and(|label| label.eq_ignore_ascii_case("json"));
    if begins_with_json {
        Some(after)
    } else {
        // Without a line's end there is no label: `42` is all there is.
        (label.is_empty() || !block.contains('\n')).then_some(block)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// field 24
    #[test]
    fn json_is_read_bare_and_in_one_fence() {
        let a = json!({"a": 1});
        assert_eq!(TextJson::read(" {\"a\":1}\n"), TextJson::Bare(a.clone()));
        for text in [
            "```json\n{\"a\":1}\n```",
            "```\n{\"a\":1}\n```",
            "Here it is:\n\n```JSON\r\n{\"a\":1}\r\n```\r\nDone.",
            "~~~json\n{\"a\":1}\n~~~",
            "````json\n{\"a\":1}\n````",
            "```json {\"a\":1}```",
            "```{\"a\":1}```",
            "```jsonc\n{\"a\":1}\n```",
            "```json\n{\"a\":1}",
            "```python\nprint(7)\n```\nprints\n```json\n{\"a\":1}\n```",
            "```json\n{\"a\":1}\n```\nor again\n```json\n{ \"a\": 1 }\n```",
        ] {
            assert_eq!(TextJson::read(text), TextJson::Fenced(a.clone()), "{text}");
        }
        assert_eq!(TextJson::read("```\n42\n```"), TextJson::Fenced(json!(42)));
        let several = "```json\n{\"a\":1}\n```\n```json\n{\"a\":2}\n```";
        assert_eq!(TextJson::read(several), TextJson::Several);
        for text in [
            "",
            "none",
            "see {\"a\":1}",
            "```python\n42\n```",
            "```json\n{\"a\":\n```",
            "`{\"a\":1}`",
            "```",
        ] {
            assert_eq!(TextJson::read(text), TextJson::None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[`~a-zü\n{}1 ]{0,30}") {
            let _ignored = TextJson::read(&text);
        }
    }
}
