//! Reads runs: every version ever written, with an error that names file and key for anything else.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, BufReader};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;
use super::layout::{Store, no_link};
use super::listing::{BrokenRun, Listing};
use super::split::{Histograms, Parts, join};
use crate::intake;
use crate::record::FormatVersion;
use crate::record::RunId;
use crate::record::RunSummary;
use crate::record::{
    CaseResult, DiffDocument, RELEASE_SCHEMA, RUN_SCHEMA, ReleaseDocument, RunRecord,
};

/// The run without its distributions, cases, and comparison.
pub(super) const RUN_FILE: &str = "run.json";
/// The distributions.
pub(super) const HISTOGRAMS_FILE: &str = "histograms.json";
/// One case a line.
pub(super) const CASES_FILE: &str = "cases.jsonl";
/// The comparison that a gate was decided by.
pub(super) const DIFF_FILE: &str = "diff.json";

/// So much the clocks of two machines may differ.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(1);

/// What is looked at before anything else: the rest may have another shape in another version.
#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    schema: String,
    version: Option<FormatVersion>,
    #[serde(default)]
    written_by: Option<String>,
}

impl Store {
    /// Reads a whole run.
    pub(crate) fn read(&self, id: &RunId) -> Result<RunRecord, StoreError> {
        self.guard()?;
        let folder = self.run_dir(id);
        no_link(&folder)?;
        let header = own_header(&folder.join(RUN_FILE))?;
        let histograms = document(&folder.join(HISTOGRAMS_FILE))?;
        let cases = cases(&folder.join(CASES_FILE))?;
        Ok(join(Parts {
            header,
            histograms,
            cases,
            diff: document(&folder.join(DIFF_FILE))?,
        }))
    }

    /// Lists every stored run, newest first, and apart the folders that hold none that can be read.
    /// A store that was never written to is empty.
    pub(crate) fn list(&self) -> Result<Listing, StoreError> {
        self.guard()?;
        let folder = self.runs_dir();
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Listing::default()),
            Err(e) => return Err(StoreError::io("read", &folder, e)),
        };
        let tracked = self.tracked();
        let latest = self.clock.now() + CLOCKS_DIFFER;
        let mut listing = Listing::default();
        let mut names = BTreeSet::new();
        for entry in entries {
            let entry = entry.map_err(|e| StoreError::io("read", &folder, e))?;
            let kind = entry.file_type();
            let kind = kind.map_err(|e| StoreError::io("read", &entry.path(), e))?;
            if kind.is_dir() {
                names.insert(entry.file_name());
            } else if let Err(link) = no_link(&entry.path()) {
                listing.broken.push(BrokenRun {
                    message: link.to_string(),
                    path: entry.path(),
                });
            }
        }
        for name in names {
            let path = folder.join(&name);
            match own_header(&path.join(RUN_FILE)) {
                Ok(run) if name.to_str() == Some(&run.id) => {
                    let started = run.started_at.parse::<Timestamp>();
                    listing.runs.push(RunSummary {
                        tracked: tracked.holds(&run.id),
                        future: started.is_ok_and(|it| it > latest),
                        ..RunSummary::of(&run)
                    });
                }
                Ok(run) => listing.broken.push(BrokenRun {
                    message: format!("`{}` holds the run `{}`", path.display(), run.id),
                    path,
                }),
                Err(error) => listing.broken.push(BrokenRun {
                    message: explain(&error),
                    path,
                }),
            }
        }
        listing.sort();
        Ok(listing)
    }
}

/// Reads a self-contained document, as `runs export` writes it: one run, or those of a release.
/// Never empty.
pub(crate) fn read_exported(path: &Path) -> Result<Vec<RunRecord>, StoreError> {
    #[derive(Deserialize)]
    struct Probes {
        runs: Vec<Probe>,
    }

    let read = intake::read_text(path, &intake::RUN);
    let text = read.map_err(|e| StoreError::io("read", path, e))?;
    let probe: Probe = parse(&text, path)?;
    if probe.schema != RELEASE_SCHEMA {
        return Ok(vec![header(path, &text)?]);
    }
    probe.must_be_readable(path)?;
    for probe in parse::<Probes>(&text, path)?.runs {
        probe.must_be_run(path)?;
    }
    let runs = parse::<ReleaseDocument>(&text, path)?.runs;
    if runs.is_empty() {
        return Err(StoreError::Malformed {
            path: path.to_owned(),
            place: "at `runs`: ".to_owned(),
            message: "there is none".to_owned(),
        });
    }
    Ok(runs)
}

