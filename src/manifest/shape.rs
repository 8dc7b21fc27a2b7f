//! TOML table → Rust type, with every error and not only the first: what is wrong is noted, taken
//! out, and the rest is read again.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error, ValueDeserializer};

use super::error::Problems;
use super::span::Span;
use crate::registry::suggest;

/// So much that is wrong is looked for in one table.
const MOST_WRONG: usize = 100;

/// What is being read, for messages and suggestions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    /// For instance "stage `gateway`".
    pub(super) what: &'a str,
    /// Where the table's header stands.
    pub(super) span: &'a Span,
    /// Keys that are legal in the table besides those of the type.
    pub(super) shared: &'a [&'a str],
}

/// What became of a table.
#[derive(Debug)]
pub(super) struct Read<T> {
    /// Read from what was right in the table; `None` when that was too little.
    pub(super) value: Option<T>,
    /// The keys of the table that were wrong, or wrong inside.
    pub(super) wrong: BTreeSet<String>,
    /// Whether nothing was wrong.
    pub(super) clean: bool,
}

/// Reads a table. Everything that is wrong has been added to `problems`.
pub(super) fn read<T: DeserializeOwned>(
    table: DeTable<'static>,
    subject: Subject<'_>,
    problems: &mut Problems,
) -> Read<T> {
    read_with(table, subject, problems, |value| {
        T::deserialize(ValueDeserializer::from(value))
    })
}

/// Reads a table by a function, again and again until nothing is wrong with what is left of it.
pub(super) fn read_with<T>(
    mut table: DeTable<'static>,
    subject: Subject<'_>,
    problems: &mut Problems,
    read: impl Fn(Spanned<DeValue<'static>>) -> Result<T, Error>,
) -> Read<T> {
    let mut removed: Vec<(Span, String)> = Vec::new();
    let mut wrong = BTreeSet::new();
    loop {
        let value = Spanned::new(subject.span.clone(), DeValue::Table(table.clone()));
        let error = match read(value) {
            Ok(read) => {
                return Read {
                    value: Some(read),
                    clean: removed.is_empty(),
                    wrong,
                };
            }
            Err(error) => error,
        };
        let span = error.span().unwrap_or_else(|| subject.span.clone());
        let path = path_to(&table, &span);
        let missing = quoted_after(error.message(), "missing field ");
        // What is missing only because it was wrong and taken out has been reported already.
        let known =
            missing.is_some_and(|key| removed.iter().any(|(at, gone)| *at == span && gone == key));
        if !known {
            report(&error, &span, path.as_deref(), subject, problems);
        }
        wrong.extend(
            path.iter()
                .flatten()
                .take(1)
                .filter_map(key_of)
                .map(str::to_owned),
        );
        match path.and_then(|path| remove(&mut table, subject.span, &path)) {
            Some(gone) if removed.len() < MOST_WRONG => removed.push(gone),
            // Each is found by reading the whole table once more.
            Some(_) => {
                let message = format!("{} has more that is wrong", subject.what);
                let help = "Correct what is said before; the rest is looked for then.";
                problems.at(subject.span.clone(), message, Some(help.to_owned()));
                return Read {
                    value: None,
                    clean: false,
                    wrong,
                };
            }
            None => {
                return Read {
                    value: None,
                    clean: false,
                    wrong,
                };
            }
        }
    }
}

/// One step from a table or array to what is inside.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// Finds the innermost entry that covers a span; `None` when it is the table itself.
fn path_to(table: &DeTable<'_>, span: &Span) -> Option<Vec<Step>> {
    table.iter().find_map(|(key, value)| {
        let step = Step::Key(key.get_ref().to_string());
        if covers(&key.span(), span) {
            return Some(vec![step]);
        }
        path_into(value, step, span)
    })
}

fn path_into(value: &Spanned<DeValue<'_>>, step: Step, span: &Span) -> Option<Vec<Step>> {
    let inner = match value.get_ref() {
        DeValue::Table(table) => path_to(table, span),
        DeValue::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, item)| path_into(item, Step::Index(at), span)),
        _ => None,
    };
    match inner {
        Some(inner) => Some([vec![step], inner].concat()),
        None => covers(&value.span(), span).then(|| vec![step]),
    }
}

fn covers(outer: &Span, inner: &Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end && !outer.is_empty()
}

