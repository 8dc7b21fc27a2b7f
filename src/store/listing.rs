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

/// What to do about a store that git tracks.
pub(super) const TRACKED_HELP: &str = "Whoever can make a commit can write such a run. `git rm -r --cached .stagegate` takes the store out of git; \
     how to bring bases to CI: docs/ci.md.";

/// So many runs are named.
const NAMED: usize = 5;

impl Listing {
    /// Says which runs are left out of account, and why: one sentence each.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let of = |is: fn(&RunSummary) -> bool| named(self.runs.iter().filter(|run| is(run)));
        let tracked = of(|run| run.tracked).map(|runs| {
            format!("runs in files that git tracks can be no base: {runs}. {TRACKED_HELP}")
        });
        let future = of(|run| run.future).map(|runs| {
            format!("runs that begin in the future are passed over: {runs}; some clock is wrong")
        });
        tracked.into_iter().chain(future).collect()
    }

    /// Puts the newest run first.
    pub(super) fn sort(&mut self) {
        self.runs.sort_by(|a, b| b.age_key().cmp(&a.age_key()));
    }
}

/// Names some runs; `None` where there are none.
fn named<'a>(runs: impl Iterator<Item = &'a RunSummary>) -> Option<String> {
    let runs: Vec<String> = runs.map(|run| format!("`{}`", run.id)).collect();
    let more = match runs.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!runs.is_empty()).then(|| runs[..runs.len().min(NAMED)].join(", ") + &more)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{fixture, gate_at};
    use crate::record::{FormatVersion, RUNS_SCHEMA, RunSummary, RunsDocument};

    // security 2, 28
    #[test]
    fn what_is_left_out_of_account_is_named() {
        let run = |at: usize, tracked, future| RunSummary {
            id: format!("r{at}"),
            tracked,
            future,
            ..RunSummary::of(&fixture("v1.0", "load"))
        };
        let doubts = |runs: Vec<RunSummary>| {
            let broken = Vec::new();
            super::Listing { runs, broken }.doubts()
        };
        assert_eq!(doubts(vec![run(1, false, false)]), [""; 0]);
        let tracked = doubts((0..7).map(|at| run(at, true, false)).collect());
        let told = "runs in files that git tracks can be no base: `r0`, `r1`, `r2`, `r3`, `r4` and 2 more.";
        assert!(tracked[0].starts_with(told), "{tracked:?}");
        let future = doubts(vec![run(1, false, false), run(2, false, true)]);
        let told = "runs that begin in the future are passed over: `r2`; some clock is wrong";
        assert_eq!(future, [told]);
    }

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
