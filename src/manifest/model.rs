//! The checked manifest: still about the deployment, nothing about one invocation.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::arrivals::Arrivals;
use super::kind::KindTable;
use super::prompts::Prompts;
use crate::measure::Share;
use crate::metric::{Figure, Limit, Metric};
use crate::name::Name;

/// A byte range in the manifest's text.
pub(crate) type Span = Range<usize>;

/// What `stagegate.toml` says, checked.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// Where it was read from.
    pub(crate) path: PathBuf,
    /// Its whole text, for underlining; see [`Manifest::as_used`].
    pub(crate) text: String,
    /// Every `--set KEY=VALUE` that was laid over the text.
    pub(crate) overrides: Vec<String>,
    pub(crate) deployment: Deployment,
    pub(crate) environments: BTreeMap<Name, Environment>,
    pub(crate) release: BTreeMap<Name, VersionSource>,
    /// In the order of the manifest.
    pub(crate) stages: Vec<Stage>,
    pub(crate) pipelines: Vec<Pipeline>,
    pub(crate) loads: Vec<Load>,
    pub(crate) evals: Vec<Eval>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) gate: Option<Gate>,
    pub(crate) accept: Vec<Accept>,
    /// Every `{{ secret.NAME }}` anywhere in the manifest, with the stages that need it.
    pub(crate) secrets: BTreeMap<String, BTreeSet<Name>>,
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
}

/// `[env.NAME]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// Every key, `region` and `protected` too; what `{{ env.KEY }}` reads.
    pub(crate) values: Map<String, Value>,
    pub(crate) region: Option<String>,
    #[expect(
        dead_code,
        reason = "checked now, read by a guard against loads on protected environments"
    )]
    pub(crate) protected: bool,
}

/// One entry of `[release]`: where a part of the version vector comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VersionSource {
    /// Digest of the files that match a glob, relative to the manifest.
    Files(String),
    /// A JSONPath into a stage's answer.
    Response { stage: Name, path: String },
    /// A header of a stage's answer.
    Header { stage: Name, header: String },
}

/// `[stage.NAME]`: the keys every kind has; the others stay in `kind` for the protocol that owns them.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) name: Name,
    pub(crate) kind: KindTable,
    /// Which stages this one calls.
    pub(crate) calls: Vec<Name>,
    #[expect(dead_code, reason = "checked now, read by fault drills")]
    pub(crate) fallback: Vec<Name>,
    pub(crate) timeout: Timeouts,
    pub(crate) http_version: HttpVersion,
    /// The stage's own owner; see [`Manifest::owner`].
    pub(crate) owner: Option<String>,
    pub(crate) slo: Vec<Slo>,
    pub(crate) cost: Option<Cost>,
    #[expect(dead_code, reason = "checked now, read by fault drills")]
    pub(crate) proxy: Option<SocketAddr>,
    /// The table's header in the text.
    pub(crate) span: Span,
}

/// `http_version`: how an HTTP stage is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum HttpVersion {
    /// HTTP/1.1: one request at a time on a connection.
    #[default]
    One,
    /// HTTP/2: agreed on in the TLS handshake, or without TLS, assumed.
    Two,
}

impl HttpVersion {
    pub(crate) const ALL: [(&'static str, Self); 2] = [("1.1", Self::One), ("2", Self::Two)];
}

/// `timeout`: how long each part of an attempt may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeouts {
    pub(crate) connect: Option<Duration>,
    pub(crate) first_token: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) total: Duration,
}

/// One SLO of a stage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slo {
    pub(crate) figure: Figure,
    pub(crate) limit: Limit,
    pub(crate) span: Span,
}

/// `cost`, in USD per million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    pub(crate) input: f64,
    pub(crate) output: f64,
}

/// `[pipeline.NAME]`: steps that stagegate itself drives.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) name: Name,
    pub(crate) steps: Vec<Name>,
    pub(crate) span: Span,
}

/// `[load.NAME]`.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) name: Name,
    /// What receives the arrivals, each all of them; empty where there is a mix.
    pub(crate) targets: Vec<Name>,
    /// What the arrivals are shared out among, instead.
    pub(crate) mix: Vec<Scenario>,
    pub(crate) arrivals: Arrivals,
    pub(crate) until: Length,
    pub(crate) warmup: Duration,
    pub(crate) seed: u64,
    pub(crate) sends: Sends,
    /// The suite that scores what came back.
    pub(crate) score_with: Option<Name>,
    pub(crate) max_requests: Option<u64>,
    /// USD.
    pub(crate) max_cost: Option<f64>,
    /// Whether a user of a closed loop waits as long as `Retry-After` says.
    pub(crate) honour_retry_after: bool,
    pub(crate) connections: Connections,
    pub(crate) span: Span,
}

/// What the arrivals of a load send.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sends {
    /// A golden set whose inputs are sent, relative to the manifest.
    pub(crate) data: Option<PathBuf>,
    /// What is sent where there is no golden set.
    pub(crate) prompts: Option<Prompts>,
    /// In which order.
    pub(crate) order: CaseOrder,
    /// Where an arrival begins a session.
    pub(crate) sessions: Option<Sessions>,
}