/// Takes an entry out and returns where its table stands and its key.
fn remove(table: &mut DeTable<'_>, span: &Span, path: &[Step]) -> Option<(Span, String)> {
    match path {
        [Step::Key(key)] => table
            .remove(key.as_str())
            .map(|_| (span.clone(), key.clone())),
        [Step::Key(key), rest @ ..] => remove_inside(table.get_mut(key.as_str())?, rest),
        _ => None,
    }
}

fn remove_inside(value: &mut Spanned<DeValue<'_>>, path: &[Step]) -> Option<(Span, String)> {
    let span = value.span();
    match (value.get_mut(), path) {
        (DeValue::Table(table), path) => remove(table, &span, path),
        (DeValue::Array(items), [Step::Index(at)]) => {
            let kept = items.iter().enumerate().filter(|(index, _)| index != at);
            *items = kept.map(|(_, item)| item.clone()).collect();
            Some((span, at.to_string()))
        }
        (DeValue::Array(items), [Step::Index(at), rest @ ..]) => {
            remove_inside(items.get_mut(*at)?, rest)
        }
        _ => None,
    }
}

/// Puts an error of serde into the words of the manifest.
fn report(
    error: &Error,
    span: &Span,
    path: Option<&[Step]>,
    subject: Subject<'_>,
    problems: &mut Problems,
) {
    let message = error.message();
    let keys: Vec<&str> = path.unwrap_or_default().iter().filter_map(key_of).collect();
    let what = subject.what;
    if let Some(key) = quoted_after(message, "unknown field ") {
        let outer = keys.split_last().map_or(&[][..], |(_, outer)| outer);
        let place = of(outer, what);
        let mut known = quoted_words(message.split_once(", expected ").map_or("", |(_, it)| it));
        if outer.is_empty() {
            known.extend_from_slice(subject.shared);
        }
        problems.at(
            span.clone(),
            format!("unknown key `{key}` in {place}"),
            suggest(key, &known),
        );
    } else if let Some(key) = quoted_after(message, "missing field ") {
        let help = format!("Add `{key} = …`.");
        problems.at(
            span.clone(),
            format!("{} has no `{key}`", of(&keys, what)),
            Some(help),
        );
    } else if let Some(written) = quoted_after(message, "unknown variant ") {
        let known = quoted_words(message.split_once(", expected ").map_or("", |(_, it)| it));
        problems.at(
            span.clone(),
            format!("{} cannot be `{written}`", of(&keys, what)),
            suggest(written, &known),
        );
    } else {
        let message = format!("{}: {}", of(&keys, what), plain_words(message));
        problems.at(span.clone(), message, None);
    }
}

fn key_of(step: &Step) -> Option<&str> {
    match step {
        Step::Key(key) => Some(key),
        Step::Index(_) => None,
    }
}

/// Names a key of the subject, or the subject itself.
fn of(keys: &[&str], what: &str) -> String {
    if keys.is_empty() {
        what.to_owned()
    } else {
        format!("`{}` of {what}", keys.join("."))
    }
}

/// Returns the backquoted word that follows a beginning.
fn quoted_after<'a>(message: &'a str, beginning: &str) -> Option<&'a str> {
    let rest = message.strip_prefix(beginning)?.strip_prefix('`')?;
    rest.split_once('`').map(|(word, _)| word)
}

/// Returns every backquoted word.
fn quoted_words(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Turns `invalid type: string "x", expected u32` round and into plain words.
fn plain_words(message: &str) -> String {
    let rest = ["invalid type: ", "invalid value: ", "invalid length "]
        .iter()
        .find_map(|beginning| message.strip_prefix(beginning));
    let Some((found, expected)) = rest.and_then(|rest| rest.rsplit_once(", expected ")) else {
        return message.to_owned();
    };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize" => {
            "a whole number"
        }
        "f32" | "f64" => "a number",
        "a boolean" => "`true` or `false`",
        "a sequence" => "an array",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    let found = match found {
        "map" => "a table",
        "sequence" => "an array",
        other => other,
    };
    format!("expected {expected}, found {found}")
}

#[cfg(test)]
mod tests {
    use crate::manifest::testing::{SMALL, spoilt, wrong};

