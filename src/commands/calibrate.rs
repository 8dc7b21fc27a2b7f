//! `stagegate calibrate`: this machine's own floor, measured against the reference server.

use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Args;
use miette::Diagnostic;
use url::Url;

use super::Context;
use super::context::MANIFEST;
use super::load::{Ended, run_plan, status_of};
use super::runs::folder;
use crate::error::{Classify, Kind, Result};
use crate::exit::Status;
use crate::load::{Captured, Keep, LoadResult, TallyId};
use crate::measure::{Rate, parse_duration};
use crate::plan::{Chosen, LoadOverrides, Project, load_plan};
use crate::record::Calibration;
use crate::reference::{Floor, Reference, Script};
use crate::report::View;
use crate::store::Store;
use crate::transport::Client;

/// Measure this machine's own floor: schedule lag, TTFT and gap error, highest rate, most streams
#[derive(Args, Clone, Debug)]
pub(crate) struct CalibrateArgs {
    /// Only serve the reference server, to hold other load generators against it
    #[arg(long)]
    serve: bool,
    /// Only measure TTFT and gap error, against a reference server that this machine serves at this address
    #[arg(long, value_name = "URL", conflicts_with = "serve")]
    against: Option<Url>,
    /// Open so many streams a second there
    #[arg(
        long,
        value_name = "RATE",
        requires = "against",
        default_value = "60/s"
    )]
    rate: Rate,
    /// Measure for so long there
    #[arg(long, value_name = "D", requires = "against", value_parser = parse_duration, default_value = "10s")]
    duration: Duration,
    #[command(flatten)]
    script: ScriptArgs,
}

/// What the reference server does when it is only served.
#[derive(Args, Clone, Debug)]
struct ScriptArgs {
    /// Serve on this port [default: a free one]
    #[arg(
        long,
        value_name = "P",
        requires = "serve",
        default_value = "0",
        hide_default_value = true
    )]
    port: u16,
    /// Wait so long before a plain answer
    #[arg(long, value_name = "D", requires = "serve", value_parser = parse_duration, default_value = "0s")]
    delay: Duration,
    /// Wait so long before the first token of a stream
    #[arg(long, value_name = "D", requires = "serve", value_parser = parse_duration, default_value = "50ms")]
    ttft: Duration,
    /// Wait so long between two tokens
    #[arg(long, value_name = "D", requires = "serve", value_parser = parse_duration, default_value = "5ms")]
    gap: Duration,
    /// Send so many tokens, where a request does not limit them
    #[arg(long, value_name = "N", requires = "serve", default_value = "128")]
    tokens: u32,
    /// Stand still for so long, every so often, for instance `200ms/2s`
    #[arg(long, value_name = "D/D", requires = "serve", value_parser = parse_freeze)]
    freeze: Option<(Duration, Duration)>,
}

fn parse_freeze(text: &str) -> std::result::Result<(Duration, Duration), String> {
    let wrong = || format!("`{text}` is not a pause; write it like `200ms/2s`");
    let (length, every) = text.split_once('/').ok_or_else(wrong)?;
    let (length, every) = (
        parse_duration(length).map_err(|_| wrong())?,
        parse_duration(every).map_err(|_| wrong())?,
    );
    if length < every {
        Ok((length, every))
    } else {
        Err(wrong())
    }
}

/// The reference server could not be started.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("the reference server could not be started")]
pub(crate) struct NoReference(#[from] std::io::Error);

impl Classify for NoReference {
    fn kind(&self) -> Kind {
        Kind::Environment
    }
}

/// Runs the command.
pub(crate) async fn calibrate(context: &Context, args: &CalibrateArgs) -> Result<Status> {
    if args.serve {
        return serve(context, &args.script).await;
    }
    if let Some(url) = &args.against {
        return against(context, args, url).await;
    }
    let bench = Bench::new(context)?;
    let calibration = bench.measure().await?;
    let Some(calibration) = calibration else {
        return Ok(Status::Interrupted);
    };
    // Where there is a project, its later runs are stored with what this machine can do.
    if context.manifest_path().is_file() {
        Store::open(&folder(context)).write_calibration(&calibration)?;
    } else {
        context
            .ui
            .note("there is no manifest here, so that no run will be stored with these figures");
    }
    Ok(context.emit(&View::Calibration(&calibration), Status::Passed))
}

/// Arrivals a second at which the schedule lag is measured.
const LAG_RATE: &str = "2000/s";
/// Numbers of streams that are tried, one after another.
const STREAMS: [u32; 7] = [64, 125, 250, 500, 1000, 2000, 4000];
/// The gap error at the 99th percentile from which on streams are too many.
const GAP_ERROR_MS: f64 = 2.0;

/// The reference servers, and a project whose stages they are.
struct Bench<'a> {
    context: &'a Context,
    project: Project,
    client: Client,
    // Held until the measurements are done.
    _servers: [Reference; 2],
    _folder: tempfile::TempDir,
}

impl<'a> Bench<'a> {
    fn new(context: &'a Context) -> Result<Self> {
        let fast = Reference::start(Script::default(), 0).map_err(NoReference::from)?;
        let slow = Script {
            gap: Duration::from_millis(50),
            ..Script::default()
        };
        let slow = Reference::start(slow, 0).map_err(NoReference::from)?;
        let folder = tempfile::tempdir().map_err(NoReference::from)?;
        let manifest = folder.path().join(MANIFEST);
        let text = MANIFEST_TEXT
            .replace("FAST", &fast.address().to_string())
            .replace("SLOW", &slow.address().to_string())
            .replace("LAG_RATE", LAG_RATE);
        std::fs::write(&manifest, text).map_err(NoReference::from)?;
        let project = Project::open(&Chosen {
            manifest,
            ..Chosen::default()
        })?;
        Ok(Self {
            context,
            project,
            client: Client::default(),
            _servers: [fast, slow],
            _folder: folder,
        })
    }