impl Sends {
    /// One request without a case.
    pub(crate) const NOTHING: Self = Self {
        data: None,
        prompts: None,
        order: CaseOrder::InTurn,
        sessions: None,
    };
}

/// One kind of user of a load's mix.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: Name,
    /// How many arrivals are its own, beside those of the others.
    pub(crate) weight: f64,
    pub(crate) target: Name,
    pub(crate) sends: Sends,
}

impl Load {
    /// Returns a load that is made of flags alone.
    pub(crate) fn bare(arrivals: Arrivals, until: Until) -> Self {
        Self {
            name: "flags".parse().expect("these are letters"),
            targets: Vec::new(),
            mix: Vec::new(),
            arrivals,
            until: Length::Until(until),
            warmup: Duration::ZERO,
            seed: 1,
            sends: Sends::NOTHING,
            score_with: None,
            max_requests: None,
            max_cost: None,
            honour_retry_after: false,
            connections: Connections::Pooled,
            span: 0..0,
        }
    }
}

impl Scenario {
    /// Returns the share of each in the arrivals: next to one another from 0 to 1.
    pub(crate) fn shares(mix: &[Self]) -> Vec<ShareOfArrivals> {
        let whole: f64 = mix.iter().map(|it| it.weight).sum();
        let mut until = 0.0;
        let share = mix.iter().map(|it| {
            let from = until;
            until += it.weight / whole;
            ShareOfArrivals { from, until }
        });
        let mut shares: Vec<ShareOfArrivals> = share.collect();
        // Rounding must leave no arrival without a scenario.
        if let Some(last) = shares.last_mut() {
            last.until = 1.0;
        }
        shares
    }
}

/// The part of a load's arrivals that is one scenario's: those whose draw from [0, 1) falls into it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ShareOfArrivals {
    from: f64,
    until: f64,
}

impl ShareOfArrivals {
    /// All of them.
    pub(crate) const ALL: Self = Self {
        from: 0.0,
        until: 1.0,
    };

    /// Returns how much of all it is.
    pub(crate) fn size(self) -> f64 {
        self.until - self.from
    }

    /// Returns whether an arrival with that draw from [0, 1) is in it.
    pub(crate) fn holds(self, draw: f64) -> bool {
        (self.from..self.until).contains(&draw)
    }

    /// Returns which of so many users of a closed loop are in it: as near to its share as whole users can be.
    pub(crate) fn users(self, concurrency: u32) -> std::ops::Range<u32> {
        let at = |share: f64| (share * f64::from(concurrency)).round() as u32;
        at(self.from)..at(self.until)
    }
}

/// In which order the cases of a golden set are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaseOrder {
    /// As they stand in the file, again and again.
    InTurn,
    /// Each pass over the file in an order of its own.
    Shuffled,
    /// At random, each as often as its `weight` says.
    Weighted,
}

impl CaseOrder {
    pub(crate) const ALL: [Self; 3] = [Self::InTurn, Self::Shuffled, Self::Weighted];

    /// Returns the word of the manifest.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::InTurn => "in_turn",
            Self::Shuffled => "shuffled",
            Self::Weighted => "weighted",
        }
    }
}

/// `sessions`: the cases of one group are the turns of one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sessions {
    /// Between an answer and the next turn.
    pub(crate) think_time: Duration,
}

/// Which connection a request of a load takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    /// One that is free, else a new one.
    Pooled,
    /// One of so many for each stage; where none is free, the request waits for one.
    Fixed(u32),
    /// Each session, or user of a closed loop, has one of its own for each stage.
    PerSession,
    /// A new one, closed behind the answer.
    PerRequest,
}

impl Connections {
    /// Those that are written as a word.
    pub(crate) const WORDS: [(&'static str, Self); 3] = [
        ("pooled", Self::Pooled),
        ("per_session", Self::PerSession),
        ("per_request", Self::PerRequest),
    ];
}

impl std::fmt::Display for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = Self::WORDS.iter().find(|(_, it)| it == self);
        match (self, word) {
            (Self::Fixed(number), _) => number.fmt(f),
            (_, Some((word, _))) => f.write_str(word),
            (_, None) => Ok(()),
        }
    }
}

/// How long a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Until(Until),
    /// As long as its trace.
    WholeTrace,
}

/// When a load ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    Duration(Duration),
    /// Measured requests, the warm-up not counted.
    Requests(u64),
}

/// `[eval.NAME]`.
#[derive(Debug)]
pub(crate) struct Eval {
    pub(crate) name: Name,
    /// A stage or a pipeline.
    pub(crate) stage: Name,
    pub(crate) golden: PathBuf,
    pub(crate) repeats: u32,
    pub(crate) concurrency: u32,
    pub(crate) slice_by: Vec<String>,
    pub(crate) must_pass: Vec<String>,
    pub(crate) asserts: Vec<KindTable>,
    pub(crate) span: Span,
}

/// `[fault.NAME]`.
#[derive(Debug)]
#[expect(dead_code, reason = "checked now, read by fault drills")]
pub(crate) struct Fault {
    pub(crate) name: Name,
    pub(crate) stage: Name,
    pub(crate) inject: KindTable,
    pub(crate) load: Name,
    /// Expectation to limit, for instance `recovery` to `<= 5s`.
    pub(crate) expect: BTreeMap<String, String>,
    pub(crate) span: Span,
}

