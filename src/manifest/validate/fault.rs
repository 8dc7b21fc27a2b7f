//! `[fault.NAME]`: what is injected, under which load, and what is expected of the rest.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use super::stage::kind_table;
use super::{Known, exists, read, required};
use crate::manifest::document::{Section, Table};
use crate::manifest::error::Problems;
use crate::manifest::model::Fault;
use crate::manifest::raw;
use crate::metric::{Expectation, Limit, Unit, Written};
use crate::registry::suggest;

/// The keys that every kind of injection has.
const SHARED: [&str; 1] = ["kind"];

pub(super) fn fault(section: Section, known: &Known, problems: &mut Problems) -> Option<Fault> {
    let mut table = section.table;
    let inject = table.entries.remove("inject");
    let expect = table.entries.remove("expect");
    let (raw, heading) = read::<raw::Fault>(table, &["inject", "expect"], problems);
    let inject = required(inject, "inject", &heading, problems).and_then(|value| {
        let what = format!("`inject` of {}", heading.what);
        let span = value.span();
        let DeValue::Table(entries) = value.into_inner() else {
            problems.at(span, format!("{what} is not a table"), None);
            return None;
        };
        let table = Table {
            what,
            span,
            entries,
        };
        kind_table(table, &SHARED, problems)
    });
    let expect = expect.map_or_else(BTreeMap::new, |value| {
        expectations(&value, &heading.what, problems)
    });
    let raw = raw?;
    let stage = required(raw.stage, "stage", &heading, problems);
    let load = required(raw.load, "load", &heading, problems);
    if let Some(stage) = &stage {
        let by = format!("`stage` of {}", heading.what);
        let name = stage.get_ref().as_str();
        exists(name, &stage.span(), ("stage", &known.stages), &by, problems);
    }
    if let Some(load) = &load {
        let by = format!("`load` of {}", heading.what);
        let name = load.get_ref().as_str();
        exists(name, &load.span(), ("load", &known.loads), &by, problems);
    }
    Some(Fault {
        name: section.name,
        stage: stage?.into_inner(),
        inject: inject?,
        load: load?.into_inner(),
        expect,
        span: heading.span,
    })
}

fn expectations(
    value: &Spanned<DeValue<'static>>,
    what: &str,
    problems: &mut Problems,
) -> BTreeMap<String, String> {
    let Some(table) = value.get_ref().as_table() else {
        let message = format!("`expect` of {what} is not a table");
        problems.at(value.span(), message, None);
        return BTreeMap::new();
    };
    let mut expect = BTreeMap::new();
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let Some(unit) = Expectation::of(name).map(Expectation::unit) else {
            let message = format!("unknown key `{name}` in `expect` of {what}");
            problems.at(
                key.span(),
                message,
                suggest(name, &Expectation::ALL.map(Expectation::key)),
            );
            continue;
        };
        match value.get_ref().as_str() {
            Some(text) if is_limit(text, unit) => {
                expect.insert(name.to_owned(), text.to_owned());
            }
            _ => {
                let example = match (name, unit) {
                    ("success_rate" | "quality", _) => ">= 99%",
                    (_, Unit::Share) => "<= 60%",
                    (_, Unit::Number | Unit::Rate) => "<= 1.5",
                    (_, Unit::Time) => "<= 5s",
                };
                let message = format!("`expect.{name}` of {what} is not a limit");
                let help = format!("Write it like `\"{example}\"`.");
                problems.at(value.span(), message, Some(help));
            }
        }
    }
    expect
}

/// Returns whether a text is `<=` or `>=` and a value of that unit.
fn is_limit(text: &str, unit: Unit) -> bool {
    let value = ["<=", ">="].iter().find_map(|sign| text.strip_prefix(sign));
    let Some(value) = value.map(str::trim) else {
        return false;
    };
    Limit::read(Written::Text(value), unit).is_ok()
}
