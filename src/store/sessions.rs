//! The sessions of a base: the loads that gates of it and of the releases before it have measured.

use std::collections::BTreeSet;

use super::base::{ANCESTORS, Head, gate_failed};
use super::error::StoreError;
use super::layout::Store;
use super::listing::Listing;
use super::read::{RUN_FILE, own_header};
use super::select::newest_of_each;
use crate::git::Git;
use crate::record::{RunKind, RunRecord, RunSummary};

impl Store {
    /// Returns the loads that the head measures too, without their distributions, one of each name
    /// for each gate on the base's commit `base` and its first-parent ancestors, newest first: of
    /// releases that may be a base, and not the head's own.
    pub(crate) fn sessions(
        &self,
        git: &Git,
        base: &str,
        head: &Head<'_>,
    ) -> Result<Vec<RunRecord>, StoreError> {
        let listing = self.list()?;
        let all = listing.runs.iter();
        let all = all.filter(|run| run.kind == RunKind::Gate);
        let known: BTreeSet<&str> = all.filter_map(|run| run.commit.as_deref()).collect();
        let ancestors = git.first_parents(base).take(ANCESTORS);
        let commits = std::iter::once(base.to_owned()).chain(ancestors);
        let mut found: Vec<RunRecord> = Vec::new();
        for commit in commits.filter(|it| known.contains(it.as_str())) {
            let is_own = !head.dirty && head.commit == Some(&commit);
            let gates: Vec<&RunSummary> = gates_of(&listing, &commit, head).collect();
            if is_own || gates.is_empty() || gate_failed(&listing, &commit, head).is_some() {
                continue;
            }
            for gate in gates {
                let mut loads = self.loads_of(gate, &listing, head)?;
                // A run is one session, whatever gates say that they have made it.
                loads.retain(|load| found.iter().all(|it| it.id != load.id));
                found.extend(loads);
            }
        }
        Ok(found)
    }

    /// Returns the loads of one gate that may stand for its release, the newest of each name.
    fn loads_of(
        &self,
        gate: &RunSummary,
        listing: &Listing,
        head: &Head<'_>,
    ) -> Result<Vec<RunRecord>, StoreError> {
        let header = |id: &str| own_header(&self.run_dir(&id.parse()?).join(RUN_FILE));
        let made = header(&gate.id)?.runs;
        let loads = listing.runs.iter().filter(|run| {
            let is_its = made.contains(&run.id) && run.commit == gate.commit && run.env == gate.env;
            run.kind == RunKind::Load && is_its && run.no_base().is_none() && head.shares(run)
        });
        let newest = newest_of_each(loads).into_iter();
        newest.map(|run| header(&run.id)).collect()
    }
}

/// Returns the whole gates of a clean commit in the head's environment, newest first.
fn gates_of<'a>(
    listing: &'a Listing,
    commit: &'a str,
    head: &'a Head<'_>,
) -> impl Iterator<Item = &'a RunSummary> {
    listing.runs.iter().filter(move |run| {
        let of_commit = run.commit.as_deref() == Some(commit) && run.env == head.env;
        run.kind == RunKind::Gate && of_commit && run.no_base().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TestRepo, dirty, gate_at, in_env, incomplete, invalid, run_at};
    use super::*;
    use crate::record::VerdictKind;

    fn head(commit: &str) -> Head<'_> {
        Head {
            commit: Some(commit),
            dirty: false,
            env: "local",
            measured: BTreeSet::from([(RunKind::Load, "peak")]),
            runs: Vec::new(),
            takes_failed: false,
        }
    }

    fn gate(second: u32, commit: &str, verdict: Option<VerdictKind>) -> RunRecord {
        let made = format!("run-{:04}", second - 1);
        RunRecord {
            verdict,
            ..gate_at(second, Some(commit), &[&made])
        }
    }

    #[test]
    fn sessions_are_the_loads_of_gates_on_the_base_and_before_it() {
        use VerdictKind::{Failed, Inconclusive, Passed};
        let repo = TestRepo::new();
        let commits: Vec<String> = ["one", "two", "three", "four"]
            .iter()
            .map(|text| repo.commit(text))
            .collect();
        let store = repo.store();
        let put = |run: RunRecord| store.write(&run).unwrap();
        let mut second = 1;
        let mut session = |commit: usize, verdict, change: fn(RunRecord) -> RunRecord| {
            put(change(run_at(second, Some(&commits[commit]))));
            put(gate(second + 1, &commits[commit], verdict));
            second += 2;
        };
        let same = |run| run;
        session(0, Some(Passed), same); // 1
        session(1, Some(Failed), same); // 3, of a release that failed
        session(2, None, same); // 5, measured as a base
        session(2, Some(Inconclusive), same); // 7
        session(2, Some(Passed), invalid); // 9
        session(2, Some(Passed), dirty); // 11
        session(2, Some(Passed), incomplete); // 13
        session(2, Some(Passed), |run| in_env(run, "eu")); // 15: another environment's run
        session(3, Some(Passed), same); // 17, the head's own
        // By itself it is no session.
        store.write(&run_at(40, Some(&commits[2]))).unwrap();
        let git = Git::open(repo.path());
        let ids = |takes_failed| {
            let head = Head {
                takes_failed,
                ..head(&commits[3])
            };
            let found = store.sessions(&git, &commits[2], &head).unwrap();
            found.into_iter().map(|run| run.id).collect::<Vec<_>>()
        };
        let expected = ["run-0007", "run-0005", "run-0001"];
        assert_eq!(ids(false), expected);
        assert_eq!(ids(true).len(), expected.len() + 1);
        // A base further back has what lies before it only.
        let found = store
            .sessions(&git, &commits[0], &head(&commits[3]))
            .unwrap();
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_session_that_judges_nothing_takes_no_failure_back() {
        let repo = TestRepo::new();
        let commits = ["one", "two"].map(|text| repo.commit(text));
        let store = repo.store();
        for run in [
            run_at(1, Some(&commits[0])),
            gate(2, &commits[0], Some(VerdictKind::Failed)),
            run_at(3, Some(&commits[0])),
            gate(4, &commits[0], None),
        ] {
            store.write(&run).unwrap();
        }
        let git = Git::open(repo.path());
        let found = store
            .sessions(&git, &commits[0], &head(&commits[1]))
            .unwrap();
        assert!(found.is_empty());
    }

    #[test]
    fn what_a_gate_says_that_it_has_made_is_looked_at() {
        let repo = TestRepo::new();
        let commits = ["one", "two", "three"].map(|text| repo.commit(text));
        let store = repo.store();
        store.write(&run_at(1, Some(&commits[0]))).unwrap();
        store.write(&run_at(2, Some(&commits[0]))).unwrap();
        store.write(&run_at(3, Some(&commits[2]))).unwrap();
        // Each says the same: two runs of one name, and one of another commit.
        for second in [10, 11, 12] {
            let made = ["run-0001", "run-0002", "run-0003"];
            store
                .write(&gate_at(second, Some(&commits[0]), &made))
                .unwrap();
        }
        let git = Git::open(repo.path());
        let found = store
            .sessions(&git, &commits[1], &head(&commits[2]))
            .unwrap();
        let ids: Vec<&str> = found.iter().map(|run| run.id.as_str()).collect();
        assert_eq!(ids, ["run-0002"]);
    }
}
