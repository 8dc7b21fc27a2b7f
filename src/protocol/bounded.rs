//! JSON of answers without bound on their size: a large one is read without its tree, or with a
//! tree that has one.
//!
//! A tree takes 72 bytes for each value, however short that is written, and more for each list and
//! object: `[1,1,…]` becomes 36 times its size, `[{"":1},…]` 80 times.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::intake::with_long_integers_as_texts;

/// Up to here a text is read as it is, in bytes.
const LARGE: usize = 8 << 20;

/// What is kept of a larger one may take so much memory, in bytes.
pub(super) const MOST_BYTES: usize = 128 << 20;

/// What the first entry of a list and of an object takes besides itself, in bytes: room is made for
/// four of them.
const LIST: usize = 3 * size_of::<Value>();
const OBJECT: usize = 450;

/// One step of a path that selects one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Name(String),
    /// From the end where it is negative.
    Index(i64),
}

/// Returns about how much memory a tree takes, in bytes.
pub(crate) fn weight(value: &Value) -> usize {
    let below = match value {
        Value::String(text) => text.len(),
        Value::Array(list) => LIST + list.iter().map(weight).sum::<usize>(),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| key.len() + weight(value));
            OBJECT + entries.sum::<usize>()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + below
}

/// Returns whether a text is too large for a tree of all that is in it.
pub(super) const fn is_large(bytes: &[u8]) -> bool {
    bytes.len() > LARGE
}

/// Reads JSON; of a large one what takes at most [`MOST_BYTES`].
pub(super) fn whole(bytes: &[u8]) -> serde_json::Result<Value> {
    if is_large(bytes) {
        selected(bytes, &[&[]])
    } else {
        serde_json::from_slice(&with_long_integers_as_texts(bytes))
    }
}

/// Reads of JSON what begins with one of these paths, and what leads there; the rest is left out.
/// What comes before a selected place of a list is null.
pub(super) fn selected(bytes: &[u8], paths: &[&[Step]]) -> serde_json::Result<Value> {
    read(bytes, paths, MOST_BYTES)
}

fn read(bytes: &[u8], paths: &[&[Step]], most: usize) -> serde_json::Result<Value> {
    let left = Cell::new(most);
    let keep = Keep {
        paths: paths.to_vec(),
        left: &left,
        most,
    };
    let bytes = with_long_integers_as_texts(bytes);
    let mut from = serde_json::Deserializer::from_slice(&bytes);
    let value = keep.deserialize(&mut from)?;
    from.end()?;
    Ok(value)
}

/// What is kept of a value.
struct Keep<'a> {
    /// What is left of the paths that led here; an empty one takes the whole value.
    paths: Vec<&'a [Step]>,
    /// How much memory may still be taken, in bytes.
    left: &'a Cell<usize>,
    most: usize,
}

impl<'a> Keep<'a> {
    /// Counts a value that is kept, and what it takes besides, in bytes.
    fn count<E: de::Error>(&self, besides: usize) -> Result<(), E> {
        let taken = size_of::<Value>() + besides;
        let left = self.left.get().checked_sub(taken).ok_or_else(|| {
            let most = self.most >> 20;
            E::custom(format!(
                "it is large, and takes more than {most} MiB of memory"
            ))
        })?;
        self.left.set(left);
        Ok(())
    }

