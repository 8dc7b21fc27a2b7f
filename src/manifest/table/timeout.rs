//! `timeout = "30s"` or `timeout = { connect, first_token, idle, total }` of a stage.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::de::DeValue;

use crate::manifest::checker::Checker;
use crate::manifest::document::{self, Table};
use crate::measure::{Time, parse_duration};

/// Long enough for a long answer of a chat model, short enough to notice a dead stage within a
/// coffee; the default of most HTTP clients.
const DEFAULT: Duration = Duration::from_secs(30);

// What may be written in the table form.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawTimeouts {
    connect: Option<Time>,
    first_token: Option<Time>,
    idle: Option<Time>,
    total: Option<Time>,
}

/// `timeout`: how long each part of an attempt may take; `None` where nothing limits it but the
/// whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeouts {
    pub(crate) connect: Option<Duration>,
    pub(crate) first_token: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) total: Duration,
}

impl Timeouts {
    /// Those of a stage that names none.
    const UNNAMED: Self = Self {
        connect: None,
        first_token: None,
        idle: None,
        total: DEFAULT,
    };

    /// Checks the key; what is wrong counts as not written.
    pub(super) fn check(written: Option<&document::Value>, stage: &mut Checker<'_>) -> Self {
        let checked = written.and_then(|written| Self::read(written, stage));
        checked.unwrap_or(Self::UNNAMED)
    }

    fn read(written: &document::Value, stage: &mut Checker<'_>) -> Option<Self> {
        let what = stage.key("timeout");
        let mut checker = stage.inside(what.clone(), written.span());
        let timeouts = match written.get_ref() {
            DeValue::String(text) => match parse_duration(text) {
                Ok(total) => Self {
                    total,
                    ..Self::UNNAMED
                },
                Err(error) => {
                    checker.here(format!("{what}: {error}"), None);
                    return None;
                }
            },
            DeValue::Table(entries) => Self::read_table(&mut checker, entries.clone())?,
            _ => {
                let message = format!("{what}: expected a duration such as `30s`, or a table");
                checker.here(message, None);
                return None;
            }
        };
        let parts = [timeouts.connect, timeouts.first_token, timeouts.idle];
        let parts = parts.into_iter().flatten().chain([timeouts.total]);
        if parts.min() == Some(Duration::ZERO) {
            checker.here(format!("{what} must be above zero"), None);
            return None;
        }
        Some(timeouts)
    }

    fn read_table(checker: &mut Checker<'_>, entries: toml::de::DeTable<'static>) -> Option<Self> {
        let table = Table {
            what: checker.what.clone(),
            path: "timeout".to_owned(),
            span: checker.span.clone(),
            entries,
        };
        let (raw, _) = checker.read::<RawTimeouts>(table, &[]);
        let raw = raw?;
        let time = |time: Option<Time>| time.map(|time| time.0);
        Some(Self {
            connect: time(raw.connect),
            first_token: time(raw.first_token),
            idle: time(raw.idle),
            total: time(raw.total).unwrap_or(DEFAULT),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::manifest::testing::spoilt;

    #[test]
    fn timeouts_are_checked_key_by_key() {
        insta::assert_snapshot!(spoilt("timeout = \"10s\"", "timeout = { conect = \"1s\", idle = 3 }"), @r#"
x 2 problems in `stagegate.toml`

Error:
  x unknown key `conect` in `timeout` of stage `gateway`
    ,-[stagegate.toml:21:13]
 20 | calls = ["retrieve"]
 21 | timeout = { conect = "1s", idle = 3 }
    :             ^^^^^^
 22 | slo = { response_time.p95 = "2s", error_rate = "1%" }
    `----
  help: Did you mean `connect`?

Error:
  x `idle` of `timeout` of stage `gateway`: expected a duration such as
  | `250ms`, `2s`, or `5m`, found integer `3`
    ,-[stagegate.toml:21:35]
 20 | calls = ["retrieve"]
 21 | timeout = { conect = "1s", idle = 3 }
    :                                   ^
 22 | slo = { response_time.p95 = "2s", error_rate = "1%" }
    `----
"#);
    }
}
