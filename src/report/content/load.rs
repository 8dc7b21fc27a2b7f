//! A load run: stages, streams, SLOs, errors, and how the times are spread.

use std::collections::BTreeMap;

use super::super::block::{Block, Cell, Table, Tone, Value};
use super::super::format::{NONE, TimeUnit, count, number};
use super::{answers, calls, metric, outcome, spread};
use crate::metric::{Better, LatencyMetric, Stat};
use crate::record::{RunRecord, SloResult, StageResult};

type Stages = BTreeMap<String, StageResult>;

/// Returns what was measured at the stages.
pub(super) fn blocks(run: &RunRecord) -> Vec<Block> {
    let stages = &run.stages;
    let mut blocks = vec![Block::Table(latencies(stages))];
    let streams = streams(stages, run.duration_s);
    if !streams.rows.is_empty() {
        blocks.push(Block::Heading("Streams".to_owned()));
        blocks.push(Block::Table(streams));
    }
    let caches = caches(stages);
    if !caches.rows.is_empty() {
        blocks.push(Block::Heading("Caches".to_owned()));
        blocks.push(Block::Table(caches));
    }
    let sessions = sessions(stages);
    if !sessions.rows.is_empty() {
        blocks.push(Block::Heading("Sessions".to_owned()));
        blocks.push(Block::Table(sessions));
    }
    let openings = openings(stages);
    if !openings.rows.is_empty() {
        blocks.push(Block::Heading("Connections".to_owned()));
        blocks.push(Block::Table(openings));
    }
    let slos = slos(stages);
    if !slos.rows.is_empty() {
        blocks.push(Block::Heading("SLOs".to_owned()));
        blocks.push(Block::Table(slos));
    }
    let errors = errors(stages);
    if !errors.rows.is_empty() {
        blocks.push(Block::Heading("Errors".to_owned()));
        blocks.push(Block::Table(errors));
    }
    blocks.extend(answers::block(stages));
    blocks.extend(spread::block(stages));
    blocks.extend(calls::blocks(stages));
    blocks.extend(costs(stages));
    blocks
}

/// Returns a statistic of a metric.
fn stat(stage: &StageResult, metric: LatencyMetric, stat: Stat) -> Option<f64> {
    stage.metrics.get(&metric)?.stat(stat)
}

/// One column of times with its one unit.
struct Times<'a> {
    head: &'static str,
    metric: LatencyMetric,
    key: Stat,
    unit: TimeUnit,
    stages: std::marker::PhantomData<&'a Stages>,
}

impl<'a> Times<'a> {
    fn new(head: &'static str, metric: LatencyMetric, key: Stat, stages: &'a Stages) -> Self {
        Self {
            head,
            metric,
            key,
            unit: TimeUnit::of(stages.values().map(|stage| stat(stage, metric, key))),
            stages: std::marker::PhantomData,
        }
    }

    fn head(&self) -> String {
        format!("{} {}", self.head, self.unit.name())
    }

    fn cell(&self, stage: &StageResult) -> Cell {
        Value::TimeIn(self.unit, stat(stage, self.metric, self.key)).into()
    }
}

