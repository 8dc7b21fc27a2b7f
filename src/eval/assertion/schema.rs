//! A JSON Schema that comes to an end on any value: its steps are counted, as `anyOf`s whose parts
//! lead to one `anyOf` twice double them at each.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::patterns;
use crate::intake;

/// A keyword of ours, which takes a step where a subschema with others inside is held against a
/// value.
const STEP: &str = "x-stagegate-step";

/// So many steps may be taken to say what is wrong, once it is known that something is.
const STEPS_TO_SAY: u64 = 20_000;

/// So many faults are named; the rest is counted.
const NAMED: usize = 3;

/// Said of a fault that an integer may have only because no number holds it.
const LONG_AS_TEXT: &str = " (an integer of more than 64 bits is read as the text of its digits)";

/// How much of a fault is said, in bytes: it repeats what it is about.
const LONGEST: usize = 2048;

/// Where a keyword holds one schema, or a list of some.
const ONE_OR_LIST: [&str; 16] = [
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Where a keyword holds schemas by name.
const BY_NAME: [&str; 4] = [
    "dependencies",
    "dependentSchemas",
    "patternProperties",
    "properties",
];

/// Where a keyword names a schema.
const REFERENCES: [&str; 3] = ["$dynamicRef", "$recursiveRef", "$ref"];

/// Where a keyword holds values, and no schemas.
const VALUES: [&str; 4] = ["const", "default", "enum", "examples"];

thread_local! {
    /// How many steps this thread may still take.
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

/// A schema whose steps are counted.
#[derive(Debug)]
pub(super) struct Counted(Validator);

/// It took too many steps.
#[derive(Debug, PartialEq)]
pub(super) struct TooMany;

impl Counted {
    /// Compiles a schema. References to other documents are not followed: a check must not depend
    /// on the network.
    pub(super) fn build(schema: &Value) -> Result<Self, String> {
        patterns::count(schema)?;
        let mut counted = schema.clone();
        count(&mut counted);
        let options = jsonschema::options().with_keyword(STEP, step);
        options.build(&counted).map(Self).map_err(|error| {
            // What is wrong with it is said of the schema as it was written.
            let written = jsonschema::validator_for(schema).err();
            bounded(&written.unwrap_or(error))
        })
    }

    /// Returns what is wrong with a value; `None` where nothing is.
    pub(super) fn fault(&self, value: &Value) -> Result<Option<String>, TooMany> {
        let most = intake::SCHEMA_STEPS.most();
        if within(most, || self.0.is_valid(value)).ok_or(TooMany)? {
            return Ok(None);
        }
        let said = within(STEPS_TO_SAY, || {
            let mut faults = self.0.iter_errors(value);
            let named: Vec<String> = faults.by_ref().take(NAMED).map(|it| fault(&it)).collect();
            (named, faults.count())
        });
        Ok(Some(match said {
            Some((named, 0)) => named.join("; "),
            Some((named, more)) => format!("{}; and {more} more", named.join("; ")),
            None => "the schema does not allow it, in more ways than can be named".to_owned(),
        }))
    }
}

fn fault(error: &ValidationError<'_>) -> String {
    let long = error.instance().as_str();
    let is_long = long.is_some_and(|it| intake::is_long_integer(it.as_bytes()));
    let as_text = if is_long { LONG_AS_TEXT } else { "" };
    match error.instance_path().to_string() {
        at if at.is_empty() => bounded(&format_args!("{error}{as_text}")),
        at => bounded(&format_args!("{at}: {error}{as_text}")),
    }
}

/// Writes at most [`LONGEST`] bytes of what something says.
fn bounded(said: &impl fmt::Display) -> String {
    struct Short(String);

    impl fmt::Write for Short {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let end = text.floor_char_boundary(LONGEST - self.0.len());
            self.0.push_str(&text[..end]);
            if end < text.len() {
                Err(fmt::Error)
            } else {
                Ok(())
            }
        }
    }

    let mut short = Short(String::new());
    match write!(short, "{said}") {
        Ok(()) => short.0,
        Err(fmt::Error) => short.0 + "…",
    }
}

/// Puts the keyword into every subschema that has others inside. It goes where it is reached by
/// whatever is repeated: into an `allOf`, which is looked at before what takes one of several, and
/// after what takes all.
fn count(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(count),
        Value::Object(keys) => {
            for (key, inside) in keys.iter_mut() {
                if BY_NAME.contains(&key.as_str()) {
                    inside
                        .as_object_mut()
                        .into_iter()
                        .flatten()
                        .for_each(|it| count(it.1));
                } else if !VALUES.contains(&key.as_str()) {
                    // Also below keywords that nobody knows: references lead there.
                    count(inside);
                }
            }
            let lists = [&ONE_OR_LIST[..], &BY_NAME, &REFERENCES];
            let leads_on = |key: &String| lists.iter().any(|it| it.contains(&key.as_str()));
            let has_others = keys.keys().any(leads_on);
            if !has_others {
                return;
            }
            let all = keys.entry("allOf").or_insert_with(|| json!([]));
            if let Value::Array(all) = all {
                all.push(json!({STEP: true}));
            }
        }
        _ => {}
    }
}

struct Step;

impl<'i> Keyword<'i> for Step {
    fn validate(&self, _: &'i Value) -> Result<(), ValidationError<'i>> {
        take();
        Ok(())
    }

    fn is_valid(&self, _: &'i Value) -> bool {
        take();
        true
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a factory of keywords may fail")]
fn step<'a>(
    _: &'a Map<String, Value>,
    _: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    Ok(Box::new(Step))
}

/// What unwinds out of a validator whose steps are over: nothing else ends one.
struct Over;

fn take() {
    match LEFT.get().checked_sub(1) {
        Some(left) => LEFT.set(left),
        None => resume_unwind(Box::new(Over)),
    }
}

/// Returns what comes of something that takes at most so many steps; `None` where it takes more.
fn within<T>(steps: u64, work: impl FnOnce() -> T) -> Option<T> {
    LEFT.set(steps);
    let done = catch_unwind(AssertUnwindSafe(work));
    LEFT.set(u64::MAX);
    match done {
        Ok(done) => Some(done),
        Err(reason) if reason.is::<Over>() => None,
        Err(reason) => resume_unwind(reason),
    }
}
