//! `output.order`: a reranker's positions, mapped onto the documents that an earlier step gave.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::protocol::failure::CallFailure;
use crate::protocol::reply::Reply;
use crate::template::Reference;

/// The documents that a request carries, as the step brought them that found them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Documents {
    step: String,
    ids: Option<Vec<Value>>,
    texts: Option<Vec<Value>>,
}

impl Documents {
    /// Takes the documents from what a step brought.
    pub(crate) fn of(step: &str, outputs: &Value) -> Self {
        let list = |name: &str| outputs.get(name).and_then(Value::as_array).cloned();
        Self {
            step: step.to_owned(),
            ids: list("ids"),
            texts: list("texts"),
        }
    }

    /// Puts the documents into the order that an answer gives them, as its `ids` and `texts`.
    /// Positions that no document has, or that come twice, break the contract.
    pub(crate) fn arrange(&self, reply: &mut Reply) -> Result<(), CallFailure> {
        let Some(order) = reply.outputs.get("order") else {
            return Ok(());
        };
        let places = self.places(order)?;
        for (name, list) in [("ids", &self.ids), ("texts", &self.texts)] {
            if let Some(list) = list.as_ref().filter(|_| !reply.outputs.contains_key(name)) {
                let arranged = places.iter().map(|place| list[*place].clone()).collect();
                reply.outputs.insert(name.to_owned(), arranged);
            }
        }
        Ok(())
    }

    /// Returns how many documents there are.
    fn count(&self) -> Result<usize, CallFailure> {
        let step = &self.step;
        match (&self.ids, &self.texts) {
            (Some(ids), Some(texts)) if ids.len() != texts.len() => {
                let (ids, texts) = (ids.len(), texts.len());
                Err(CallFailure::contract(format!(
                    "step `{step}` gave {ids} ids and {texts} texts: positions in `output.order` are of neither"
                )))
            }
            (Some(list), _) | (None, Some(list)) => Ok(list.len()),
            (None, None) => Err(CallFailure::contract(format!(
                "step `{step}` gave no `ids` and no `texts` that positions in `output.order` could be of"
            ))),
        }
    }

    fn places(&self, order: &Value) -> Result<Vec<usize>, CallFailure> {
        let (count, step) = (self.count()?, &self.step);
        let Some(order) = order.as_array() else {
            return Err(CallFailure::contract(format!(
                "`output.order` is {order}, no list of positions"
            )));
        };
        let mut seen = BTreeSet::new();
        let place = |value: &Value| {
            let place = whole(value).ok_or_else(|| {
                CallFailure::contract(format!("`output.order` holds {value}, no position"))
            })?;
            if place >= count {
                return Err(CallFailure::contract(format!(
                    "`output.order` holds position {place}, but step `{step}` gave {count} documents (0 is the first)"
                )));
            }
            if !seen.insert(place) {
                return Err(CallFailure::contract(format!(
                    "`output.order` holds position {place} twice"
                )));
            }
            Ok(place)
        };
        order.iter().map(place).collect()
    }
}

/// Reads a position: a whole number, as a number or as a text.
fn whole(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().filter(|it| it.fract() == 0.0 && *it >= 0.0);
            let place = number.as_u64().or(float.map(|it| it as u64));
            place.and_then(|place| usize::try_from(place).ok())
        }
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Returns the step whose documents a request carries: the one whose `texts` it names, else the
/// only one that it names. `None` where that cannot be told.
pub(in crate::protocol) fn source_of<'a>(
    references: impl IntoIterator<Item = &'a Reference>,
) -> Option<String> {
    let (mut with_texts, mut all) = (BTreeSet::new(), BTreeSet::new());
    for reference in references {
        if let [root, step, rest @ ..] = reference.as_slice()
            && root == "steps"
        {
            all.insert(step.clone());
            if rest.first().is_some_and(|output| output == "texts") {
                with_texts.insert(step.clone());
            }
        }
    }
    let found = if with_texts.is_empty() {
        all
    } else {
        with_texts
    };
    let mut found = found.into_iter();
    found.next().filter(|_| found.next().is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arranged(order: Value) -> Result<(Value, Value), String> {
        let given = json!({"ids": ["a", "b", "c"], "texts": ["A", "B", "C"]});
        let mut reply = Reply::default();
        reply.outputs.insert("order".to_owned(), order);
        let done = Documents::of("find", &given).arrange(&mut reply);
        done.map_err(|failure| failure.detail)?;
        Ok((reply.outputs["ids"].clone(), reply.outputs["texts"].clone()))
    }

    /// verdicts G8
    #[test]
    fn positions_become_the_documents_of_the_step_before() {
        let some = (json!(["c", "a"]), json!(["C", "A"]));
        for order in [json!([2, 0]), json!([2.0, 0.0]), json!(["2", "0"])] {
            assert_eq!(arranged(order), Ok(some.clone()));
        }
        assert_eq!(arranged(json!([])), Ok((json!([]), json!([]))));
        for (order, said) in [
            (
                json!([0, 3]),
                "position 3, but step `find` gave 3 documents",
            ),
            (json!([1, 1]), "position 1 twice"),
            (json!([-1]), "-1, no position"),
            (json!([0.5]), "0.5, no position"),
            (json!([null]), "null, no position"),
            (json!(1), "is 1, no list of positions"),
        ] {
            let failure = arranged(order).unwrap_err();
            assert!(failure.contains(said), "{failure}");
        }
    }

    #[test]
    fn lists_of_different_lengths_cannot_be_arranged() {
        let given = json!({"ids": ["a"], "texts": ["A", "B"]});
        let mut reply = Reply::default();
        reply.outputs.insert("order".to_owned(), json!([0]));
        let failure = Documents::of("find", &given).arrange(&mut reply);
        assert!(failure.unwrap_err().detail.contains("1 ids and 2 texts"));
    }

    #[test]
    fn the_step_whose_texts_are_sent_gave_the_documents() {
        let path = |text: &str| text.split('.').map(str::to_owned).collect::<Reference>();
        let of = |paths: &[&str]| {
            let paths: Vec<Reference> = paths.iter().map(|it| path(it)).collect();
            source_of(&paths)
        };
        assert_eq!(of(&["steps.a.texts", "steps.b.text"]).as_deref(), Some("a"));
        assert_eq!(of(&["steps.a.hits", "input"]).as_deref(), Some("a"));
        assert_eq!(of(&["steps.a.texts", "steps.b.texts"]), None);
        assert_eq!(of(&["input.documents"]), None);
    }
}
