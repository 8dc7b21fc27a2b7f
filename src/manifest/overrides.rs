//! `--set KEY=VALUE`: laid over the manifest before anything is read from it.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::depth::is_deep;
use super::error::Problems;
use super::span::Span;
use crate::intake;
use crate::name::split_dotted;
use crate::text::excerpt;

/// How much of an override that is too long is repeated.
const SHOWN_CHARS: usize = 60;

/// Sets one value, making tables on the way. `shown` is `KEY=VALUE` with a key of that length, and
/// `offset` is where it begins in the numbering of spans.
pub(super) fn apply(
    root: &mut DeTable<'static>,
    shown: &'static str,
    key_length: usize,
    offset: usize,
    problems: &mut Problems,
) {
    let (key, value) = (&shown[..key_length], &shown[key_length + 1..]);
    let key_span = offset..offset + key_length;
    let parts = key.bytes().filter(|it| *it == b'.').count() as u64;
    let long = intake::OVERRIDE.is_passed_by(shown.len() as u64);
    if long || intake::MANIFEST_KEYS.is_passed_by(parts) || is_deep(shown) {
        let start = excerpt(shown.as_bytes(), SHOWN_CHARS);
        let (most, deep) = (intake::OVERRIDE, intake::MANIFEST_KEYS);
        let message = format!("`--set {start}` is too long or too deep");
        let help = format!("It may have {most}, and keys of {deep} parts.");
        problems.at(key_span, message, Some(help));
        return;
    }
    let Some(path) = split_dotted(key).filter(|path| path.iter().all(|it| !it.is_empty())) else {
        let message = format!("`{key}` is not a dotted key, from `--set {shown}`");
        let help = "Write it like `load.peak.duration=10s`.".to_owned();
        problems.at(key_span, message, Some(help));
        return;
    };
    let value_at = key_span.end + 1;
    let new = parse(value, value_at);
    if let Err(part) = set_in_table(root, &path, new, &key_span) {
        let message = format!("`{part}` is not a table, from `--set {shown}`");
        problems.at(key_span, message, None);
    }
}

/// Reads a value as TOML, else as the text it is: `10s` needs no quotes.
fn parse(text: &'static str, offset: usize) -> Spanned<DeValue<'static>> {
    match DeValue::parse(text) {
        Ok(value) => shift(value, offset),
        Err(_) => Spanned::new(
            offset..offset + text.len(),
            DeValue::String(Cow::Borrowed(text)),
        ),
    }
}

/// Moves every span of a value.
fn shift(value: Spanned<DeValue<'static>>, by: usize) -> Spanned<DeValue<'static>> {
    let moved = |span: Span| span.start + by..span.end + by;
    let span = moved(value.span());
    let inner = match value.into_inner() {
        DeValue::Array(items) => {
            let items = items.into_iter().map(|item| shift(item, by));
            DeValue::Array(items.collect::<DeArray<'static>>())
        }
        DeValue::Table(entries) => {
            let entries = entries.into_iter().map(|(key, value)| {
                let key = Spanned::new(moved(key.span()), key.into_inner());
                (key, shift(value, by))
            });
            DeValue::Table(entries.collect())
        }
        scalar => scalar,
    };
    Spanned::new(span, inner)
}

/// `Err` names the part of the path that is there already and is no table.
fn set_in_table(
    table: &mut DeTable<'static>,
    path: &[String],
    new: Spanned<DeValue<'static>>,
    span: &Span,
) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(());
    };
    if rest.is_empty() {
        table.remove(first.as_str());
        table.insert(Spanned::new(span.clone(), first.clone().into()), new);
        return Ok(());
    }
    if !table.contains_key(first.as_str()) {
        let key = Spanned::new(span.clone(), first.clone().into());
        let empty = Spanned::new(span.clone(), DeValue::Table(DeTable::new()));
        table.insert(key, empty);
    }
    match table.get_mut(first.as_str()).map(Spanned::get_mut) {
        Some(DeValue::Table(inner)) => set_in_table(inner, rest, new, span),
        Some(DeValue::Array(items)) => set_in_array(items, first, rest, new, span),
        _ => Err(first.clone()),
    }
}

/// Follows a number into an array: `gate.rule.0.max=2s`.
fn set_in_array(
    items: &mut DeArray<'static>,
    name: &str,
    path: &[String],
    new: Spanned<DeValue<'static>>,
    span: &Span,
) -> Result<(), String> {
    let (first, rest) = path.split_first().ok_or(name)?;
    let index: usize = first.parse().map_err(|_| name)?;
    let item = items.get_mut(index).ok_or(name)?;
    if rest.is_empty() {
        *item = new;
        return Ok(());
    }
    match item.get_mut() {
        DeValue::Table(inner) => set_in_table(inner, rest, new, span),
        DeValue::Array(inner) => set_in_array(inner, first, rest, new, span),
        _ => Err(first.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::arrival::{Length, Until};
    use crate::manifest::testing::{render, with};
    use crate::metric::{Limit, Unit};

    #[test]
    fn overrides_are_shown_as_they_were_written() {
        let error = with(&[
            ("load.peak.arrivals.rate", "20"),
            ("load.peak.seed", "seven"),
        ]);
        insta::assert_snapshot!(render(&error.expect_err("both are wrong")), @r#"
x 2 problems in `stagegate.toml`

Error:
  x `arrivals.rate` of load `peak`: expected a rate such as `20/s` or `600/m`,
  | found integer `20`
   ,-[--set load.peak.arrivals.rate=20:1:25]
 1 | load.peak.arrivals.rate=20
   :                         ^^
   `----

Error:
  x `seed` of load `peak`: expected a whole number, found string "seven"
   ,-[--set load.peak.seed=seven:1:16]
 1 | load.peak.seed=seven
   :                ^^^^^
   `----
"#);
        let error = with(&[("version.x", "1")]);
        insta::assert_snapshot!(render(&error.expect_err("`version` is a number")), @r#"
x `version` is not a table, from `--set version.x=1`
   ,-[--set version.x=1:1:1]
 1 | version.x=1
   : ^^^^^^^^^
   `----
"#);
    }

    #[test]
    fn overrides_change_add_and_create() {
        let manifest = with(&[
            ("load.peak.seed", "11"),
            ("load.peak.duration", "5s"),
            (
                "stage.retrieve.timeout",
                "{ connect = \"1s\", total = \"3s\" }",
            ),
            ("env.local.api", "http://127.0.0.1:9000"),
            ("gate.rule.0.max", "3s"),
        ]);
        let manifest = manifest.unwrap_or_else(|error| panic!("{}", render(&error)));

        let load = manifest.load_named("peak").unwrap();
        assert_eq!(
            (load.seed, load.until),
            (11, Length::Until(Until::Duration(Duration::from_secs(5))))
        );
        let timeout = manifest.stage("retrieve").unwrap().timeout;
        assert_eq!(timeout.connect, Some(Duration::from_secs(1)));
        assert_eq!(timeout.total, Duration::from_secs(3));
        let (_, environment) = manifest.environment(None).unwrap();
        assert_eq!(environment.values["api"], "http://127.0.0.1:9000");
        assert_eq!(
            manifest.gate.unwrap().rules[0].max,
            Some(Limit {
                value: 3_000.0,
                unit: Unit::Time
            })
        );
    }
}