fn latencies(stages: &Stages) -> Table {
    let times = [
        Times::new("p50", LatencyMetric::ResponseTime, Stat::P50, stages),
        Times::new("p95", LatencyMetric::ResponseTime, Stat::P95, stages),
        Times::new("p99", LatencyMetric::ResponseTime, Stat::P99, stages),
        Times::new("max", LatencyMetric::ResponseTime, Stat::Max, stages),
    ];
    let mut table = Table::default()
        .text("stage")
        .typed("sent")
        .typed("ok")
        .typed("failed")
        .typed("rps")
        .typed("good/s")
        .dispensable(2);
    for column in &times {
        table = table.typed(column.head());
    }
    if stages.values().any(|stage| stage.fallback_rate.is_some()) {
        table = table.typed("fallback").dispensable(1);
    }
    let fallbacks = table.columns.len() > 6 + times.len();
    for (name, stage) in stages {
        let tone = if stage.failed > 0 {
            Tone::Bad
        } else {
            Tone::Plain
        };
        let mut row = vec![
            Cell::toned(Tone::Strong, name),
            Value::Count(stage.attempted).into(),
            Value::Count(stage.ok).into(),
            Value::Share(stage.error_rate).toned(tone),
            Value::Number(Some(stage.achieved_rps)).into(),
            Value::Number(Some(stage.goodput_rps)).into(),
        ];
        row.extend(times.iter().map(|column| column.cell(stage)));
        if fallbacks {
            row.push(Value::Share(stage.fallback_rate).into());
        }
        table.row(row);
    }
    table
}

fn caches(stages: &Stages) -> Table {
    let times = [
        Times::new("hit p50", LatencyMetric::HitTime, Stat::P50, stages),
        Times::new("hit p95", LatencyMetric::HitTime, Stat::P95, stages),
        Times::new("miss p50", LatencyMetric::MissTime, Stat::P50, stages),
        Times::new("miss p95", LatencyMetric::MissTime, Stat::P95, stages),
    ];
    let mut table = Table::default().text("stage").typed("hits");
    for column in &times {
        table = table.typed(column.head());
    }
    for (name, stage) in stages {
        if let Some(rate) = stage.hit_rate {
            let mut row = vec![
                Cell::toned(Tone::Strong, name),
                Value::Share(Some(rate)).into(),
            ];
            row.extend(times.iter().map(|column| column.cell(stage)));
            table.row(row);
        }
    }
    table
}

fn sessions(stages: &Stages) -> Table {
    let mut table = Table::default().text("stage");
    for head in ["begun", "finished", "failed", "cut"] {
        table = table.typed(head);
    }
    for (name, stage) in stages {
        if let Some(counts) = stage.sessions {
            let cut = counts.begun - counts.finished - counts.failed;
            let mut row = vec![Cell::toned(Tone::Strong, name)];
            let numbers = [counts.begun, counts.finished, counts.failed, cut];
            row.extend(numbers.map(|number| Cell::from(Value::Count(number))));
            table.row(row);
        }
    }
    table
}

/// Returns what opening connections took, of the stages where most requests opened one.
fn openings(stages: &Stages) -> Table {
    let mut times = vec![
        Times::new("TCP p50", LatencyMetric::ConnectTime, Stat::P50, stages),
        Times::new("TCP p95", LatencyMetric::ConnectTime, Stat::P95, stages),
        Times::new("TLS p50", LatencyMetric::TlsTime, Stat::P50, stages),
        Times::new("TLS p95", LatencyMetric::TlsTime, Stat::P95, stages),
    ];
    if stages
        .values()
        .any(|it| it.metrics.contains_key(&LatencyMetric::DnsTime))
    {
        times.insert(
            0,
            Times::new("DNS p50", LatencyMetric::DnsTime, Stat::P50, stages),
        );
        times.insert(
            1,
            Times::new("DNS p95", LatencyMetric::DnsTime, Stat::P95, stages),
        );
    }
    let mut table = Table::default().text("stage").typed("opened");
    for column in &times {
        table = table.typed(column.head());
    }
    for (name, stage) in stages {
        let opened = stage
            .metrics
            .get(&LatencyMetric::ConnectTime)
            .map_or(0, |it| it.count);
        if opened > 0 && 2 * opened >= stage.attempted {
            let mut row = vec![Cell::toned(Tone::Strong, name), Value::Count(opened).into()];
            row.extend(times.iter().map(|column| column.cell(stage)));
            table.row(row);
        }
    }
    table
}

