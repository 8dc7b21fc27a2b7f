//! A closed loop: users who wait for their answers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::kind::Keys;
use crate::arrival::arrivals::Arrivals;
use crate::arrival::timing::Timing;
use crate::arrival::users::Users;
use crate::arrival::wrong::Wrong;
use crate::error::Result;
use crate::intake;
use crate::measure::{Rate, Time, show_duration};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Closed {
    concurrency: u32,
    think_time: Option<Time>,
    user_rate: Option<Rate>,
}

impl Keys for Closed {
    const NAME: &'static str = "a closed loop";
    const SUMMARY: &'static str = "users who wait for their answers";

    fn arrivals(self, _: Option<Duration>) -> std::result::Result<Arc<dyn Arrivals>, Wrong> {
        if self.concurrency == 0 {
            return Err(Wrong::key("concurrency", "must be at least 1"));
        }
        if intake::CONCURRENCY.is_passed_by(u64::from(self.concurrency)) {
            let most = format!("must be at most {}", intake::CONCURRENCY);
            return Err(Wrong::key("concurrency", most));
        }
        Ok(closed(Users {
            concurrency: self.concurrency,
            think_time: self.think_time.map_or(Duration::ZERO, |time| time.0),
            user_rate: self.user_rate,
        }))
    }
}

/// Returns the arrivals of users.
pub(crate) fn closed(users: Users) -> Arc<dyn Arrivals> {
    Arc::new(users)
}

impl Arrivals for Users {
    fn show(&self) -> String {
        match self.concurrency {
            1 => "1 user".to_owned(),
            users => format!("{users} users"),
        }
    }

    fn document(&self) -> Value {
        let think_time = show_duration(self.think_time);
        let mut users = json!({"concurrency": self.concurrency, "think_time": think_time});
        if let Some(rate) = self.user_rate {
            users["user_rate"] = json!(rate.to_string());
        }
        users
    }

    fn timing(&self, _: &Path) -> Result<Timing> {
        Ok(Timing::Closed(*self))
    }

    fn users(&self) -> Option<Users> {
        Some(*self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_shown_and_stored() {
        let users = Users {
            think_time: Duration::from_millis(500),
            user_rate: Some("2/s".parse().unwrap()),
            ..Users::restless(8)
        };
        let arrivals = closed(users);
        assert_eq!(arrivals.show(), "8 users");
        let stored = r#"{"concurrency":8,"think_time":"500ms","user_rate":"2/s"}"#;
        assert_eq!(arrivals.document().to_string(), stored);
        assert_eq!(
            (arrivals.users(), arrivals.first_rate()),
            (Some(users), None)
        );
    }
}