    /// Returns what is kept of what one step leads to; `None` where nothing is.
    fn after(&self, leads: impl Fn(&Step) -> bool) -> Option<Self> {
        let is_whole = self.paths.iter().any(|path| path.is_empty());
        let paths: Vec<&'a [Step]> = if is_whole {
            vec![&[]]
        } else {
            let rest = self.paths.iter().filter_map(|path| path.split_first());
            rest.filter(|(step, _)| leads(step))
                .map(|it| it.1)
                .collect()
        };
        (!paths.is_empty()).then_some(Self { paths, ..*self })
    }

    /// Returns whether no place from this one on is kept.
    fn ends_before(&self, place: i64) -> bool {
        self.paths.iter().all(|path| match path.first() {
            None => false,
            Some(Step::Index(index)) => (0..place).contains(index),
            Some(Step::Name(_)) => true,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Keep<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keep<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        self.count(0)?;
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        self.count(0)?;
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        self.count(0)?;
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        self.count(0)?;
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        self.count(value.len())?;
        Ok(value.into())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        self.count(value.len())?;
        Ok(value.into())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        self.count(0)?;
        Ok(Value::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        self.count(OBJECT)?;
        let mut map = Map::new();
        while let Some(key) = from.next_key::<Cow<'de, str>>()? {
            match self.after(|step| matches!(step, Step::Name(name) if *name == key)) {
                Some(keep) => {
                    self.count(key.len())?;
                    drop(map.insert(key.into_owned(), from.next_value_seed(keep)?));
                }
                None => drop(from.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Value::Object(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        self.count(LIST)?;
        let mut list = Vec::new();
        for place in 0.. {
            if self.ends_before(place) {
                while from.next_element::<IgnoredAny>()?.is_some() {}
                break;
            }
            // From the end it is not known yet which one is meant: all are kept.
            let leads = |step: &Step| matches!(step, Step::Index(at) if *at == place || *at < 0);
            let next = if let Some(keep) = self.after(leads) {
                from.next_element_seed(keep)?
            } else {
                let next = from.next_element::<IgnoredAny>()?;
                let null = next.map(|_| self.count(0).map(|()| Value::Null));
                null.transpose()?
            };
            match next {
                Some(value) => list.push(value),
                None => break,
            }
        }
        Ok(Value::Array(list))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn name(name: &str) -> Step {
        Step::Name(name.to_owned())
    }

    fn kept(text: &str, paths: &[&[Step]]) -> Value {
        selected(text.as_bytes(), paths).unwrap()
    }

    // security 5
    #[test]
    fn what_is_not_selected_is_left_out() {
        let text = r#"{"a": {"b": [1, 2], "c": 3}, "pad": [1, 1, 1], "a2": {"b": 1}}"#;
        assert_eq!(
            kept(text, &[&[name("a"), name("b")]]),
            json!({"a": {"b": [1, 2]}})
        );
        assert_eq!(
            kept(text, &[&[name("a2")], &[name("z")]]),
            json!({"a2": {"b": 1}})
        );
        assert_eq!(kept(text, &[]), json!({}));
        assert_eq!(
            kept(text, &[&[]]),
            serde_json::from_str::<Value>(text).unwrap()
        );
        // What it leads through may be something else than the path says.
        assert_eq!(kept("[1, 2]", &[&[name("a")]]), json!([]));
        assert_eq!(kept("7", &[&[name("a"), Step::Index(0)]]), json!(7));
    }

    // security 5
    #[test]
    fn places_of_lists_stay_where_they_were() {
        let text = r#"{"hits": [{"id": 1, "x": 9}, {"id": 2}, {"id": 3}]}"#;
        let path = |at| [name("hits"), Step::Index(at), name("id")];
        assert_eq!(kept(text, &[&path(1)]), json!({"hits": [null, {"id": 2}]}));
        let both = kept(text, &[&path(0), &path(1)]);
        assert_eq!(both, json!({"hits": [{"id": 1}, {"id": 2}]}));
        let last = kept(text, &[&path(-1)]);
        assert_eq!(last, json!({"hits": [{"id": 1}, {"id": 2}, {"id": 3}]}));
        assert_eq!(kept(text, &[&path(7)]), json!({"hits": [null, null, null]}));
    }

    // security 5
    #[test]
    fn no_more_memory_is_taken_than_may_be() {
        let text = format!("{{\"a\": [{}1], \"b\": 2}}", "1,".repeat(99));
        let of = |paths: &[&[Step]], most| read(text.as_bytes(), paths, most);
        assert_eq!(of(&[&[name("b")]], 1000).unwrap(), json!({"b": 2}));
        assert!(of(&[&[]], 9000).is_ok());
        let error = of(&[&[]], 7000).unwrap_err().to_string();
        let said = "it is large, and takes more than 0 MiB of memory";
        assert!(error.starts_with(said), "{error}");
        assert!(of(&[&[name("a"), Step::Index(98)]], 7000).is_err());
        let long = format!("[\"{}\"]", "x".repeat(9000));
        assert!(read(long.as_bytes(), &[&[]], 9000).is_err());
        let objects = format!("[{}1]", "{\"a\":1},".repeat(10));
        assert!(read(objects.as_bytes(), &[&[]], 10 * OBJECT).is_err());
    }

    #[test]
    fn what_is_no_json_is_none() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\": 1} x",
            "{\"pad\": [1,}",
            "{\"a\": nul}",
        ] {
            assert!(
                selected(text.as_bytes(), &[&[name("a")]]).is_err(),
                "{text}"
            );
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9..1e9).prop_map(Value::from),
            "[a-c\u{e4}\"\\\\]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-c]", inner), 0..4)
                    .prop_map(|it| Value::Object(it.into_iter().collect())),
            ]
        })
    }

    fn any_path() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            "[a-c]".prop_map(Step::Name),
            (-3_i64..4).prop_map(Step::Index)
        ];
        prop::collection::vec(step, 0..4)
    }

    fn at<'a>(value: &'a Value, path: &[Step]) -> Option<&'a Value> {
        path.iter().try_fold(value, |value, step| match step {
            Step::Name(name) => value.as_object()?.get(name),
            Step::Index(index) => {
                let list = value.as_array()?;
                let from_end = i64::try_from(list.len()).ok()? + index;
                let place = if *index < 0 { from_end } else { *index };
                list.get(usize::try_from(place).ok()?)
            }
        })
    }

    proptest! {
        #[test]
        fn a_path_selects_of_what_is_kept_what_it_selects_of_all(
            value in any_json(),
            paths in prop::collection::vec(any_path(), 1..4),
        ) {
            let text = value.to_string();
            let wanted: Vec<&[Step]> = paths.iter().map(Vec::as_slice).collect();
            let part = kept(&text, &wanted);
            for path in &paths {
                prop_assert_eq!(at(&part, path), at(&value, path), "{:?}", path);
            }
            prop_assert_eq!(kept(&text, &[&[]]), value);
        }
    }
}
