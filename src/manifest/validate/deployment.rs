//! `[deployment]`, `[env.NAME]`, and `[release]`.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{Known, exists, read};
use crate::manifest::document::{Section, Table};
use crate::manifest::error::Problems;
use crate::manifest::model::{Deployment, Environment, VersionSource};
use crate::manifest::raw;
use crate::name::Name;
use crate::template::Scope;
use crate::template::ValueTemplate;

/// What a deployment is called that does not say.
const UNNAMED: &str = "deployment";

pub(super) fn deployment(
    table: Option<Table>,
    known: &Known,
    problems: &mut Problems,
) -> Deployment {
    let span = table.as_ref().map_or(0..0, |table| table.span.clone());
    let read = table.map(|table| read::<raw::Deployment>(table, &[], problems));
    let (raw, wrong) = read.map_or_else(Default::default, |(raw, heading)| {
        (raw.unwrap_or_default(), heading.wrong)
    });
    let by = |key: &str| format!("`{key}` of `[deployment]`");
    if let Some(entry) = &raw.entry {
        let targets = known.targets();
        let among = ("stage or pipeline", targets.as_slice());
        let name = entry.get_ref().as_str();
        exists(name, &entry.span(), among, &by("entry"), problems);
    }
    match &raw.env {
        Some(env) => {
            let among = ("environment", known.environments.as_slice());
            let name = env.get_ref().as_str();
            exists(name, &env.span(), among, &by("env"), problems);
        }
        None if known.environments.len() > 1 && !wrong.contains("env") => {
            let message = "`[deployment]` must say which `env` is the default";
            let first = known.environments.first().map_or("", String::as_str);
            let help = format!("Add `env = \"{first}\"`; `-e NAME` picks another one.");
            problems.at(span, message, Some(help));
        }
        None => {}
    }
    Deployment {
        name: raw.name.unwrap_or_else(|| UNNAMED.to_owned()),
        owner: raw.owner,
        entry: raw.entry.map(Spanned::into_inner),
        env: raw.env.map(Spanned::into_inner),
    }
}

pub(super) fn environments(
    sections: Vec<Section>,
    problems: &mut Problems,
) -> BTreeMap<Name, Environment> {
    let environments = sections.into_iter().map(|section| {
        let environment = environment(&section.table, problems);
        (section.name, environment)
    });
    environments.collect()
}

fn environment(table: &Table, problems: &mut Problems) -> Environment {
    let what = &table.what;
    Environment {
        values: values(&table.entries, what, problems),
        region: typed(table, "region", "text", problems, DeValue::as_str).map(str::to_owned),
        protected: typed(
            table,
            "protected",
            "`true` or `false`",
            problems,
            DeValue::as_bool,
        )
        .unwrap_or(false),
    }
}

fn values(entries: &DeTable<'static>, what: &str, problems: &mut Problems) -> Map<String, Value> {
    let mut values = Map::new();
    for (key, value) in entries {
        match literal(value) {
            Ok(literal) => {
                values.insert(key.get_ref().to_string(), literal);
            }
            Err(reason) => {
                let message = format!("`{}` of {what}: {reason}", key.get_ref());
                problems.at(value.span(), message, None);
                // The key is there, so that nobody reports it as missing.
                values.insert(key.get_ref().to_string(), Value::Null);
            }
        }
    }
    values
}

/// Environments are what templates are filled with, not templates.
fn literal(value: &Spanned<DeValue<'static>>) -> Result<Value, String> {
    let template = ValueTemplate::deserialize(ValueDeserializer::from(value.clone()))
        .map_err(|error| error.message().to_owned())?;
    if template.references().is_empty() {
        let value = template.value(&Scope::default());
        value.map_err(|error| error.to_string())
    } else {
        Err("templates are not filled in here; put them into the stage".to_owned())
    }
}

/// Reads one of the keys that every environment may have.
fn typed<'a, T>(
    table: &'a Table,
    key: &str,
    expected: &str,
    problems: &mut Problems,
    read: impl Fn(&'a DeValue<'static>) -> Option<T>,
) -> Option<T> {
    let value = table.entries.get(key)?;
    let typed = read(value.get_ref());
    if typed.is_none() {
        let message = format!("`{key}` of {}: expected {expected}", table.what);
        problems.at(value.span(), message, None);
    }
    typed
}

pub(super) fn release(
    sections: Vec<Section>,
    known: &Known,
    problems: &mut Problems,
) -> BTreeMap<Name, VersionSource> {
    let mut release = BTreeMap::new();
    for section in sections {
        let (raw, heading) = read::<raw::VersionSource>(section.table, &[], problems);
        let Some(raw) = raw else { continue };
        if let Some(stage) = &raw.stage {
            let by = format!("`stage` of {}", heading.what);
            let among = ("stage", known.stages.as_slice());
            let name = stage.get_ref().as_str();
            exists(name, &stage.span(), among, &by, problems);
        }
        let stage = raw.stage.map(Spanned::into_inner);
        let source = match (raw.files, stage, raw.response, raw.header) {
            (Some(files), None, None, None) => VersionSource::Files(files),
            (None, Some(stage), Some(path), None) => VersionSource::Response { stage, path },
            (None, Some(stage), None, Some(header)) => VersionSource::Header { stage, header },
            _ if !heading.wrong.is_empty() => continue,
            _ => {
                let message = format!(
                    "{} must say where it is read from, in one way",
                    heading.what
                );
                let help = "Write `{ files = … }`, `{ stage = …, response = … }`, or \
                            `{ stage = …, header = … }`.";
                problems.at(heading.span, message, Some(help.to_owned()));
                continue;
            }
        };
        release.insert(section.name, source);
    }
    release
}