    #[test]
    fn every_shape_error_is_shown_at_once() {
        let text = SMALL
            .replace("timeout = \"10s\"", "timeout = \"10\"\nproxy = 9101")
            .replace("duration = \"60s\"", "duration = \"60s\"\nseeed = 3")
            .replace(
                "golden = \"golden.jsonl\"",
                "golden = \"golden.jsonl\"\nrepeats = \"three\"\nconcurency = 3",
            );
        insta::assert_snapshot!(wrong(&text), @r#"
x 5 problems in `stagegate.toml`

Error:
  x `timeout` of stage `gateway`: `10` is not a duration; write it like
  | `250ms`, `2s`, or `5m`
    ,-[stagegate.toml:21:11]
 20 | calls = ["retrieve"]
 21 | timeout = "10"
    :           ^^^^
 22 | proxy = 9101
    `----

Error:
  x `proxy` of stage `gateway`: expected a string, found integer `9101`
    ,-[stagegate.toml:22:9]
 21 | timeout = "10"
 22 | proxy = 9101
    :         ^^^^
 23 | slo = { response_time.p95 = "2s", error_rate = "1%" }
    `----

Error:
  x unknown key `seeed` in load `peak`
    ,-[stagegate.toml:33:1]
 32 | duration = "60s"
 33 | seeed = 3
    : ^^^^^
 34 |
    `----
  help: Did you mean `seed`?

Error:
  x `repeats` of eval `answers`: expected a whole number, found string "three"
    ,-[stagegate.toml:38:11]
 37 | golden = "golden.jsonl"
 38 | repeats = "three"
    :           ^^^^^^^
 39 | concurency = 3
    `----

Error:
  x unknown key `concurency` in eval `answers`
    ,-[stagegate.toml:39:1]
 38 | repeats = "three"
 39 | concurency = 3
    : ^^^^^^^^^^
 40 | slice_by = ["lang"]
    `----
  help: Did you mean `concurrency`?
"#);
    }

    #[test]
    fn unknown_keys_list_what_is_known_when_nothing_is_near() {
        insta::assert_snapshot!(spoilt("duration = \"60s\"", "duration = \"60s\"\nusers = 3"), @r#"
x unknown key `users` in load `peak`
    ,-[stagegate.toml:32:1]
 31 | duration = "60s"
 32 | users = 3
    : ^^^^^
 33 |
    `----
  help: Known are `arrivals`, `connections`, `data`, `duration`,
        `honour_retry_after`, `max_cost`, `max_requests`, `max_tokens_total`,
        `mix`, `order`, `prompts`, `requests`, `score_with`, `seed`,
        `sessions`, `target`, `warmup`.
"#);
        insta::assert_snapshot!(spoilt("[gate]", "[defaults]\na = 1\n[gate]"), @r#"
x unknown key `defaults`
    ,-[stagegate.toml:40:2]
 39 |
 40 | [defaults]
    :  ^^^^^^^^
 41 | a = 1
    `----
  help: Known are `accept`, `deployment`, `env`, `eval`, `fault`, `gate`,
        `load`, `pipeline`, `release`, `stage`, `version`.
"#);
        insta::assert_snapshot!(spoilt("loads = [\"peak\"]", "loads = [\"peak\"]\nmode = \"duet\""), @r#"
x `mode` of `[gate]` cannot be `duet`
    ,-[stagegate.toml:42:8]
 41 | loads = ["peak"]
 42 | mode = "duet"
    :        ^^^^^^
 43 | evals = ["answers"]
    `----
  help: Known are `abba`, `stored`.
"#);
    }

    #[test]
    fn units_are_checked_where_they_stand() {
        insta::assert_snapshot!(spoilt("rate = \"20/s\"", "rate = \"20\""), @r#"
x `arrivals.rate` of load `peak`: `20` is not a rate; write it like `20/s`,
  | `600/m`, or `1000/h`
    ,-[stagegate.toml:30:42]
 29 | target = "gateway"
 30 | arrivals = { process = "poisson", rate = "20" }
    :                                          ^^^^
 31 | duration = "60s"
    `----
"#);
        insta::assert_snapshot!(spoilt("duration = \"60s\"", "duration = 60"), @r#"
x `duration` of load `peak`: expected a duration such as `250ms`, `2s`, or
  | `5m`, found integer `60`
    ,-[stagegate.toml:31:12]
 30 | arrivals = { process = "poisson", rate = "20/s" }
 31 | duration = 60
    :            ^^
 32 |
    `----
"#);
        insta::assert_snapshot!(spoilt("error_rate = \"1%\"", "error_rate = \"101%\""), @r#"
x `slo.error_rate` of stage `gateway`: `101%` is not a share between 0 and
  | 1; write it like `5%` or `0.05`
    ,-[stagegate.toml:22:48]
 21 | timeout = "10s"
 22 | slo = { response_time.p95 = "2s", error_rate = "101%" }
    :                                                ^^^^^^
 23 |
    `----
"#);
    }
}
