//! `[deployment]`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::manifest::checker::{Checker, Family};
use crate::manifest::document::Table;
use crate::manifest::span::Spanned;
use crate::measure::Time;
use crate::name::Name;

/// What a deployment is called that does not say.
const UNNAMED: &str = "deployment";

// What may be written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawDeployment {
    name: Option<String>,
    owner: Option<String>,
    entry: Option<Spanned<Name>>,
    env: Option<Spanned<Name>>,
    start: Option<Spanned<String>>,
    stop: Option<Spanned<String>>,
    ready: Option<Spanned<Time>>,
    #[serde(default)]
    trace: bool,
    #[serde(default)]
    slo_headers: bool,
}

/// `[deployment]`.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) name: String,
    pub(crate) owner: Option<String>,
    /// The stage or pipeline users call.
    pub(crate) entry: Option<Name>,
    /// The default environment.
    pub(crate) env: Option<Name>,
    /// The commands that start and stop it, run by `sh -c` in the folder of the manifest.
    pub(crate) start: Option<String>,
    pub(crate) stop: Option<String>,
    /// How long its stages may take until they answer.
    pub(crate) ready: Option<Duration>,
    /// Whether every request carries a `traceparent` of its own, where the stage does not say.
    pub(crate) trace: bool,
    /// Whether every request tells the limits of its SLOs, where the stage does not say.
    pub(crate) slo_headers: bool,
}

impl Deployment {
    /// Checks the table; without one, the deployment has defaults.
    pub(in crate::manifest) fn check(table: Option<Table>, manifest: &mut Checker<'_>) -> Self {
        let (raw, mut checker) = match table {
            Some(table) => manifest.read::<RawDeployment>(table, &[]),
            None => (None, manifest.inside("`[deployment]`".to_owned(), 0..0)),
        };
        let raw = raw.unwrap_or_default();
        if let Some(entry) = &raw.entry {
            checker.reference("entry", entry, Family::Target);
        }
        match &raw.env {
            Some(env) => {
                checker.reference("env", env, Family::Environment);
            }
            None => default_environment(&mut checker),
        }
        for (key, command) in [("start", &raw.start), ("stop", &raw.stop)] {
            if let Some(command) = command.as_ref().filter(|it| it.value.trim().is_empty()) {
                checker.bad(key, &command.span, "is no command: it is empty", None);
            }
        }
        if let Some(ready) = raw.ready.as_ref().filter(|it| it.value.0.is_zero()) {
            checker.bad("ready", &ready.span, "must be above zero", None);
        }
        Self {
            start: raw.start.map(|it| it.value),
            stop: raw.stop.map(|it| it.value),
            ready: raw.ready.map(|it| it.value.0),
            name: raw.name.unwrap_or_else(|| UNNAMED.to_owned()),
            owner: raw.owner,
            entry: raw.entry.map(|entry| entry.value),
            env: raw.env.map(|env| env.value),
            trace: raw.trace,
            slo_headers: raw.slo_headers,
        }
    }
}

/// Without `env`, there must be no choice.
fn default_environment(checker: &mut Checker<'_>) {
    let known = checker.known.names(Family::Environment);
    if let [first, _, ..] = known.as_slice()
        && !checker.is_wrong("env")
    {
        let message = "`[deployment]` must say which `env` is the default";
        let help = format!("Add `env = \"{first}\"`; `-e NAME` picks another one.");
        checker.here(message, Some(help));
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::testing::spoilt;

    #[test]
    fn several_environments_need_a_default() {
        insta::assert_snapshot!(spoilt("env = \"local\"\n", ""), @r#"
x `[deployment]` must say which `env` is the default
   ,-[stagegate.toml:3:1]
 2 |
 3 | [deployment]
   : ^^^^^^^^^^^^
 4 | name = "small"
   `----
  help: Add `env = "local"`; `-e NAME` picks another one.
"#);
    }
}
