//! This machine's own floor, measured against servers whose timing is known.

use std::sync::Arc;
use std::time::Duration;

use miette::Diagnostic;
use tempfile::TempDir;
use url::Url;

use super::recording::Ending;
use super::{Experiment, Surroundings};
use crate::error::{Classify, Kind, Result};
use crate::exit::Status;
use crate::load::{Captured, Keep, LoadPlan, LoadResult, TallyId};
use crate::measure::Rate;
use crate::plan::{Chosen, LoadOverrides, Portion, Project, load_plan};
use crate::record::Calibration;
use crate::reference::{Floor, Reference, Script};

/// Arrivals a second at which the schedule lag is measured.
const LAG_RATE: &str = "2000/s";
/// Numbers of streams that are tried, one after another.
const STREAMS: [u32; 7] = [64, 125, 250, 500, 1000, 2000, 4000];
/// The gap error at the 99th percentile from which on streams are too many.
const GAP_ERROR_MS: f64 = 2.0;

/// What is measured with could not be set up.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("the reference server could not be started")]
pub(crate) struct NoReference(#[from] std::io::Error);

impl Classify for NoReference {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

/// What was measured against a server that runs by itself.
pub(crate) struct Against {
    /// `None` where no answer had the times of a reference server.
    pub(crate) calibration: Option<Calibration>,
    pub(crate) status: Status,
}

/// Measures everything, against servers of its own; `None` when it was interrupted.
pub(crate) async fn calibrate_machine(surroundings: Surroundings) -> Result<Option<Calibration>> {
    let fast = Reference::start(Script::default(), 0).map_err(NoReference::from)?;
    let slow = Script {
        gap: Duration::from_millis(50),
        ..Script::default()
    };
    let slow = Reference::start(slow, 0).map_err(NoReference::from)?;
    let text = OWN_SERVERS
        .replace("FAST", &fast.address().to_string())
        .replace("SLOW", &slow.address().to_string())
        .replace("LAG_RATE", LAG_RATE);
    let bench = Bench::new(&text, surroundings)?;
    let lag = bench.run("lag", &Keep::default()).await?;
    let streams = bench.run("stream", &replies()).await?;
    let most = bench.run("most", &Keep::default()).await?;
    let mut more = Vec::new();
    for count in STREAMS {
        more.push((
            count,
            bench
                .plan("streams", at(Rate::new(f64::from(count))))
                .await?,
        ));
    }
    let max_streams = most_streams(more, |count, plan| {
        let result = bench.drive(&format!("{count} streams"), &plan, &replies())?;
        let gap = floor_of(&result.captured).gap().and_then(|gap| gap.p99);
        Ok(gap.filter(|_| result.complete))
    })?;
    if bench.experiment.is_interrupted() {
        return Ok(None);
    }
    Ok(Some(Calibration {
        lag_rate: LAG_RATE.parse::<Rate>().map_or(0.0, Rate::per_second),
        max_rps: most.stages.values().next().map(|stage| stage.achieved_rps),
        max_streams: max_streams.map(u64::from),
        ..bench.calibration(&lag, &floor_of(&streams.captured))
    }))
}

/// Returns the highest of these numbers of streams, from low to high, up to which the gap error
/// stays small. `gap_p99` measures it in ms; `None` where it could not be.
fn most_streams<P>(
    numbers: impl IntoIterator<Item = (u32, P)>,
    mut gap_p99: impl FnMut(u32, P) -> Result<Option<f64>>,
) -> Result<Option<u32>> {
    let mut most = None;
    for (count, plan) in numbers {
        if gap_p99(count, plan)?.is_none_or(|gap| gap >= GAP_ERROR_MS) {
            break;
        }
        most = Some(count);
    }
    Ok(most)
}

/// Measures the errors against a server that runs by itself, on cores of its own for instance.
pub(crate) async fn calibrate_against(
    surroundings: Surroundings,
    url: &Url,
    (rate, duration): (Rate, Duration),
) -> Result<Against> {
    let url = url.as_str().trim_end_matches('/');
    let bench = Bench::new(&ANOTHER_SERVER.replace("URL", url), surroundings)?;
    let overrides = LoadOverrides {
        duration: Some(duration),
        ..at(Some(rate))
    };
    let plan = bench.plan("stream", overrides).await?;
    let experiment = &bench.experiment;
    let result = experiment.drive(("calibrate against", url), &plan, &replies())?;
    let ending = Ending {
        complete: result.complete,
        never_reached: result.never_reached,
        validity: result.validity.verdict,
        stages: &result.stages,
    };
    let status = ending.of_load();
    for reason in &result.validity.reasons {
        experiment.warn(reason);
    }
    for (failure, detail) in result.remarks.0.values().flat_map(|it| &it.examples) {
        experiment.warn(format!("{url}, {failure}: {detail}"));
    }
    let floor = floor_of(&result.captured);
    if floor.ttft().is_none() {
        experiment.warn("no answer had the times of a reference server: see `calibrate --serve`");
        return Ok(Against {
            calibration: None,
            status: status.and(Status::Inconclusive),
        });
    }
    let calibration = Calibration {
        lag_rate: rate.per_second(),
        ..bench.calibration(&result, &floor)
    };
    Ok(Against {
        calibration: Some(calibration),
        status,
    })
}

fn at(rate: Option<Rate>) -> LoadOverrides {
    LoadOverrides {
        rate,
        ..LoadOverrides::default()
    }
}

/// A project whose stages are reference servers.
struct Bench {
    experiment: Experiment,
    // Held until the measurements are done.
    _folder: TempDir,
}

impl Bench {
    fn new(manifest: &str, surroundings: Surroundings) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(NoReference::from)?;
        let path = folder.path().join("stagegate.toml");
        std::fs::write(&path, manifest).map_err(NoReference::from)?;
        let project = Project::open(&Chosen {
            manifest: path,
            ..Chosen::default()
        })?;
        Ok(Self {
            experiment: Experiment::new(Arc::new(project), surroundings)?,
            _folder: folder,
        })
    }

    async fn plan(&self, name: &str, overrides: LoadOverrides) -> Result<LoadPlan> {
        let load = overrides.apply(self.experiment.project.load(name)?);
        load_plan(&self.experiment.site(), &load, &Portion::default()).await
    }

    async fn run(&self, name: &str, keep: &Keep) -> Result<LoadResult> {
        let plan = self.plan(name, LoadOverrides::default()).await?;
        self.drive(name, &plan, keep)
    }

    fn drive(&self, label: &str, plan: &LoadPlan, keep: &Keep) -> Result<LoadResult> {
        self.experiment.drive(("calibrate", label), plan, keep)
    }

    /// Returns the figures that a load of streams has, with the lag of another.
    fn calibration(&self, lag: &LoadResult, floor: &Floor) -> Calibration {
        Calibration {
            measured_at: self.experiment.clock.now().to_string(),
            cores: std::thread::available_parallelism().map_or(1, |it| it.get() as u64),
            schedule_lag_ms: lag.generator.schedule_lag_ms,
            lag_rate: 0.0,
            ttft_error_ms: floor.ttft(),
            gap_error_ms: floor.gap(),
            max_rps: None,
            max_streams: None,
        }
    }
}

/// Keeps the answers of the one stage of these loads.
fn replies() -> Keep {
    Keep {
        replies_of: vec![TallyId(0)],
        traces: false,
    }
}

fn floor_of(captured: &[Captured]) -> Floor {
    let mut floor = Floor::default();
    for answer in captured {
        floor.take(answer);
    }
    floor
}

const ANOTHER_SERVER: &str = r#"version = 1

[stage.chat]
kind = "chat"
url = "URL/v1/chat/completions"
model = "reference"
stream = true
messages = [{ role = "user", content = "hello" }]

[load.stream]
target = "chat"
arrivals = { process = "poisson", rate = "60/s" }
duration = "10s"
warmup = "2s"
"#;

const OWN_SERVERS: &str = r#"version = 1

[stage.plain]
kind = "http"
url = "http://FAST/"

[stage.chat]
kind = "chat"
url = "http://FAST/v1/chat/completions"
model = "reference"
stream = true
max_tokens = 20
messages = [{ role = "user", content = "hello" }]

[stage.slow]
kind = "chat"
url = "http://SLOW/v1/chat/completions"
model = "reference"
stream = true
max_tokens = 20
messages = [{ role = "user", content = "hello" }]

[load.lag]
target = "plain"
arrivals = { rate = "LAG_RATE" }
duration = "2s"
warmup = "300ms"

[load.stream]
target = "chat"
arrivals = { process = "poisson", rate = "60/s" }
duration = "2s"
warmup = "300ms"

[load.most]
target = "plain"
arrivals = { concurrency = 60 }
duration = "1s"
warmup = "300ms"

[load.streams]
target = "slow"
arrivals = { process = "poisson", rate = "1/s" }
duration = "1500ms"
warmup = "1s"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn most(gaps: &[Option<f64>]) -> (Option<u32>, usize) {
        let mut tried = 0;
        let numbers = [64, 125, 250].into_iter().zip(gaps);
        let found = most_streams(numbers, |_, gap| {
            tried += 1;
            Ok(*gap)
        });
        (found.unwrap(), tried)
    }

    #[test]
    fn streams_are_added_until_the_gap_error_grows_or_is_unknown() {
        assert_eq!(most(&[Some(0.1), Some(1.9), Some(2.0)]), (Some(125), 3));
        assert_eq!(most(&[Some(2.1), Some(0.1), Some(0.1)]), (None, 1));
        assert_eq!(most(&[Some(0.1), None, Some(0.1)]), (Some(64), 2));
        assert_eq!(most(&[Some(0.1); 3]), (Some(250), 3));
    }
}
