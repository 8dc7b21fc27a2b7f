//! `[fault.NAME]`: what is injected, under which load, and what is expected of the rest.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::de::DeValue;

use crate::manifest::checker::{Checker, Family};
use crate::manifest::document::{self, Section, Table};
use crate::manifest::kind::KindTable;
use crate::manifest::span::{Span, Spanned};
use crate::metric::{Expectation, Limit, Unit, Written};
use crate::name::Name;
use crate::registry::suggest;

/// The keys that every kind of injection has.
const SHARED: [&str; 1] = ["kind"];

// What may be written, but for `inject` and `expect`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawFault {
    stage: Option<Spanned<Name>>,
    load: Option<Spanned<Name>>,
}

/// `[fault.NAME]`.
#[derive(Debug)]
#[expect(dead_code, reason = "checked now, read by fault drills")]
pub(crate) struct Fault {
    pub(crate) name: Name,
    pub(crate) stage: Name,
    pub(crate) inject: KindTable,
    pub(crate) load: Name,
    /// Expectation to limit, for instance `recovery` to `<= 5s`.
    pub(crate) expect: BTreeMap<String, String>,
    pub(crate) span: Span,
}

impl Fault {
    /// Checks the table; `None` where it does not say what is injected where.
    pub(in crate::manifest) fn check(section: Section, manifest: &mut Checker<'_>) -> Option<Self> {
        let mut table = section.table;
        manifest.idle_table(&table);
        let inject = table.entries.remove("inject");
        let expect = table.entries.remove("expect");
        let (raw, mut checker) = manifest.read::<RawFault>(table, &["inject", "expect"]);
        let inject = checker.required(inject, "inject");
        let inject = inject.and_then(|value| injection(value, &mut checker));
        let expect = expect.map_or_else(BTreeMap::new, |it| expectations(&it, &mut checker));
        let raw = raw?;
        let stage = checker.required(raw.stage, "stage");
        let load = checker.required(raw.load, "load");
        if let Some(stage) = &stage {
            checker.reference("stage", stage, Family::Stage);
        }
        if let Some(load) = &load {
            checker.reference("load", load, Family::Load);
        }
        Some(Self {
            name: section.name,
            stage: stage?.value,
            inject: inject?,
            load: load?.value,
            expect,
            span: checker.span,
        })
    }
}

fn injection(value: document::Value, checker: &mut Checker<'_>) -> Option<KindTable> {
    let what = checker.key("inject");
    let span = value.span();
    let DeValue::Table(entries) = value.into_inner() else {
        checker.at(span, format!("{what} is not a table"), None);
        return None;
    };
    let table = Table {
        path: "inject".to_owned(),
        what,
        span,
        entries,
    };
    KindTable::check(table, &SHARED, checker)
}

fn expectations(value: &document::Value, checker: &mut Checker<'_>) -> BTreeMap<String, String> {
    let what = checker.key("expect");
    let Some(table) = value.get_ref().as_table() else {
        checker.at(value.span(), format!("{what} is not a table"), None);
        return BTreeMap::new();
    };
    let mut expect = BTreeMap::new();
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let Some(unit) = Expectation::of(name).map(Expectation::unit) else {
            let message = format!("unknown key `{name}` in {what}");
            let known = Expectation::ALL.map(Expectation::key);
            checker.at(key.span(), message, suggest(name, &known));
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
                let help = format!("Write it like `\"{example}\"`.");
                let key = format!("expect.{name}");
                checker.bad(&key, &value.span(), "is not a limit", Some(help));
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

#[cfg(test)]
mod tests {
    use crate::manifest::testing::{SMALL, wrong};

    #[test]
    fn faults_expect_what_can_be_measured() {
        let fault =
            "[fault.slow]\nstage = \"gateway\"\nload = \"peak\"\ninject = { kind = \"latency\" }\n";
        let text =
            SMALL.to_owned() + fault + "expect = { succes_rate = \">= 99%\", recovery = \"5s\" }\n";
        insta::assert_snapshot!(wrong(&text), @r#"
x 2 problems in `stagegate.toml`

Error:
  x unknown key `succes_rate` in `expect` of fault `slow`
    ,-[stagegate.toml:50:12]
 49 | inject = { kind = "latency" }
 50 | expect = { succes_rate = ">= 99%", recovery = "5s" }
    :            ^^^^^^^^^^^
    `----
  help: Did you mean `success_rate`?

Error:
  x `expect.recovery` of fault `slow` is not a limit
    ,-[stagegate.toml:50:47]
 49 | inject = { kind = "latency" }
 50 | expect = { succes_rate = ">= 99%", recovery = "5s" }
    :                                               ^^^^
    `----
  help: Write it like `"<= 5s"`.
"#);
    }
}
