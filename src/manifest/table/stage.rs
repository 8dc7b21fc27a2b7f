//! `[stage.NAME]`: the keys that every kind of stage has.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::slo::Slo;
use super::timeout::Timeouts;
use crate::manifest::checker::{Checker, Family};
use crate::manifest::document::{Section, Table};
use crate::manifest::kind::KindTable;
use crate::manifest::span::{Span, Spanned};
use crate::measure::Size;
use crate::name::Name;

/// The keys that every kind of stage has.
const SHARED: [&str; 13] = [
    "kind",
    "calls",
    "fallback",
    "timeout",
    "owner",
    "slo",
    "cost",
    "proxy",
    "http_version",
    "max_answer",
    "retry_stale",
    "trace",
    "slo_headers",
];

// What may be written for every kind, but for `kind`, `timeout`, and `slo`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawStage {
    #[serde(default)]
    calls: Vec<Spanned<Name>>,
    #[serde(default)]
    fallback: Vec<Spanned<Name>>,
    owner: Option<String>,
    cost: Option<Spanned<Cost>>,
    proxy: Option<Spanned<String>>,
    http_version: Option<Spanned<String>>,
    max_answer: Option<Spanned<Size>>,
    #[serde(default)]
    retry_stale: bool,
    trace: Option<bool>,
    slo_headers: Option<bool>,
}

/// `[stage.NAME]`: the keys every kind has; the others stay in `kind` for the protocol that owns
/// them.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) name: Name,
    pub(crate) kind: KindTable,
    /// Which stages this one calls.
    pub(crate) calls: Vec<Name>,
    pub(crate) timeout: Timeouts,
    pub(crate) http_version: HttpVersion,
    /// The stage's own owner; see `Manifest::owner`.
    pub(crate) owner: Option<String>,
    pub(crate) slo: Vec<Slo>,
    pub(crate) cost: Option<Cost>,
    /// The most bytes that an answer may have; `None` for the default.
    pub(crate) max_answer: Option<u64>,
    /// Whether it may be asked twice, whatever the method, where it is not known whether the first
    /// time has acted.
    pub(crate) retry_stale: bool,
    /// Whether each request carries a `traceparent` of its own; `None` where the deployment says.
    pub(crate) trace: Option<bool>,
    /// Whether each request tells the limits of its SLOs; `None` where the deployment says.
    pub(crate) slo_headers: Option<bool>,
    /// The table's header in the text.
    pub(crate) span: Span,
}

// USD per million tokens. Not a doc comment: the schema would show it.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cost {
    pub(crate) input: f64,
    pub(crate) output: f64,
    // Parts of the two above; priced as these where they have no price of their own.
    pub(crate) cached: Option<f64>,
    pub(crate) cache_write: Option<f64>,
    pub(crate) reasoning: Option<f64>,
}

/// `http_version`: how an HTTP stage is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum HttpVersion {
    /// HTTP/1.1: one request at a time on a connection.
    #[default]
    One,
    /// HTTP/2: agreed on in the TLS handshake, or without TLS, assumed.
    Two,
}

impl HttpVersion {
    pub(crate) const ALL: [(&'static str, Self); 2] = [("1.1", Self::One), ("2", Self::Two)];
}

impl Stage {
    /// Checks the table; `None` where its kind cannot be told.
    pub(in crate::manifest) fn check(section: Section, manifest: &mut Checker<'_>) -> Option<Self> {
        let Section { name, mut table } = section;
        manifest.idle(&table, &["fallback", "proxy"]);
        let timeout = table.entries.remove("timeout");
        let slos = table.entries.remove("slo");
        let shared = split_shared(&mut table);
        let kind = KindTable::check(table, &SHARED, manifest);
        let (raw, mut checker) = manifest.read::<RawStage>(shared, &SHARED);
        let timeout = Timeouts::check(timeout.as_ref(), &mut checker);
        let slo = slos.map_or_else(Vec::new, |it| Slo::check_all(&it, &mut checker));
        // What is wrong has been reported; the stage is kept so that the owner of its kind can
        // report the rest.
        let raw = raw.unwrap_or_default();
        for fallback in &raw.fallback {
            if fallback.value == name {
                let message = format!("{} cannot be its own fallback", checker.what);
                checker.at(fallback.span.clone(), message, None);
            }
        }
        let http_version = raw.http_version.as_ref();
        let http_version =
            http_version.and_then(|it| checker.choice("http_version", it, &HttpVersion::ALL));
        checker.references("fallback", raw.fallback, Family::Stage);
        if let Some(address) = &raw.proxy {
            proxy(address, &mut checker);
        }
        Some(Self {
            calls: checker.references("calls", raw.calls, Family::Stage),
            owner: raw.owner,
            cost: raw.cost.and_then(|it| cost(&it, &mut checker)),
            http_version: http_version.unwrap_or_default(),
            max_answer: raw.max_answer.and_then(|it| size(&it, &mut checker)),
            retry_stale: raw.retry_stale,
            trace: raw.trace,
            slo_headers: raw.slo_headers,
            name,
            kind: kind?,
            timeout,
            slo,
            span: checker.span,
        })
    }
}

/// Moves the keys that every kind has into a table of their own.
fn split_shared(table: &mut Table) -> Table {
    let mut shared = Table {
        what: table.what.clone(),
        path: table.path.clone(),
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

fn cost(written: &Spanned<Cost>, checker: &mut Checker<'_>) -> Option<Cost> {
    let legal = |price: f64| price.is_finite() && price >= 0.0;
    let cost = written.value;
    let parts = [cost.cached, cost.cache_write, cost.reasoning];
    let mut parts = parts.into_iter().flatten();
    if legal(cost.input) && legal(cost.output) && parts.all(legal) {
        return Some(cost);
    }
    checker.bad("cost", &written.span, "must not be negative", None);
    None
}

fn size(written: &Spanned<Size>, checker: &mut Checker<'_>) -> Option<u64> {
    let Size(bytes) = written.value;
    if bytes == 0 {
        checker.bad("max_answer", &written.span, "must be above zero", None);
        return None;
    }
    Some(bytes)
}

fn proxy(written: &Spanned<String>, checker: &mut Checker<'_>) {
    let text = &written.value;
    if text.parse::<SocketAddr>().is_err() {
        let message = format!("{}: `{text}` is not an address", checker.key("proxy"));
        let help = "Write an IP address and a port, as in `127.0.0.1:9101`.".to_owned();
        checker.at(written.span.clone(), message, Some(help));
    }
}
