//! `[stage.NAME]` and `[pipeline.NAME]`.

use std::net::SocketAddr;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::{Heading, Known, all_exist, exists, read, required, slo};
use crate::manifest::document::{Section, Table};
use crate::manifest::error::Problems;
use crate::manifest::kind::KindTable;
use crate::manifest::model::{Cost, HttpVersion, Pipeline, Stage, Timeouts};
use crate::manifest::raw;
use crate::manifest::shape::{self, Subject};
use crate::measure::parse_duration;
use crate::name::Name;
use crate::registry::suggest;

/// The keys that every kind of stage has.
const SHARED: [&str; 9] = [
    "kind",
    "calls",
    "fallback",
    "timeout",
    "owner",
    "slo",
    "cost",
    "proxy",
    "http_version",
];

/// Long enough for a long answer of a chat model, short enough to notice a dead stage within a coffee; the default of
/// most HTTP clients.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn stage(section: Section, known: &Known, problems: &mut Problems) -> Option<Stage> {
    let Section { name, mut table } = section;
    let timeout = table.entries.remove("timeout");
    let slos = table.entries.remove("slo");
    let shared = split_shared(&mut table);
    let kind = kind_table(table, &SHARED, problems);
    let (raw, heading) = read::<raw::Stage>(shared, &SHARED, problems);
    let timeout = timeout.map_or_else(
        || Some(default_timeouts()),
        |value| timeouts(&value, &heading, problems),
    );
    let slo = slos.map_or_else(Vec::new, |value| slo::slos(&value, &heading.what, problems));
    // What is wrong has been reported; the stage is kept so that the owner of its kind can report the rest.
    let raw = raw.unwrap_or_default();
    let by = |key: &str| format!("`{key}` of {}", heading.what);
    for fallback in &raw.fallback {
        if *fallback.get_ref() == name {
            let message = format!("{} cannot be its own fallback", heading.what);
            problems.at(fallback.span(), message, None);
        }
    }
    let among = ("stage", known.stages.as_slice());
    Some(Stage {
        calls: all_exist(raw.calls, among, &by("calls"), problems),
        fallback: all_exist(raw.fallback, among, &by("fallback"), problems),
        owner: raw.owner,
        cost: raw.cost.and_then(|value| cost(value, &heading, problems)),
        proxy: raw
            .proxy
            .and_then(|value| proxy(&value, &heading, problems)),
        http_version: http_version(raw.http_version.as_ref(), &heading, problems),
        name,
        kind: kind?,
        timeout: timeout.unwrap_or_else(default_timeouts),
        slo,
        span: heading.span,
    })
}

/// Moves the keys that every kind has into a table of their own.
fn split_shared(table: &mut Table) -> Table {
    let mut shared = Table {
        what: table.what.clone(),
        span: table.span.clone(),
        entries: toml::de::DeTable::new(),
    };
    for key in SHARED.iter().filter(|key| **key != "kind") {
        if let Some((key, value)) = table.entries.remove_entry(*key) {
            shared.entries.insert(key, value);
        }
    }
    shared
}

/// Makes the table that is left to the owner of its kind.
pub(super) fn kind_table(
    mut table: Table,
    shared: &'static [&'static str],
    problems: &mut Problems,
) -> Option<KindTable> {
    let heading = Heading {
        what: table.what.clone(),
        span: table.span.clone(),
        wrong: std::collections::BTreeSet::new(),
    };
    let kind = required(table.entries.remove("kind"), "kind", &heading, problems)?;
    let kind_span = kind.span();
    let DeValue::String(kind) = kind.into_inner() else {
        let message = format!("`kind` of {}: expected a string", table.what);
        problems.at(kind_span, message, None);
        return None;
    };
    Some(KindTable {
        kind: kind.into_owned(),
        kind_span,
        span: table.span,
        shared,
        what: table.what,
        table: table.entries,
    })
}

fn default_timeouts() -> Timeouts {
    Timeouts {
        connect: None,
        first_token: None,
        idle: None,
        total: DEFAULT_TIMEOUT,
    }
}

