//! Every stored run, and what could not be read among them.

use std::path::PathBuf;

use crate::record::RunSummary;

/// Every stored run, newest first, and what could not be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Listing {
    pub(crate) runs: Vec<RunSummary>,
    /// To be warned about: the other runs are not affected.
    pub(crate) broken: Vec<BrokenRun>,
}

/// A folder among the runs that holds none that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BrokenRun {
    pub(crate) path: PathBuf,
    /// Lowercase fragment that names the path.
    pub(crate) message: String,
}

impl Listing {
    /// Puts the newest run first.
    pub(super) fn sort(&mut self) {
        self.runs.sort_by(|a, b| b.age_key().cmp(&a.age_key()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fixture, gate_at};
    use crate::record::{FormatVersion, RUNS_SCHEMA, RunSummary, RunsDocument};

    #[test]
    fn a_headline_says_the_result_in_a_few_words() {
        let headlines: Vec<String> = [
            fixture("v1.0", "load"),
            fixture("v1.0", "eval"),
            gate_at(1, None, &["a", "b"]),
        ]
        .iter()
        .map(|run| RunSummary::of(run).headline)
        .collect();
        assert_eq!(
            headlines,
            [
                "gateway p95 1.3 ms, 19.5/s good",
                "33.3 % of 3 cases passed",
                "2 runs"
            ]
        );
    }

    #[test]
    fn the_list_document_has_the_keys_of_the_contract() {
        let document = RunsDocument {
            schema: RUNS_SCHEMA.to_owned(),
            version: FormatVersion::CURRENT,
            runs: vec![RunSummary::of(&fixture("v1.0", "eval"))],
        };
        let value = serde_json::to_value(document).unwrap();
        assert_eq!(value["schema"], "stagegate/runs");
        let run = &value["runs"][0];
        assert_eq!(
            (run["kind"].as_str(), run["validity"].as_str()),
            (Some("eval"), Some("valid"))
        );
        assert_eq!(
            (run["verdict"].as_str(), run["complete"].as_bool()),
            (Some("failed"), Some(true))
        );
    }
}