fn streams(stages: &Stages, duration_s: f64) -> Table {
    let times = [
        Times::new("TTFT p50", LatencyMetric::Ttft, Stat::P50, stages),
        Times::new("TTFT p95", LatencyMetric::Ttft, Stat::P95, stages),
        Times::new("TTFT p99", LatencyMetric::Ttft, Stat::P99, stages),
        Times::new("TPOT p50", LatencyMetric::Tpot, Stat::P50, stages),
        Times::new("gap p99", LatencyMetric::ChunkGap, Stat::P99, stages),
        Times::new("stall max", LatencyMetric::MaxStall, Stat::Max, stages),
    ];
    let mut table = Table::default().text("stage");
    for column in &times {
        table = table.typed(column.head());
    }
    table = table.typed("tokens/s");
    for (name, stage) in stages
        .iter()
        .filter(|(_, stage)| stage.metrics.contains_key(&LatencyMetric::Ttft))
    {
        let rate = stage
            .tokens
            .as_ref()
            .filter(|_| duration_s > 0.0)
            .map(|tokens| tokens.output as f64 / duration_s);
        let mut row = vec![Cell::toned(Tone::Strong, name)];
        row.extend(times.iter().map(|column| column.cell(stage)));
        row.push(Value::Number(rate).into());
        table.row(row);
    }
    table
}

fn slos(stages: &Stages) -> Table {
    let mut table = Table::default()
        .text("result")
        .text("stage")
        .text("metric")
        .number("limit")
        .number("value")
        .text("owner");
    for (name, stage) in stages {
        for slo in &stage.slo {
            table.row(vec![
                outcome::cell(slo.met),
                name.into(),
                slo.metric.to_string().into(),
                limit(slo).into(),
                value(slo, stage).into(),
                stage.owner.as_deref().unwrap_or(NONE).into(),
            ]);
        }
    }
    table
}

/// Returns the value, else how many requests were above the limit: what it was judged by.
fn value(slo: &SloResult, stage: &StageResult) -> String {
    match (slo.value, slo.above) {
        (None, Some(above)) => format!(
            "{} of {} above",
            count(above),
            count(stage.ok + stage.failed)
        ),
        (value, _) => metric::value(slo.metric.unit(), value),
    }
}

/// Returns a limit with its sign: `≤ 200 ms`.
pub(super) fn limit(slo: &SloResult) -> String {
    let sign = match slo.metric.better() {
        Better::Higher => '≥',
        Better::Lower | Better::Neither => '≤',
    };
    let limit = metric::value(slo.metric.unit(), Some(slo.limit));
    format!("{sign} {limit}")
}

/// So many kinds of errors of a stage are listed; a server may answer with any status there is.
const SHOWN_ERRORS: usize = 20;

fn errors(stages: &Stages) -> Table {
    let mut table = Table::default()
        .text("stage")
        .text("error")
        .typed("count")
        .typed("of sent");
    for (name, stage) in stages {
        let mut errors: Vec<(&String, &u64)> = stage.errors.iter().collect();
        errors.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let rest = errors.split_off(errors.len().min(SHOWN_ERRORS));
        let rest = (!rest.is_empty()).then(|| {
            let times: u64 = rest.iter().map(|(_, times)| **times).sum();
            (format!("{} other kinds", rest.len()), times)
        });
        let rest = rest.as_ref().map(|(kinds, times)| (kinds, times));
        for (error, times) in errors.into_iter().chain(rest) {
            let sent = Some(stage.attempted).filter(|sent| *sent > 0);
            let share = sent.map(|sent| *times as f64 / sent as f64);
            table.row(vec![
                name.into(),
                error.into(),
                Value::Count(*times).into(),
                Value::Share(share).into(),
            ]);
        }
    }
    table
}

fn costs(stages: &Stages) -> Option<Block> {
    let costs: Vec<f64> = stages.values().filter_map(|stage| stage.cost_usd).collect();
    let text = format!("cost {} USD", number(costs.iter().sum()));
    (!costs.is_empty()).then_some(Block::Text(Tone::Plain, text))
}