    /// Measures everything; `None` when it was interrupted.
    async fn measure(&self) -> Result<Option<Calibration>> {
        let lag = self.run("lag", None).await?;
        let streams = self.run("stream", None).await?;
        let most = self.run("most", None).await?;
        let floor = floor_of(&streams.captured);
        let mut max_streams = None;
        for count in STREAMS {
            let result = self.run("streams", Some(count)).await?;
            let gap = floor_of(&result.captured).gap().and_then(|gap| gap.p99);
            if !result.complete || gap.is_none_or(|gap| gap >= GAP_ERROR_MS) {
                break;
            }
            max_streams = Some(u64::from(count));
        }
        if self.context.interrupted.load(Ordering::Relaxed) {
            return Ok(None);
        }
        Ok(Some(Calibration {
            measured_at: (self.context.now)().to_string(),
            cores: cores(),
            schedule_lag_ms: lag.generator.schedule_lag_ms,
            lag_rate: LAG_RATE.parse::<Rate>().map_or(0.0, Rate::per_second),
            ttft_error_ms: floor.ttft(),
            gap_error_ms: floor.gap(),
            max_rps: most.stages.values().next().map(|stage| stage.achieved_rps),
            max_streams,
        }))
    }

    async fn run(&self, name: &str, streams: Option<u32>) -> Result<LoadResult> {
        let load = self.project.manifest.load_named(name);
        let overrides = LoadOverrides {
            // A stream of 20 tokens lasts a second: so many begin each second, and so many are open.
            rate: streams.and_then(|count| Rate::new(f64::from(count))),
            ..LoadOverrides::default()
        };
        let load = overrides.apply(load.expect("the manifest is ours"));
        let plan = load_plan(&self.project, &self.client, &load, &[]).await?;
        let label = match streams {
            Some(count) => format!("{count} streams"),
            None => name.to_owned(),
        };
        let keep = Keep {
            // The one stage of these loads.
            replies_of: name
                .starts_with("stream")
                .then_some(TallyId(0))
                .into_iter()
                .collect(),
            traces: false,
        };
        run_plan(self.context, ("calibrate", &label), &plan, &keep)
    }
}

fn floor_of(captured: &[Captured]) -> Floor {
    let mut floor = Floor::default();
    for answer in captured {
        floor.take(answer);
    }
    floor
}

/// Measures the errors against a server that runs by itself, on cores of its own for instance.
async fn against(context: &Context, args: &CalibrateArgs, url: &Url) -> Result<Status> {
    let folder = tempfile::tempdir().map_err(NoReference::from)?;
    let manifest = folder.path().join(MANIFEST);
    let url = url.as_str().trim_end_matches('/');
    let text = AGAINST_TEXT.replace("URL", url);
    std::fs::write(&manifest, text).map_err(NoReference::from)?;
    let project = Project::open(&Chosen {
        manifest,
        ..Chosen::default()
    })?;
    let load = project.manifest.load_named("stream");
    let overrides = LoadOverrides {
        rate: Some(args.rate),
        duration: Some(args.duration),
        ..LoadOverrides::default()
    };
    let load = overrides.apply(load.expect("the manifest is ours"));
    let plan = load_plan(&project, &Client::default(), &load, &[]).await?;
    let keep = Keep {
        replies_of: vec![TallyId(0)],
        traces: false,
    };
    let result = run_plan(context, ("calibrate against", url), &plan, &keep)?;
    let status = status_of(&Ended {
        complete: result.complete,
        never_reached: result.never_reached,
        validity: result.validity.verdict,
        stages: &result.stages,
    });
    for reason in &result.validity.reasons {
        context.ui.warn(reason);
    }
    for (failure, detail) in result.examples.values().flatten() {
        context.ui.warn(&format!("{url}, {failure}: {detail}"));
    }
    let floor = floor_of(&result.captured);
    if floor.ttft().is_none() {
        context
            .ui
            .warn("no answer had the times of a reference server: see `calibrate --serve`");
        return Ok(status.and(Status::Inconclusive));
    }
    let calibration = Calibration {
        measured_at: (context.now)().to_string(),
        cores: cores(),
        schedule_lag_ms: result.generator.schedule_lag_ms,
        lag_rate: args.rate.per_second(),
        ttft_error_ms: floor.ttft(),
        gap_error_ms: floor.gap(),
        max_rps: None,
        max_streams: None,
    };
    Ok(context.emit(&View::Calibration(&calibration), status))
}

fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |it| it.get() as u64)
}

const AGAINST_TEXT: &str = r#"version = 1

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

const MANIFEST_TEXT: &str = r#"version = 1

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

async fn serve(context: &Context, args: &ScriptArgs) -> Result<Status> {
    let script = Script {
        delay: args.delay,
        ttft: args.ttft,
        gap: args.gap,
        tokens: args.tokens,
        freeze: args.freeze,
    };
    let server = Reference::start(script, args.port).map_err(NoReference::from)?;
    let address = server.address();
    let text = format!("serving the reference server on http://{address} until Ctrl-C\n");
    let status = context.emit_text(&text, Status::Passed);
    context.asked_to_end().await;
    drop(server);
    Ok(status)
}