/// `[gate]`.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    /// Runs of the head.
    #[expect(dead_code, reason = "checked now, read by comparisons of rounds")]
    pub(crate) rounds: u32,
    pub(crate) loads: Vec<Name>,
    pub(crate) evals: Vec<Name>,
    pub(crate) faults: Vec<Name>,
    /// One-sided, latency.
    #[expect(dead_code, reason = "checked now, read by comparisons of rounds")]
    pub(crate) alpha: f64,
    /// One-sided, evals.
    pub(crate) eval_alpha: f64,
    /// Smaller changes are never called a regression.
    #[expect(dead_code, reason = "checked now, read by comparisons of rounds")]
    pub(crate) floor: Share,
    #[expect(dead_code, reason = "checked now, read by comparisons of rounds")]
    pub(crate) abs_floor: Duration,
    /// "Unchanged" means: shown to be below this.
    pub(crate) margin: Share,
    pub(crate) rules: Vec<Rule>,
    #[expect(
        dead_code,
        reason = "checked now, read by annotations of the manifest's lines"
    )]
    pub(crate) span: Span,
}

/// `[[gate.rule]]`. At least one limit is set.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// Dotted, as in the contract, section 3.
    pub(crate) metric: Metric,
    pub(crate) min: Option<Limit>,
    pub(crate) max: Option<Limit>,
    pub(crate) max_increase: Option<Share>,
    /// Percentage points, as a share.
    pub(crate) max_drop: Option<Share>,
    pub(crate) span: Span,
}

/// `[[accept]]`: an intended change, reviewed with the manifest, that expires.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "checked now, read by comparisons of rounds")]
pub(crate) struct Accept {
    pub(crate) metric: Metric,
    pub(crate) up_to: Share,
    /// The tag with which it expires.
    pub(crate) until: String,
    pub(crate) reason: String,
    pub(crate) span: Span,
}

impl Eval {
    /// Returns the names of the assertions in documents and metrics: `name`, else the kind; where that is taken, with
    /// `-2` and so on.
    pub(crate) fn assertion_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for assert in &self.asserts {
            let name = assert.text("name").unwrap_or_else(|| assert.kind.clone());
            let numbered = (2..).map(|number| format!("{name}-{number}"));
            let free = [name.clone()].into_iter().chain(numbered);
            names.extend(
                free.filter(|free| !names.contains(free))
                    .take(1)
                    .collect::<Vec<_>>(),
            );
        }
        names
    }
}

impl Manifest {
    /// Returns what digests are taken of: the text, and every `--set` that was laid over it.
    pub(crate) fn as_used(&self) -> String {
        let overrides = self.overrides.iter();
        let overrides: Vec<String> = overrides.map(|it| format!("\n--set {it}")).collect();
        format!("{}{}", self.text, overrides.concat())
    }

    /// Returns the stage of that name.
    pub(crate) fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == *name)
    }

    /// Returns the pipeline of that name.
    pub(crate) fn pipeline(&self, name: &str) -> Option<&Pipeline> {
        self.pipelines
            .iter()
            .find(|pipeline| pipeline.name == *name)
    }

    /// Returns what a load has figures of: its targets, and the steps of the pipelines among them; of a mix, its scenarios, and
    /// the stages that they call.
    pub(crate) fn measured_by<'a>(&'a self, load: &'a Load) -> Vec<&'a str> {
        let mut names = Vec::new();
        for target in &load.targets {
            match self.pipeline(target.as_str()) {
                Some(pipeline) => {
                    names.push(pipeline.name.as_str());
                    names.extend(pipeline.steps.iter().map(Name::as_str));
                }
                None => names.extend(self.stage(target.as_str()).map(|it| it.name.as_str())),
            }
        }
        for scenario in &load.mix {
            names.push(scenario.name.as_str());
            for step in self.steps_of(&scenario.target) {
                if !names.contains(&step.as_str()) {
                    names.push(step.as_str());
                }
            }
        }
        names
    }

    /// Returns the stages that a target stands for, in the order in which they are called.
    pub(crate) fn steps_of<'a>(&'a self, target: &'a Name) -> &'a [Name] {
        let pipeline = self.pipeline(target.as_str());
        pipeline.map_or(std::slice::from_ref(target), |it| it.steps.as_slice())
    }

    /// Returns the load of that name.
    pub(crate) fn load_named(&self, name: &str) -> Option<&Load> {
        self.loads.iter().find(|load| load.name == *name)
    }

    /// Returns the eval of that name.
    pub(crate) fn eval_named(&self, name: &str) -> Option<&Eval> {
        self.evals.iter().find(|eval| eval.name == *name)
    }

    /// Returns who owns a stage: its own owner, else the deployment's.
    pub(crate) fn owner(&self, stage: &str) -> Option<&str> {
        self.stage(stage)
            .and_then(|stage| stage.owner.as_deref())
            .or(self.deployment.owner.as_deref())
    }
}