/// Reads a run document of the store.
pub(super) fn own_header(path: &Path) -> Result<RunRecord, StoreError> {
    header(path, &text(path)?)
}

/// Parses one run document.
pub(crate) fn header(path: &Path, text: &str) -> Result<RunRecord, StoreError> {
    parse::<Probe>(text, path)?.must_be_run(path)?;
    parse(text, path)
}

impl Probe {
    /// Refuses what is no run, or of a version that cannot be read.
    fn must_be_run(self, path: &Path) -> Result<(), StoreError> {
        if self.schema != RUN_SCHEMA {
            return Err(StoreError::Foreign {
                path: path.to_owned(),
                schema: self.schema,
            });
        }
        self.must_be_readable(path)
    }

    fn must_be_readable(self, path: &Path) -> Result<(), StoreError> {
        match self.version {
            Some(version) if !version.is_readable() => Err(StoreError::Newer {
                path: path.to_owned(),
                written: version,
                writer: self
                    .written_by
                    .unwrap_or_else(|| "a later stagegate".to_owned()),
            }),
            _ => Ok(()),
        }
    }
}

/// Reads everything that the folder of a run holds, for whether it can be read.
pub(super) fn verify(folder: &Path) -> Result<(), StoreError> {
    own_header(&folder.join(RUN_FILE))?;
    document::<Histograms>(&folder.join(HISTOGRAMS_FILE))?;
    document::<Option<DiffDocument>>(&folder.join(DIFF_FILE))?;
    each_case(&folder.join(CASES_FILE), drop).or_else(absent)
}

/// Reads a part of a run that not every run has.
fn document<T: DeserializeOwned + Default>(path: &Path) -> Result<T, StoreError> {
    match text(path) {
        Ok(text) => parse(&text, path),
        Err(error) => absent(error),
    }
}

fn cases(path: &Path) -> Result<Vec<CaseResult>, StoreError> {
    let mut cases = Vec::new();
    match each_case(path, |case| cases.push(case)) {
        Ok(()) => Ok(cases),
        Err(error) => absent(error),
    }
}

/// Reads the cases of a run one after the other.
fn each_case(path: &Path, mut take: impl FnMut(CaseResult)) -> Result<(), StoreError> {
    let failed = |error| StoreError::io("read", path, error);
    let file = intake::open_own(path, OpenOptions::new().read(true)).map_err(failed)?;
    let mut from = BufReader::new(file);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if intake::read_line(&mut from, &mut line, &intake::RUN_LINE).map_err(failed)? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let case = serde_json::from_slice(&line).map_err(|e| StoreError::Malformed {
            path: path.to_owned(),
            place: format!("line {number}: "),
            message: e.to_string(),
        })?;
        take(case);
    }
    Ok(())
}

/// A run without distributions, cases, or a comparison has no file for them.
fn absent<T: Default>(error: StoreError) -> Result<T, StoreError> {
    match error {
        StoreError::Io { ref source, .. } if source.kind() == io::ErrorKind::NotFound => {
            Ok(T::default())
        }
        other => Err(other),
    }
}

fn text(path: &Path) -> Result<String, StoreError> {
    intake::read_own_text(path, &intake::RUN).map_err(|e| StoreError::io("read", path, e))
}

fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, StoreError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let at = error.path().to_string();
        StoreError::Malformed {
            path: path.to_owned(),
            place: if at == "." {
                String::new()
            } else {
                format!("at `{at}`: ")
            },
            message: error.into_inner().to_string(),
        }
    })?;
    json.end().map_err(|e| StoreError::Malformed {
        path: path.to_owned(),
        place: String::new(),
        message: e.to_string(),
    })?;
    Ok(value)
}

