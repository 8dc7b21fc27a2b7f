//! One output as the manifest has it: where it is in an answer, and, of yes and no, what means yes.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{self, DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::path::OutputPath;
use super::truth::Truth;

/// The outputs that are yes or no.
pub(super) const YES_OR_NO: [&str; 3] = ["error", "fallback", "hit"];

/// Returns whether an output is yes or no.
pub(super) fn is_yes_or_no(name: &str) -> bool {
    YES_OR_NO.contains(&name)
}

/// Where an output is found, and what it says.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) place: Place,
    pub(super) truth: Truth,
    /// Whether an answer that does not have it says no; otherwise that is not known.
    pub(super) absent_is_no: bool,
}

/// Where an output is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Header(String),
    Path {
        path: OutputPath,
        /// What the path looks into; `None` for the whole of the answer: its body, or the events of
        /// its stream.
        within: Option<Within>,
        /// Of a stream, only the events of this name.
        event: Option<String>,
        take: Take,
    },
    /// The data of a stream's events, its lines, or its chunks, as they are.
    Data {
        event: Option<String>,
    },
}

/// What a path looks into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Within {
    /// The body, as JSON.
    Body,
    /// The answer's own text, read as JSON, through a Markdown fence too.
    Text,
    /// Each event of a stream.
    Events,
}

/// Which events of a stream an output is taken from, of those that have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Take {
    /// The last.
    #[default]
    Last,
    /// All, one after the other in one list.
    All,
}

/// What a missing field means.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Absent {
    No,
}

// The table form, as it is written. Not a doc comment: the schema would show it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Table {
    /// A JSONPath (RFC 9535); for `delta` also `data`.
    path: Option<String>,
    /// What the path looks into: the body where the answer comes whole, the events where it is a
    /// stream.
    #[serde(rename = "in")]
    within: Option<Within>,
    /// A header of the answer, in place of a path.
    header: Option<String>,
    /// Of a stream of server-sent events: only events of this name.
    event: Option<String>,
    /// Of a stream: the last event that has it, or all of them in one list.
    take: Option<Take>,
    /// Yes is this value, or one of these.
    equals: Option<Value>,
    /// Yes is anything but this value, or these.
    not: Option<Value>,
    /// What an answer without it says; not known otherwise.
    absent: Option<Absent>,
    /// Of the key `hit` of a cache: as `equals`.
    #[schemars(skip)]
    value: Option<Value>,
}

/// Describes an output, in either form.
pub(super) fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let table = Table::json_schema(generator);
    schemars::json_schema!({
        "anyOf": [{"type": "string", "pattern": "^(\\$|data$)"}, table],
        "description": "a JSONPath (RFC 9535) into the answer, or a table"
    })
}

/// Reads the output of a name.
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    /// Whether it stands in a key of its own, as the `hit` of a cache does.
    pub(super) is_key: bool,
}

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = Output;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Output, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Named<'_> {
    type Value = Output;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSONPath such as `\"$.answer\"`, `{ path = \"$.answer\", in = \"text\" }`, or `{ header = \"x-name\" }`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Output, E> {
        let place = self.path(text, None, None, None);
        Ok(Output::plain(place.map_err(E::custom)?))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Output, A::Error> {
        let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        self.of_table(table).map_err(de::Error::custom)
    }
}

impl Named<'_> {
    fn path(
        &self,
        text: &str,
        within: Option<Within>,
        event: Option<String>,
        take: Option<Take>,
    ) -> Result<Place, String> {
        if text == "data" {
            return if self.name == "delta" {
                Ok(Place::Data { event })
            } else {
                Err("`data` is not a JSONPath: only `delta` can be it".to_owned())
            };
        }
        Ok(Place::Path {
            path: OutputPath::parse(text)?,
            within,
            event,
            take: take.unwrap_or_default(),
        })
    }

    fn of_table(&self, table: Table) -> Result<Output, String> {
        let equals = table.equals.or(table.value.clone().filter(|_| self.is_key));
        let judges = equals.is_some() || table.not.is_some() || table.absent.is_some();
        if judges && !is_yes_or_no(self.name) {
            let names = YES_OR_NO.map(|name| format!("`{name}`")).join(", ");
            return Err(format!(
                "`equals`, `not`, and `absent` are for outputs that are yes or no: {names}"
            ));
        }
        if table.value.is_some() && !self.is_key {
            return Err("there is no key `value`; write `equals`".to_owned());
        }
        let is_header = table.header.is_some();
        let of_paths = table.within.is_some() || table.event.is_some() || table.take.is_some();
        if is_header && of_paths {
            return Err("`in`, `event`, and `take` go with `path`, not with `header`".to_owned());
        }
        let place = match (table.path, table.header) {
            (Some(_), Some(_)) => {
                return Err("write `path` or `header`, not both".to_owned());
            }
            (None, None) => return Err("write `path = \"$.…\"` or `header = \"…\"`".to_owned()),
            (Some(path), None) => self.path(&path, table.within, table.event, table.take)?,
            (None, Some(header)) => self.header(header)?,
        };
        let listed = |value: Value| match value {
            Value::Array(values) => values,
            one => vec![one],
        };
        let truth = match (equals, table.not) {
            (Some(_), Some(_)) => return Err("write `equals` or `not`, not both".to_owned()),
            (Some(value), None) => Truth::Equals(listed(value)),
            (None, Some(value)) => Truth::Not(listed(value)),
            (None, None) if self.name == "hit" && is_header => Truth::HitWord,
            (None, None) => Truth::Truthy,
        };
        Ok(Output {
            place,
            truth,
            absent_is_no: table.absent.is_some(),
        })
    }

    fn header(&self, name: String) -> Result<Place, String> {
        if matches!(self.name, "delta" | "order") {
            return Err(format!("`{}` cannot be in a header", self.name));
        }
        match http::HeaderName::from_bytes(name.as_bytes()) {
            Ok(_) => Ok(Place::Header(name)),
            Err(_) => Err(format!("`{name}` is not the name of a header")),
        }
    }
}

impl Output {
    fn plain(place: Place) -> Self {
        Self {
            place,
            truth: Truth::Truthy,
            absent_is_no: false,
        }
    }

    /// Returns whether it is looked for in the answer's own text.
    pub(super) fn is_in_text(&self) -> bool {
        matches!(&self.place, Place::Path { within, .. } if *within == Some(Within::Text))
    }

    /// Returns where it is looked for, as messages name it.
    pub(super) fn place_text(&self) -> String {
        match &self.place {
            Place::Header(name) => format!("header `{name}`"),
            Place::Path { path, .. } => format!("`{}`", path.as_str()),
            Place::Data { .. } => "`data`".to_owned(),
        }
    }

    /// Returns what the value says, for an output that is yes or no; `None` where that is not
    /// known.
    pub(super) fn says(&self, found: Option<&Value>) -> Option<bool> {
        let several = matches!(&self.place, Place::Path { path, take, .. } if path.selects_many() || *take == Take::All);
        match found {
            Some(value) => Some(self.truth.says(value, several)),
            None => self.absent_is_no.then_some(false),
        }
    }
}