/// Reads `timeout = "30s"` or `timeout = { connect, first_token, idle, total }`.
fn timeouts(
    value: &Spanned<DeValue<'static>>,
    heading: &Heading,
    problems: &mut Problems,
) -> Option<Timeouts> {
    let what = format!("`timeout` of {}", heading.what);
    let before = problems.len();
    let timeouts = match value.get_ref() {
        DeValue::String(text) => match parse_duration(text) {
            Ok(total) => Timeouts {
                total,
                ..default_timeouts()
            },
            Err(error) => {
                problems.at(value.span(), format!("{what}: {error}"), None);
                return None;
            }
        },
        DeValue::Table(table) => {
            let subject = Subject {
                what: &what,
                span: &value.span(),
                shared: &[],
            };
            let raw: raw::Timeouts = shape::read(table.clone(), subject, problems).value?;
            Timeouts {
                connect: raw.connect.map(|time| time.0),
                first_token: raw.first_token.map(|time| time.0),
                idle: raw.idle.map(|time| time.0),
                total: raw.total.map_or(DEFAULT_TIMEOUT, |time| time.0),
            }
        }
        _ => {
            let message = format!("{what}: expected a duration such as `30s`, or a table");
            problems.at(value.span(), message, None);
            return None;
        }
    };
    let parts = [timeouts.connect, timeouts.first_token, timeouts.idle];
    let parts = parts.into_iter().flatten().chain([timeouts.total]);
    if parts.min() == Some(Duration::ZERO) {
        problems.at(value.span(), format!("{what} must be above zero"), None);
    }
    (problems.len() == before).then_some(timeouts)
}

fn cost(value: Spanned<raw::Cost>, heading: &Heading, problems: &mut Problems) -> Option<Cost> {
    let span = value.span();
    let raw::Cost { input, output } = value.into_inner();
    let legal = |price: f64| price.is_finite() && price >= 0.0;
    if legal(input) && legal(output) {
        return Some(Cost { input, output });
    }
    let message = format!("`cost` of {} must not be negative", heading.what);
    problems.at(span, message, None);
    None
}

fn proxy(
    value: &Spanned<String>,
    heading: &Heading,
    problems: &mut Problems,
) -> Option<SocketAddr> {
    let text = value.get_ref();
    let address = text.parse().ok();
    if address.is_none() {
        let message = format!("`proxy` of {}: `{text}` is not an address", heading.what);
        let help = "Write an IP address and a port, as in `127.0.0.1:9101`.".to_owned();
        problems.at(value.span(), message, Some(help));
    }
    address
}

fn http_version(
    written: Option<&Spanned<String>>,
    heading: &Heading,
    problems: &mut Problems,
) -> HttpVersion {
    let Some(written) = written else {
        return HttpVersion::default();
    };
    let text = written.get_ref().as_str();
    let found = HttpVersion::ALL.iter().find(|(known, _)| *known == text);
    found.map_or_else(
        || {
            let message = format!("`http_version` of {} cannot be `{text}`", heading.what);
            let known = HttpVersion::ALL.map(|(known, _)| known);
            problems.at(written.span(), message, suggest(text, &known));
            HttpVersion::default()
        },
        |(_, version)| *version,
    )
}

pub(super) fn pipeline(
    section: Section,
    known: &Known,
    problems: &mut Problems,
) -> Option<Pipeline> {
    let (raw, heading) = read::<raw::Pipeline>(section.table, &[], problems);
    let steps = required(raw?.steps, "steps", &heading, problems)?;
    if steps.is_empty() {
        let message = format!("`steps` of {} is empty", heading.what);
        problems.at(heading.span.clone(), message, None);
    }
    let by = format!("`steps` of {}", heading.what);
    let steps: Vec<Name> = all_exist(steps, ("stage", known.stages.as_slice()), &by, problems);
    Some(Pipeline {
        name: section.name,
        steps,
        span: heading.span,
    })
}

/// Checks the target of a load or an eval: a stage or a pipeline.
pub(super) fn target(
    name: &str,
    span: &crate::manifest::model::Span,
    known: &Known,
    by: &str,
    problems: &mut Problems,
) -> Option<Name> {
    let targets = known.targets();
    exists(name, span, ("stage or pipeline", &targets), by, problems)
        .then(|| name.parse().ok())
        .flatten()
}
