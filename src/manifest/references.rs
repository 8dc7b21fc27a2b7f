//! What the templates of a manifest refer to: environments' keys, stages, and secrets.

use std::collections::{BTreeMap, BTreeSet};

use super::checked::Manifest;
use super::checker::{Checker, Family};
use super::kind::KindTable;
use super::span::Span;
use super::table::environment::Environment;
use crate::name::Name;
use crate::registry::suggest;

/// Checks every reference and returns the secrets, with the stages that need each.
pub(super) fn check(
    manifest: &Manifest,
    checker: &mut Checker<'_>,
) -> BTreeMap<String, BTreeSet<Name>> {
    let stages = manifest.stages.iter();
    let stages = stages.map(|stage| (&stage.name, &stage.kind));
    let asserts = manifest.evals.iter().flat_map(|eval| {
        let asserts = eval.asserts.iter();
        asserts.map(move |assert| (&eval.stage, assert))
    });
    let faults = manifest.faults.iter().map(|it| (&it.stage, &it.inject));
    let mut secrets: BTreeMap<String, BTreeSet<Name>> = BTreeMap::new();
    for (stage, table) in stages.chain(asserts).chain(faults) {
        for (reference, span) in table.references() {
            match reference.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["env", key, ..] => {
                    environment(key, &span, table, &manifest.environments, checker);
                }
                ["steps", step, ..] => self::step(step, &span, table, checker),
                ["secret", name, ..] => {
                    let stages = secrets.entry(name.to_owned()).or_default();
                    stages.insert(stage.clone());
                }
                _ => {}
            }
        }
    }
    secrets
}

/// A key must be there whichever environment is picked.
fn environment(
    key: &str,
    span: &Span,
    table: &KindTable,
    environments: &BTreeMap<Name, Environment>,
    checker: &mut Checker<'_>,
) {
    let lacking: Vec<String> = environments
        .iter()
        .filter(|(_, environment)| !environment.values.contains_key(key))
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let what = table.what();
    if environments.is_empty() {
        let message = format!("{what}: there is no environment to take `env.{key}` from");
        let help = format!("Add `[env.local]` with `{key} = …`.");
        checker.at(span.clone(), message, Some(help));
    } else if !lacking.is_empty() {
        let plural = if lacking.len() == 1 { "" } else { "s" };
        let lacking_all = lacking.len() == environments.len();
        let lacking = lacking.join(", ");
        let message = format!("{what}: `env.{key}` is missing in environment{plural} {lacking}");
        let keys = environments.values().flat_map(|it| it.values.keys());
        let keys: Vec<&str> = keys.map(String::as_str).collect();
        let help = if lacking_all {
            suggest(key, &keys)
        } else {
            Some(format!("Every environment needs `{key}`."))
        };
        checker.at(span.clone(), message, help);
    }
}

fn step(step: &str, span: &Span, table: &KindTable, checker: &mut Checker<'_>) {
    let stages = checker.known.names(Family::Stage);
    if stages.contains(&step) {
        return;
    }
    let hyphenated = format!("{step}-");
    let help = match stages.iter().find(|stage| stage.starts_with(&hyphenated)) {
        Some(stage) => Some(format!("A name with `-` is written `steps[\"{stage}\"]`.")),
        None => suggest(step, &stages),
    };
    let message = format!("{}: there is no stage `{step}`", table.what());
    checker.at(span.clone(), message, help);
}

#[cfg(test)]
mod tests {
    use crate::manifest::testing::spoilt;

    #[test]
    fn every_environment_has_every_key_that_is_used() {
        insta::assert_snapshot!(spoilt("api = \"https://eu.example\"", "apy = \"https://eu.example\""), @r#"
x 2 problems in `stagegate.toml`

Error:
  x stage `gateway`: `env.api` is missing in environment `eu`
    ,-[stagegate.toml:19:7]
 18 | kind = "http"
 19 | url = "{{ env.api }}/chat"
    :       ^^^^^^^^^^^^^^^^^^^^
 20 | calls = ["retrieve"]
    `----
  help: Every environment needs `api`.

Error:
  x stage `retrieve`: `env.api` is missing in environment `eu`
    ,-[stagegate.toml:26:7]
 25 | kind = "http"
 26 | url = "{{ env.api }}/search"
    :       ^^^^^^^^^^^^^^^^^^^^^^
 27 |
    `----
  help: Every environment needs `api`.
"#);
        insta::assert_snapshot!(spoilt("{{ env.api }}/search", "{{ env.apj }}/search"), @r#"
x stage `retrieve`: `env.apj` is missing in environments `eu`, `local`
    ,-[stagegate.toml:26:7]
 25 | kind = "http"
 26 | url = "{{ env.apj }}/search"
    :       ^^^^^^^^^^^^^^^^^^^^^^
 27 |
    `----
  help: Did you mean `api`?
"#);
    }

    #[test]
    fn templates_that_name_no_stage_are_found() {
        let body = |body: &str| {
            spoilt(
                "url = \"{{ env.api }}/search\"",
                &format!("url = \"{{{{ env.api }}}}/search\"\nbody = \"{body}\""),
            )
        };
        insta::assert_snapshot!(body("{{ steps.gatewy.text }}"), @r#"
x stage `retrieve`: there is no stage `gatewy`
    ,-[stagegate.toml:27:8]
 26 | url = "{{ env.api }}/search"
 27 | body = "{{ steps.gatewy.text }}"
    :        ^^^^^^^^^^^^^^^^^^^^^^^^^
 28 |
    `----
  help: Did you mean `gateway`?
"#);
    }
}