fn explain(error: &StoreError) -> String {
    match error {
        StoreError::Io { source, .. } => format!("{error}: {source}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::super::export::{export, printed};
    use super::super::testing::{eval_at, fixture, fixture_path, run_at};
    use super::*;
    use crate::error::{Classify, Kind};
    use crate::measure::Clock;
    use crate::metric::LatencyMetric;
    use crate::record::Change;

    /// Returns the message for a `run.json` of that text, with the project's folder left out.
    fn complaint(text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.json");
        fs::write(&path, text).unwrap();
        let error = read_exported(&path).unwrap_err();
        assert_eq!(error.kind(), Kind::Environment);
        let help = miette::Diagnostic::help(&error).map_or(String::new(), |h| format!(" | {h}"));
        format!("{error}{help}").replace(dir.path().to_str().unwrap(), "DIR")
    }

    fn edited(from: &str, to: &str) -> String {
        let text = fs::read_to_string(fixture_path("v1.0", "load")).unwrap();
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text);
        edited
    }

    #[test]
    fn documents_of_version_1_0_stay_readable() {
        let load = fixture("v1.0", "load");
        let metric = &load.stages["gateway"].metrics[&LatencyMetric::ResponseTime];
        assert_eq!(
            (load.seed, metric.p95, metric.intervals.len()),
            (7, Some(1.3), 2)
        );
        let decoded = metric.histogram.as_ref().unwrap();
        assert_eq!((decoded.count(), decoded.max_ms()), (1198, Some(1.4)));
        let eval = fixture("v1.0", "eval").eval.unwrap();
        assert_eq!((eval.cases.len(), eval.pass_rate.value), (3, 1.0 / 3.0));
    }

    #[test]
    fn documents_of_version_1_1_stay_readable() {
        let gate = fixture("v1.1", "gate");
        let diff = gate.diff.unwrap();
        assert_eq!((gate.runs.len(), diff.comparisons.len()), (1, 4));
        let rate = &diff.comparisons[0];
        assert_eq!(rate.metric.to_string(), "eval.answers.pass_rate");
        assert_eq!((rate.n, rate.verdict), (60, Change::Regressed));
        assert_eq!(diff.cases.broke.len(), 10);
    }

    #[test]
    fn a_newer_major_is_refused_with_the_version_to_install() {
        let text =
            edited("\"major\": 1", "\"major\": 2").replace("stagegate 0.1.0", "stagegate 3.4.0");
        assert_snapshot!(complaint(&text), @"`DIR/run.json` has format 2.0, written by stagegate 3.4.0; this program reads formats up to 1.x | Upgrade stagegate: the run was written by stagegate 3.4.0.");
    }

    #[test]
    fn a_newer_minor_with_unknown_keys_and_an_older_one_without_new_keys_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.json");
        fs::write(&path, edited("\"minor\": 0", "\"minor\": 9, \"new\": []")).unwrap();
        assert_eq!(
            read_exported(&path).unwrap()[0].id,
            fixture("v1.0", "load").id
        );
        fs::write(&path, edited("  \"fault\": null,\n", "")).unwrap();
        assert_eq!(read_exported(&path).unwrap(), [fixture("v1.0", "load")]);
    }

    #[test]
    fn a_broken_document_is_an_error_that_names_file_and_key() {
        let wrong_type = edited("\"ok\": 1198", "\"ok\": \"many\"");
        assert_snapshot!(complaint(&wrong_type), @r#"`DIR/run.json` is not a readable run: at `stages.gateway.ok`: invalid type: string "many", expected u64 at line 42 column 18"#);
        assert_snapshot!(complaint("{\"schema\": \"stagegate/diff\"}"), @"`DIR/run.json` holds no run: its `schema` is `stagegate/diff`, not `stagegate/run`");
        assert_snapshot!(complaint("{} {}"), @"`DIR/run.json` is not a readable run: trailing characters at line 1 column 4");
        assert_snapshot!(complaint(""), @"`DIR/run.json` is not a readable run: EOF while parsing a value at line 1 column 0");
    }

    #[test]
    fn a_list_goes_on_after_broken_runs_and_puts_the_newest_first() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path(), &Clock::System);
        assert_eq!(store.list().unwrap(), Listing::default());
        store.write(&run_at(1, None)).unwrap();
        store.write(&run_at(3, None)).unwrap();
        let mut half_a_second_later = run_at(2, None);
        half_a_second_later.started_at = "2026-01-01T00:00:01.5Z".to_owned();
        store.write(&half_a_second_later).unwrap();
        fs::create_dir(store.runs_dir().join("empty")).unwrap();
        fs::create_dir(store.runs_dir().join("half")).unwrap();
        fs::write(
            store.runs_dir().join("half/run.json"),
            "{\"schema\": \"stag",
        )
        .unwrap();
        fs::create_dir(store.runs_dir().join("copy")).unwrap();
        fs::copy(
            store.runs_dir().join("run-0001/run.json"),
            store.runs_dir().join("copy/run.json"),
        )
        .unwrap();
        let listing = store.list().unwrap();
        let ids: Vec<&str> = listing.runs.iter().map(|run| run.id.as_str()).collect();
        assert_eq!(ids, ["run-0003", "run-0002", "run-0001"]);
        let broken: Vec<String> = listing
            .broken
            .iter()
            .map(|broken| {
                broken
                    .message
                    .replace(project.path().to_str().unwrap(), "PROJECT")
            })
            .collect();
        assert_eq!(broken.len(), 3);
        assert_snapshot!(broken[0], @"`PROJECT/.stagegate/runs/copy` holds the run `run-0001`");
        assert!(broken[1].starts_with("cannot read `PROJECT/.stagegate/runs/empty/run.json`: "));
        assert!(
            broken[2]
                .starts_with("`PROJECT/.stagegate/runs/half/run.json` is not a readable run: ")
        );
    }

    #[test]
    fn a_broken_histogram_is_an_error_that_names_stage_and_metric() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path(), &Clock::System);
        let folder = store.write(&fixture("v1.0", "load")).unwrap();
        let path = folder.join(HISTOGRAMS_FILE);
        let mut value: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        value["stages"]["gateway"]["response_time"]["histogram"] = "AAAA".into();
        fs::write(&path, value.to_string()).unwrap();
        let id = fixture("v1.0", "load").id.parse().unwrap();
        let error = store.read(&id).unwrap_err().to_string();
        assert!(
            error.contains("at `stages.gateway.response_time.histogram`: not a histogram"),
            "{error}"
        );
    }

    #[test]
    fn a_broken_case_is_an_error_that_names_its_line() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path(), &Clock::System);
        let run = eval_at(1, None);
        let path = store.write(&run).unwrap().join(CASES_FILE);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"id\":\"q2\"", "\"id\":2")).unwrap();
        let error = store
            .read(&"run-0001".parse().unwrap())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("cases.jsonl` is not a readable run: line 2: invalid type"),
            "{error}"
        );
        assert_eq!(store.list().unwrap().runs.len(), 1);
    }

    #[test]
    fn an_export_holds_everything_and_the_printed_document_no_histograms() {
        let run = fixture("v1.0", "load");
        let value: serde_json::Value = serde_json::from_str(&printed(&run)).unwrap();
        let metric = &value["stages"]["gateway"]["metrics"]["response_time"];
        assert_eq!(metric["p95"], 1.3);
        assert!(metric.get("histogram").is_none() && metric.get("intervals").is_none());
        let eval: serde_json::Value =
            serde_json::from_str(&printed(&fixture("v1.0", "eval"))).unwrap();
        assert_eq!(eval["eval"]["cases"].as_array().unwrap().len(), 3);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("exported.json");
        fs::write(&path, export(&run)).unwrap();
        assert_eq!(read_exported(&path).unwrap(), [run]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn nothing_is_lost_on_disk(
            numbers in prop::array::uniform4(
                prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO
            ),
            text in any::<String>(),
            maybe in prop::option::of(0.0..1e9_f64),
            seed in any::<u64>(),
        ) {
            let mut run = fixture("v1.0", "eval");
            run.stages = fixture("v1.0", "load").stages;
            run.seed = seed;
            run.duration_s = numbers[0];
            run.name.clone_from(&text);
            run.plan = serde_json::json!({ text.as_str(): numbers[1], "seed": seed });
            run.fault = maybe.map(|value| serde_json::json!({ "inject": { "share": value } }));
            let stage = run.stages.get_mut("gateway").unwrap();
            stage.offered_rps = maybe;
            stage.errors.insert(text.clone(), seed);
            let metric = stage.metrics.get_mut(&LatencyMetric::ResponseTime).unwrap();
            metric.mean = Some(numbers[2]);
            metric.intervals[0].end_s = numbers[3];
            let eval = run.eval.as_mut().unwrap();
            eval.pass_rate.bounds = maybe.map(|low| (low, numbers[0]));
            eval.cases[0].output = Some(text.clone());
            eval.cases[1].response_time_ms = maybe;
            let project = tempfile::tempdir().unwrap();
            let store = Store::open(project.path(), &Clock::System);
            store.write(&run).unwrap();
            prop_assert_eq!(&store.read(&run.id.parse().unwrap()).unwrap(), &run);
            let exported = project.path().join("exported.json");
            fs::write(&exported, export(&run)).unwrap();
            prop_assert_eq!(&read_exported(&exported).unwrap()[0], &run);
        }
    }
}
