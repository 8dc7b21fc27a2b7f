//! Every view in every format, as a user sees it; and what holds for any of them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::measure::Histogram;
use crate::metric::{Figure, LatencyMetric, Metric, Stat};
use crate::palette::Palette;
use crate::record::{Blame, DiffDocument};
use crate::record::{
    CaseResult, FormatVersion, RunKind, RunRecord, RunSummary, ValidityVerdict, VerdictKind,
};

/// A file: 80 columns, UTF-8, no colour.
pub(super) const FILE: Page = Page {
    width: 80,
    unicode: true,
    palette: Palette::plain(),
    places: Places::NONE,
    doubt: Doubt::Open,
    checkout: Checkout::NONE,
    next: None,
    brief: None,
    is_read_by_a_runner: false,
};

pub(super) fn load_run() -> RunRecord {
    let text = include_str!("../../tests/fixtures/records/load.json");
    serde_json::from_str(text).unwrap()
}

pub(super) fn eval_run() -> RunRecord {
    let text = include_str!("../../tests/fixtures/records/eval.json");
    serde_json::from_str(text).unwrap()
}

pub(super) fn regressed() -> DiffDocument {
    let text = include_str!("../../tests/fixtures/diffs/regressed.json");
    serde_json::from_str(text).unwrap()
}

pub(super) fn stored() -> Vec<RunSummary> {
    let row = |id: &str, kind, name: &str, verdict, headline: &str| RunSummary {
        id: id.to_owned(),
        kind,
        name: name.to_owned(),
        env: "local".to_owned(),
        commit: Some("3f2a1bc9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3".to_owned()),
        tag: None,
        dirty: false,
        started_at: "2026-11-24T03:39:30.123Z".to_owned(),
        duration_s: 60.0,
        complete: true,
        validity: ValidityVerdict::Valid,
        verdict,
        measured: true,
        overrides: Vec::new(),
        tracked: false,
        future: false,
        headline: headline.to_owned(),
    };
    vec![
        RunSummary {
            complete: false,
            tag: Some("v1.2.0".to_owned()),
            ..row(
                "0191a2b5-0001",
                RunKind::Eval,
                "answers",
                None,
                "91.0 % of 200 cases passed",
            )
        },
        RunSummary {
            dirty: true,
            ..row(
                "0191a2b5-c4d5",
                RunKind::Load,
                "peak",
                Some(VerdictKind::Failed),
                "gateway p95 512.0 ms, 19.5/s good",
            )
        },
    ]
}

fn check() -> CheckReport {
    let mut check = CheckReport::new("stagegate.toml", "support-rag");
    check.env = Some("local".to_owned());
    check.suites = BTreeMap::from([("load".to_owned(), vec!["peak".to_owned()])]);
    check.secrets = BTreeMap::from([("API_KEY".to_owned(), false)]);
    check.stages = vec![
        StageCheck {
            name: "gateway".to_owned(),
            kind: "http".to_owned(),
            url: "{{ env.api }}/chat".to_owned(),
            owner: Some("app-team".to_owned()),
            calls: vec!["retrieve".to_owned()],
            slo: vec!["response_time.p95 ≤ 2s".to_owned()],
            probe: None,
        },
        StageCheck {
            name: "retrieve".to_owned(),
            kind: "retrieval".to_owned(),
            url: "{{ env.api }}/search".to_owned(),
            ..StageCheck::default()
        },
    ];
    check
}

pub(super) fn probed() -> CheckReport {
    let mut check = check();
    check.stages[0].probe = Some(ProbeResult {
        ok: true,
        status: Some(200),
        response_time_ms: Some(41.23),
        text: Some("You can return\nit within 30 days.".to_owned()),
        ids: Some(3),
        ..ProbeResult::default()
    });
    check.stages[1].probe = Some(ProbeResult {
        error: Some("connection refused by 127.0.0.1:8080".to_owned()),
        help: Some("Start the stage, or choose another environment with `-e`.".to_owned()),
        ..ProbeResult::default()
    });
    check
}

pub(super) fn render(format: &str, view: &View<'_>, page: &Page) -> String {
    String::from_utf8(rendered(RENDERERS.get(format).unwrap(), view, page)).unwrap()
}

fn human(view: &View<'_>) -> String {
    render("human", view, &FILE)
}

fn markdown(view: &View<'_>) -> String {
    render("markdown", view, &FILE)
}

#[test]
fn formats_have_the_names_of_the_contract() {
    assert_eq!(
        RENDERERS.names(),
        [
            "human", "json", "jsonl", "markdown", "junit", "csv", "github"
        ]
    );
    for renderer in RENDERERS.iter() {
        assert!(!renderer.summary().ends_with('.'));
    }
}

#[test]
fn a_load_run_for_people() {
    insta::assert_snapshot!(human(&View::Run(&load_run())), @r"
FAILED  load peak
local · v1.2.0 (3f2a1bc) · 60 s · degraded
run 0191a2b3-c4d5 · seed 7 · schedule lag p99 3.10 ms · cpu 1.20 s · 31.0 MB

stage     sent     ok  failed   rps  good/s    p50    p95    p99   max  fallback
                                                ms     ms     ms     s
────────────────────────────────────────────────────────────────────────────────
gateway  1,200  1,198  0.17 %  19.9    19.5    241    512  1,203  30.0     1.2 %
llm        300    300     0 %  5.00    4.83  1,480  2,300      –  4.10         –

Streams
stage  TTFT p50 ms  TTFT p95 ms  TTFT p99 ms  TPOT p50 ms   gap  stall  tokens/s
                                                            p99    max
                                                             ms     ms
────────────────────────────────────────────────────────────────────────────────
llm            120          260            –         16.2  61.3    401       420

SLOs
result       stage    metric                  limit   value  owner
────────────────────────────────────────────────────────────────────────
passed       gateway  response_time.p95  ≤ 2,000 ms  512 ms  app-team
FAILED       gateway  error_rate           ≤ 0.10 %  0.17 %  app-team
passed       llm      ttft.p95             ≤ 500 ms  260 ms  ml-platform
cannot tell  llm      ttft.p99             ≤ 900 ms       –  ml-platform

Errors
stage    error       count  of sent
───────────────────────────────────
gateway  status 500      1   0.08 %
gateway  timeout         1   0.08 %

cost 0.405 USD

note: The load generator was not quite on time: lag p99 3.1 ms is above 1 ms.
      Close what else runs on this machine, and compare such runs with care.
note: – means not enough samples (p99 needs 368; there were 300).
      Run longer or at a higher rate (`--duration`, `--rate`).
note: 1 request to `gateway` was still open at the end: attempted, not good, and
      percentiles that they could move are left out.
      Run longer, or see why the stage is slower than its `timeout`.

FAILED load peak · v1.2.0 (3f2a1bc) · gateway error_rate 0.17 %, limit ≤ 0.10 %
  (app-team) · next: `stagegate profile` shows where the time goes
");
}

#[test]
fn an_eval_run_for_people() {
    insta::assert_snapshot!(human(&View::Run(&eval_run())), @r"
FAILED  eval answers
local · v1.2.0 (3f2a1bc) + uncommitted changes · 75 s · valid
run 0191a2b4-0000
3 of 6 cases passed. Pass rate of `gateway`: 50.0 % (18.8–81.2), 95 % interval
by wilson.
0 % ─────────━━━━━━━━━━━━━━━━●━━━━━━━━━━━━━━━───────── 100 %

1 case that must pass did not:
  q4

Assertions
assertion   score  95 % interval
────────────────────────────────
contains   50.0 %      18.8–81.2
recall     80.0 %      40.0–97.0

Slices, worst first
slice    cases  pass rate  95 % interval
────────────────────────────────────────
lang=de      3        0 %         0–56.2
lang=en      3      100 %       43.8–100

2 answers failed
case  why                       answer
────────────────────────────────────────────────────────────────────────────────
q4    contains 0, recall 1.00   I am | sorry, <b>only</b> English is spoken
                                here, and this answer goes on for longer than
                                anyone would want to read in…
q5    contains 0, recall 0.500  Das weiß ich leider nicht.

Errors by kind: timeout: 1

1 answer errored
case  error
──────────────────────────
q6    no answer within 30s

2 answers from the cache, 1 call asked again

note: The work tree had uncommitted changes, so this run stands for no commit.
      Commit, then run again; revisions never name a dirty run.
note: 1 answer errored and counts as not passed; depending on what they would
      have been, the rate lies in 50.0–66.7 %.
      See the errors below; `--resume` asks only what was not answered.
note: 6 cases leave the pass rate unknown within 62.4 %.
      About 385 cases would tell it within ± 5 points.

FAILED eval answers · v1.2.0 (3f2a1bc) + uncommitted changes · q4 must pass and
  did not · next: mend it, then run it again
");
}

#[test]
fn a_comparison_for_people() {
    insta::assert_snapshot!(human(&View::Diff(&regressed())), @r"
FAILED  v1.2.0 (3f2a1bc) → v1.3.0 (8c7d6e5)
`eval.answers.pass_rate` dropped by 8.5 points, more than the 5 points allowed;
ask app-team.

Rules
outcome      metric               base    head  change   limit       owner
────────────────────────────────────────────────────────────────────────────────
FAILED       eval.answers       91.0 %  82.5 %  −8.5 pp  drop at     app-team
             pass_rate                                   most 5 %
cannot tell  load.peak.llm           –       –  –        at most     ml-platform
             ttft.p99                                    900 ms
passed       load.peak.gateway  410 ms  512 ms  +24.9 %  at most 2   app-team
             response_time.p95                           s

What decided
eval.answers.pass_rate: −8.5 pp [−13.0, −4.1], exact McNemar, Bonett-Price, n
  200, p 0.000120, one-sided bound −12.2 pp
load.peak.llm.ttft.p99: one run each, n 300; p99 needs 368 requests, there were
  300

Where the time went
stage   slower by                change    share  owner
─────────────────────────────────────────────────────────────
rerank  ████████████████████   +77.2 ms  101.2 %  search-team
llm                           −0.900 ms   −1.2 %  ml-platform

Slices, worst first
slice      base    head  change                   verdict
───────────────────────────────────────────────────────────────────────────────
lang=de  90.0 %  55.0 %  −35.0 pp [−50.0, −20.0]  regressed
lang=en  91.2 %  89.4 %  −1.8 pp [−5.0, +1.0]     no change seen (± 3.0 points)

3 cases broke
  q1, q7, q9

1 case fixed
  q12

What differs besides results
The manifest differs.

version  base            head
───────────────────────────────────────
index    –               2026-11-01
prompt   blake3:1111111  blake3:2222222

Other metrics, not gated on
metric                  base    head  change                verdict
────────────────────────────────────────────────────────────────────────────────
eval.answers          80.0 %  81.0 %  +1.0 pp [−2.0, +4.0]  no change seen (±
recall.score                                                3.0 points)

Latency, shown, never gated on
metric                                 base     head  change
──────────────────────────────────────────────────────────────
load.peak.rerank response_time.p50  21.0 ms  98.2 ms  +367.6 %
load.peak.llm response_time.p50      201 ms   200 ms  −0.45 %

FAILED v1.2.0 → v1.3.0 · `eval.answers.pass_rate` dropped by 8.5 points, more
  than the 5 points allowed; ask app-team. · do not ship
");
}

/// stumbles S1: the last line is the verdict, in each format that people read.
#[test]
fn the_last_line_is_the_verdict() {
    let last = |text: &str| {
        let parts: Vec<&str> = text.trim_end().split("\n\n").collect();
        parts.last().unwrap().replace("\n  ", " ")
    };
    let mut diff = regressed();
    let reason = |short: &str, owner: Option<&str>, decided| crate::record::Reason {
        text: short.to_owned(),
        short: short.to_owned(),
        owner: owner.map(str::to_owned),
        decided,
    };
    diff.reasons = vec![
        reason("19 cases lost, all lang=de", Some("app-team"), true),
        reason("rerank +102 ms p95", Some("search-team"), false),
    ];
    let told = "v1.2.0 → v1.3.0 · 19 cases lost, all lang=de (app-team) · also: rerank +102 ms p95 (search-team) · \
                do not ship";
    let view = View::Diff(&diff);
    assert_eq!(last(&human(&view)), format!("FAILED {told}"));
    assert_eq!(last(&markdown(&view)), format!("❌ **FAILED** {told}"));
    let interrupted = DiffDocument {
        interrupted: true,
        verdict: VerdictKind::Inconclusive,
        ..diff.clone()
    };
    let told = last(&human(&View::Diff(&interrupted)));
    assert!(told.starts_with("INTERRUPTED v1.2.0") && told.ends_with("next: run it again"));
    let passed = DiffDocument {
        verdict: VerdictKind::Passed,
        reasons: vec![reason("4 rules kept", None, true)],
        ..diff
    };
    assert_eq!(
        last(&human(&View::Diff(&passed))),
        "PASSED v1.2.0 → v1.3.0 · 4 rules kept · ship"
    );
    let stopped = RunRecord {
        complete: false,
        verdict: None,
        ..load_run()
    };
    let whole = [load_run(), stopped];
    assert!(last(&human(&View::Run(&whole[1]))).starts_with("INTERRUPTED load peak"));
    assert!(
        last(&human(&View::Session(&whole))).starts_with("INTERRUPTED 2 runs · load peak: stopped")
    );
    assert!(
        last(&human(&View::Session(&whole[..1])))
            .starts_with("FAILED 1 run · load peak: gateway error_rate")
    );
}

/// stumbles S1: on a screen of 24 lines the reasons come first and nothing scrolls away.
#[test]
fn a_comparison_fits_a_screen() {
    let mut diff = regressed();
    for _ in 0..3 {
        let all = diff.comparisons.clone();
        diff.comparisons.extend(all);
    }
    for rows in [16, 24, 40] {
        let brief = Brief {
            rows,
            rest: "`-v`".to_owned(),
        };
        let page = Page {
            brief: Some(brief),
            ..FILE
        };
        let text = render("human", &View::Diff(&diff), &page);
        assert!(text.lines().count() < rows, "{rows}\n{text}");
        assert!(text.contains("FAILED  v1.2.0 (3f2a1bc)"), "{text}");
        assert!(text.contains("\nall of it: `-v`\nFAILED v1.2.0"), "{text}");
        // Other formats lose nothing.
        assert_eq!(
            render("markdown", &View::Diff(&diff), &page),
            render("markdown", &View::Diff(&diff), &FILE)
        );
    }
}

/// stumbles S7
#[test]
fn the_slices_that_a_rule_names_are_in_the_table_of_slices() {
    let mut diff = regressed();
    let slice = diff
        .comparisons
        .iter_mut()
        .find(|it| it.metric.slice() == Some("lang=de"));
    let slice = slice.unwrap();
    (slice.rule, slice.outcome) = (Some("min 80%".to_owned()), Some(VerdictKind::Failed));
    let text = human(&View::Diff(&diff));
    let slices = text.split("Slices, worst first").nth(1).unwrap();
    let row = slices.lines().nth(3).unwrap();
    assert!(
        row.starts_with("lang=de") && row.ends_with("regressed"),
        "{text}"
    );
}

/// stumbles S18: no head and no word is broken in its middle where the page has room for its parts.
#[test]
fn no_head_is_broken_in_its_middle_at_80_columns() {
    let mut check = probed();
    check.stages[1].owner = Some("search-and-ranking".to_owned());
    let url = "{{ env.api }}/internal/gateway/v2/collections/search";
    check.stages[1].url = url.to_owned();
    check.stages[1].slo = vec!["response_time.p95 ≤ 150ms".to_owned(); 3];
    let mut diff = regressed();
    diff.comparisons[0].owner = Some("search-and-ranking".to_owned());
    for text in [human(&View::Check(&check)), human(&View::Diff(&diff))] {
        for head in [
            "outcome", "metric", "owner", "stage", "status", "result", "limit",
        ] {
            if text.contains(&head[..head.len() - 1]) {
                assert!(text.contains(head), "{head}\n{text}");
            }
        }
        assert!(
            text.lines().all(|line| crate::text::width(line) <= 80),
            "{text}"
        );
    }
}

#[test]
fn a_list_of_runs_for_people() {
    insta::assert_snapshot!(human(&View::Runs(&stored())), @r"
id          run           release        verdict      result
────────────────────────────────────────────────────────────────────────────────
0191a2b5-0  eval answers  v1.2.0         interrupted  91.0 % of 200 cases passed
0191a2b5-c  load peak     3f2a1bc-dirty  FAILED       gateway p95 512.0 ms,
                                                      19.5/s good
");
}

#[test]
fn no_runs_yet() {
    insta::assert_snapshot!(human(&View::Runs(&[])), @"No runs are stored yet. `stagegate load` and `stagegate eval` make some.");
}

#[test]
fn a_manifest_that_is_right_for_people() {
    insta::assert_snapshot!(human(&View::Check(&check())), @r"
PASSED  stagegate.toml is valid
support-rag · local · 2 stages · load peak

stage     kind       url                   owner     slo
───────────────────────────────────────────────────────────────────────────
gateway   http       {{ env.api }}/chat    app-team  response_time.p95 ≤ 2s
retrieve  retrieval  {{ env.api }}/search  –         –

Secrets that are not set here: API_KEY

PASSED stagegate.toml is valid · next: `stagegate check --probe` calls each
  stage once
");
}

#[test]
fn a_probe_for_people() {
    insta::assert_snapshot!(human(&View::Check(&probed())), @r"
FAILED  stagegate.toml is valid, but only 1 of 2 stages answered
support-rag · local · 2 stages · load peak

stage     kind       url                   owner     slo
───────────────────────────────────────────────────────────────────────────
gateway   http       {{ env.api }}/chat    app-team  response_time.p95 ≤ 2s
retrieve  retrieval  {{ env.api }}/search  –         –

One call of each stage
result  stage     status    ms  ids  answer
─────────────────────────────────────────────────────────────────────────
passed  gateway      200  41.2    3  You can return it within 30 days.
FAILED  retrieve       –     –    –  connection refused by 127.0.0.1:8080

`retrieve`: Start the stage, or choose another environment with `-e`.
Secrets that are not set here: API_KEY

FAILED stagegate.toml is valid · retrieve does not answer · next: start it, or
  choose another environment with `-e`
");
}

#[test]
fn a_load_run_in_markdown() {
    insta::assert_snapshot!(markdown(&View::Run(&load_run())), @r"
## ❌ Failed: load peak

local · v1.2.0 (3f2a1bc) · 60 s · degraded

run 0191a2b3-c4d5 · seed 7 · schedule lag p99 3.10 ms · cpu 1.20 s · 31.0 MB

| stage | sent | ok | failed | rps | good/s | p50 ms | p95 ms | p99 ms | max s | fallback |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| gateway | 1,200 | 1,198 | 0.17 % | 19.9 | 19.5 | 241 | 512 | 1,203 | 30.0 | 1.2 % |
| llm | 300 | 300 | 0 % | 5.00 | 4.83 | 1,480 | 2,300 | – | 4.10 | – |

### Streams

| stage | TTFT p50 ms | TTFT p95 ms | TTFT p99 ms | TPOT p50 ms | gap p99 ms | stall max ms | tokens/s |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| llm | 120 | 260 | – | 16.2 | 61.3 | 401 | 420 |

### SLOs

| result | stage | metric | limit | value | owner |
| --- | --- | --- | ---: | ---: | --- |
| passed | gateway | response_time.p95 | ≤ 2,000 ms | 512 ms | app-team |
| FAILED | gateway | error_rate | ≤ 0.10 % | 0.17 % | app-team |
| passed | llm | ttft.p95 | ≤ 500 ms | 260 ms | ml-platform |
| cannot tell | llm | ttft.p99 | ≤ 900 ms | – | ml-platform |

### Errors

| stage | error | count | of sent |
| --- | --- | ---: | ---: |
| gateway | status 500 | 1 | 0.08 % |
| gateway | timeout | 1 | 0.08 % |

cost 0.405 USD

> [!WARNING]
> The load generator was not quite on time: lag p99 3.1 ms is above 1 ms.
> Close what else runs on this machine, and compare such runs with care.

> [!WARNING]
> – means not enough samples (p99 needs 368; there were 300).
> Run longer or at a higher rate (`--duration`, `--rate`).

> [!WARNING]
> 1 request to `gateway` was still open at the end: attempted, not good, and percentiles that they could move are left out.
> Run longer, or see why the stage is slower than its `timeout`.

❌ **FAILED** load peak · v1.2.0 (3f2a1bc) · gateway error_rate 0.17 %, limit ≤ 0.10 % (app-team) · next: `stagegate profile` shows where the time goes
");
}

#[test]
fn an_eval_run_in_markdown() {
    insta::assert_snapshot!(markdown(&View::Run(&eval_run())), @r"
## ❌ Failed: eval answers

local · v1.2.0 (3f2a1bc) + uncommitted changes · 75 s · valid

run 0191a2b4-0000

3 of 6 cases passed. Pass rate of `gateway`: 50.0 % (18.8–81.2), 95 % interval by wilson.

```text
0 % ─────────━━━━━━━━━━━━━━━━●━━━━━━━━━━━━━━━───────── 100 %
```

1 case that must pass did not:

q4

### Assertions

| assertion | score | 95 % interval |
| --- | ---: | ---: |
| contains | 50.0 % | 18.8–81.2 |
| recall | 80.0 % | 40.0–97.0 |

### Slices, worst first

| slice | cases | pass rate | 95 % interval |
| --- | ---: | ---: | ---: |
| lang=de | 3 | 0 % | 0–56.2 |
| lang=en | 3 | 100 % | 43.8–100 |

<details>
<summary>2 answers failed</summary>

| case | why | answer |
| --- | --- | --- |
| q4 | contains 0, recall 1.00 | I am \| sorry, &lt;b&gt;only&lt;/b&gt; English is spoken here, and this answer goes on for longer than anyone would want to read in… |
| q5 | contains 0, recall 0.500 | Das weiß ich leider nicht. |

</details>

Errors by kind: timeout: 1

<details>
<summary>1 answer errored</summary>

| case | error |
| --- | --- |
| q6 | no answer within 30s |

</details>

2 answers from the cache, 1 call asked again

> [!WARNING]
> The work tree had uncommitted changes, so this run stands for no commit.
> Commit, then run again; revisions never name a dirty run.

> [!WARNING]
> 1 answer errored and counts as not passed; depending on what they would have been, the rate lies in 50.0–66.7 %.
> See the errors below; `--resume` asks only what was not answered.

> [!WARNING]
> 6 cases leave the pass rate unknown within 62.4 %.
> About 385 cases would tell it within ± 5 points.

❌ **FAILED** eval answers · v1.2.0 (3f2a1bc) + uncommitted changes · q4 must pass and did not · next: mend it, then run it again
");
}

/// A comparison whose rules are all kept, and in which one slice without a rule lost answers.
fn slice_alone() -> DiffDocument {
    let mut diff = regressed();
    diff.comparisons
        .retain(|it| it.outcome == Some(VerdictKind::Passed));
    let mut slice = diff.comparisons[0].clone();
    slice.metric = Metric::parse("eval.answers.slice.\"lang=de\".pass_rate").unwrap();
    (slice.rule, slice.outcome, slice.verdict) = (None, None, crate::record::Change::Regressed);
    diff.comparisons.push(slice);
    diff
}

#[test]
fn a_failure_that_only_a_slice_shows_is_shown_by_every_format() {
    // verdicts G4: JUnit had no failure, and GitHub's notice said `passed`, beside exit code 1.
    let diff = slice_alone();
    assert_eq!(diff.verdict, VerdictKind::Failed);
    let shown = |format: &str| render(format, &View::Diff(&diff), &FILE);
    assert!(
        shown("junit").contains("failures=\"1\""),
        "{}",
        shown("junit")
    );
    assert!(shown("github").contains("::error "), "{}", shown("github"));
    assert!(!shown("github").contains("passed:"));
    assert!(shown("human").contains("regressed"));
    assert!(shown("markdown").contains("regressed"));
}

#[test]
fn a_verdict_that_no_rule_accounts_for_is_shown_by_its_sentence() {
    let mut diff = slice_alone();
    diff.comparisons.truncate(1);
    diff.verdict = VerdictKind::Inconclusive;
    diff.summary = "inconclusive: the head's run is invalid".to_owned();
    let github = render("github", &View::Diff(&diff), &FILE);
    assert!(github.contains("::warning "), "{github}");
    assert!(github.contains("the head's run is invalid") && !github.contains("passed:"));
    let junit = render("junit", &View::Diff(&diff), &FILE);
    assert!(junit.contains("errors=\"1\""), "{junit}");
}

/// field 29
#[test]
fn doubt_is_shown_as_the_exit_code_counts_it() {
    let mut diff = slice_alone();
    diff.comparisons.truncate(1);
    diff.comparisons[0].outcome = Some(VerdictKind::Inconclusive);
    diff.verdict = VerdictKind::Inconclusive;
    let shown = |format: &str, doubt| render(format, &View::Diff(&diff), &Page { doubt, ..FILE });
    let open = shown("junit", Doubt::Open);
    assert!(open.contains("errors=\"1\"") && open.contains("<error"));
    let neutral = shown("junit", Doubt::Neutral);
    assert!(neutral.contains("errors=\"0\"") && neutral.contains("failures=\"0\""));
    assert!(neutral.contains("<skipped ") && neutral.contains("skipped=\"1\""));
    assert!(!neutral.contains("<error"), "{neutral}");
    let failed = shown("junit", Doubt::Failed);
    assert!(failed.contains("failures=\"1\"") && failed.contains("errors=\"0\""));
    assert!(shown("github", Doubt::Open).contains("::warning "));
    assert!(shown("github", Doubt::Neutral).contains("::warning "));
    assert!(shown("github", Doubt::Failed).contains("::error "));
}

/// field 22
#[test]
fn junit_holds_no_character_that_xml_forbids() {
    let mut run = eval_run();
    let eval = run.eval.as_mut().unwrap();
    let odd = "a\u{fffe}b\u{ffff}c\u{1}d\u{8}e\u{b}f\u{1f}g\u{0}h\u{1b}[0mi";
    eval.cases[0].output = Some(format!("{odd} <&\"'> \u{10ffff} ü\tx"));
    eval.cases[0].passed = false;
    eval.cases[0].error = None;
    eval.cases[0].id = format!("id {odd}");
    eval.cases[1].error = Some(odd.to_owned());
    run.name = odd.to_owned();
    let junit = render("junit", &View::Run(&run), &FILE);
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(junit.chars().all(allowed), "{junit:?}");
    assert!(junit.contains("a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e"));
    assert!(junit.contains("&lt;&amp;"));
    quick_junit::Report::deserialize_from_str(&junit).unwrap();
}

#[test]
fn what_nothing_was_there_to_judge_is_measured_and_not_passed() {
    // verdicts G7: `PASSED eval answers` for 0 of 50.
    let mut run = eval_run();
    run.verdict = Some(VerdictKind::Passed);
    assert!(human(&View::Run(&run)).starts_with("MEASURED  eval answers"));
    assert!(markdown(&View::Run(&run)).starts_with("## 📏 Measured: eval answers"));
    run.plan = serde_json::json!({"must_pass": ["q1"]});
    assert!(human(&View::Run(&run)).starts_with("PASSED  eval answers"));
    let mut run = load_run();
    run.verdict = Some(VerdictKind::Passed);
    assert!(human(&View::Run(&run)).starts_with("PASSED  load"));
    for stage in run.stages.values_mut() {
        stage.slo.clear();
    }
    assert!(human(&View::Run(&run)).starts_with("MEASURED  load"));
}

#[test]
fn a_comparison_in_markdown() {
    insta::assert_snapshot!(markdown(&View::Diff(&regressed())), @r"
## ❌ Failed: v1.2.0 (3f2a1bc) → v1.3.0 (8c7d6e5)

`eval.answers.pass_rate` dropped by 8.5 points, more than the 5 points allowed; ask app-team.

### Rules

| outcome | metric | base | head | change | limit | owner |
| --- | --- | ---: | ---: | --- | --- | --- |
| FAILED | eval.answers pass_rate | 91.0 % | 82.5 % | −8.5 pp | drop at most 5 % | app-team |
| cannot tell | load.peak.llm ttft.p99 | – | – | – | at most 900 ms | ml-platform |
| passed | load.peak.gateway response_time.p95 | 410 ms | 512 ms | +24.9 % | at most 2 s | app-team |

<details>
<summary>What decided</summary>

eval.answers.pass_rate: −8.5 pp \[−13.0, −4.1\], exact McNemar, Bonett-Price, n 200, p 0.000120, one-sided bound −12.2 pp

load.peak.llm.ttft.p99: one run each, n 300; p99 needs 368 requests, there were 300

</details>

### Where the time went

| stage | slower by | change | 95 % interval | share | owner |
| --- | --- | ---: | --- | ---: | --- |
| rerank | ████████████████████ | +77.2 ms | \[+70.1 ms, +84.0 ms\] | 101.2 % | search-team |
| llm |  | −0.900 ms | \[−4.00 ms, +2.10 ms\] | −1.2 % | ml-platform |

### Slices, worst first

| slice | base | head | change | verdict |
| --- | ---: | ---: | --- | --- |
| lang=de | 90.0 % | 55.0 % | −35.0 pp \[−50.0, −20.0\] | regressed |
| lang=en | 91.2 % | 89.4 % | −1.8 pp \[−5.0, +1.0\] | no change seen (± 3.0 points) |

<details>
<summary>3 cases broke</summary>

q1, q7, q9

</details>

<details>
<summary>1 case fixed</summary>

q12

</details>

### What differs besides results

The manifest differs.

| version | base | head |
| --- | --- | --- |
| index | – | 2026-11-01 |
| prompt | blake3:1111111 | blake3:2222222 |

<details>
<summary>Other metrics, not gated on</summary>

| metric | base | head | change | verdict |
| --- | ---: | ---: | --- | --- |
| eval.answers recall.score | 80.0 % | 81.0 % | +1.0 pp \[−2.0, +4.0\] | no change seen (± 3.0 points) |

</details>

<details>
<summary>Latency, shown, never gated on</summary>

| metric | base | head | change |
| --- | ---: | ---: | --- |
| load.peak.rerank response_time.p50 | 21.0 ms | 98.2 ms | +367.6 % |
| load.peak.llm response_time.p50 | 201 ms | 200 ms | −0.45 % |

</details>

❌ **FAILED** v1.2.0 → v1.3.0 · `eval.answers.pass_rate` dropped by 8.5 points, more than the 5 points allowed; ask app-team. · do not ship
");
}

#[test]
fn histograms_are_drawn_where_the_record_has_them() {
    let mut histogram = Histogram::default();
    for us in (100_000..140_000)
        .step_by(100)
        .chain((300_000..900_000).step_by(20_000))
    {
        histogram.record_us(us);
    }
    let mut run = load_run();
    run.stages.retain(|name, _| name == "gateway");
    let gateway = run.stages.get_mut("gateway").unwrap();
    gateway
        .metrics
        .get_mut(&LatencyMetric::ResponseTime)
        .unwrap()
        .histogram = Some(histogram);
    let drawn = |unicode| {
        let page = Page { unicode, ..FILE };
        let text = render("human", &View::Run(&run), &page);
        let from = text.find("stage    ").unwrap();
        let found = text[from..]
            .lines()
            .skip_while(|line| !line.contains("log scale"));
        found.take(3).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(format!("{}\n{}", drawn(true), drawn(false)), @r"
    stage       min  response time, log scale             max
    ─────────────────────────────────────────────────────────
    gateway  100 ms  ▇▇███           ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  880 ms
    stage       min  response time, log scale             max
    ---------------------------------------------------------
    gateway  100 ms  **###           ................  880 ms
    ");
}

#[test]
fn a_run_without_ascii_has_only_ascii_drawings() {
    let page = Page {
        unicode: false,
        ..FILE
    };
    for view in [
        View::Run(&load_run()),
        View::Diff(&regressed()),
        View::Check(&probed()),
    ] {
        let text = render("human", &view, &page);
        let foreign: String = text.chars().filter(|c| !c.is_ascii()).collect();
        assert_eq!(foreign, "", "{text}");
    }
}

#[test]
fn json_prints_the_document_with_the_keys_of_the_contract_and_no_histograms() {
    let mut run = load_run();
    for metric in run
        .stages
        .values_mut()
        .flat_map(|stage| stage.metrics.values_mut())
    {
        metric.histogram = Some(Histogram::default());
    }
    let text = render("json", &View::Run(&run), &FILE);
    assert!(!text.contains("histogram"));
    let document: Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(
        keys[..14],
        [
            "schema",
            "version",
            "id",
            "kind",
            "name",
            "env",
            "region",
            "seed",
            "started_at",
            "duration_s",
            "complete",
            "release",
            "validity",
            "generator"
        ]
    );
    assert_eq!(
        document["stages"]["gateway"]["metrics"]["response_time"]["p95"],
        512.0
    );
}

#[test]
fn json_is_one_document_for_one_run_and_for_several() {
    let runs = [load_run(), eval_run()];
    let one: Value =
        serde_json::from_str(&render("json", &View::Session(&runs[..1]), &FILE)).unwrap();
    assert_eq!(one["schema"], "stagegate/run");
    let both: Value = serde_json::from_str(&render("json", &View::Session(&runs), &FILE)).unwrap();
    assert_eq!(both["schema"], "stagegate/runs");
    assert_eq!(both["runs"][1]["kind"], "eval");
}

#[test]
fn json_has_no_number_that_json_cannot_hold() {
    let mut run = load_run();
    run.duration_s = f64::NAN;
    let text = render("json", &View::Run(&run), &FILE);
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap()["duration_s"],
        Value::Null
    );
}

#[test]
fn the_other_views_are_documents_too() {
    for (view, schema) in [
        (View::Diff(&regressed()), "stagegate/diff"),
        (View::Runs(&stored()), "stagegate/runs"),
        (View::Check(&probed()), "stagegate/check"),
    ] {
        let document: Value = serde_json::from_str(&render("json", &view, &FILE)).unwrap();
        assert_eq!(document["schema"], schema);
        assert_eq!(document["version"]["major"], FormatVersion::CURRENT.major);
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let coloured = Page {
        palette: Palette::coloured(),
        ..FILE
    };
    for view in [
        View::Run(&load_run()),
        View::Run(&eval_run()),
        View::Diff(&regressed()),
        View::Runs(&stored()),
        View::Check(&probed()),
    ] {
        let text = render("human", &view, &coloured);
        assert!(text.contains("\u{1b}[1m"), "{text}");
        let stripped = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(stripped, human(&view));
    }
}

#[test]
fn long_lists_of_cases_are_cut_and_say_so() {
    let mut run = eval_run();
    let eval = run.eval.as_mut().unwrap();
    let case = eval.cases[3].clone();
    eval.cases = (0..25)
        .map(|at| CaseResult {
            id: format!("case-{at}"),
            ..case.clone()
        })
        .collect();
    let mut diff = regressed();
    diff.cases.broke = (0..25).map(|at| format!("case-{at}")).collect();
    let text = human(&View::Run(&run));
    assert!(text.contains("25 answers failed, the first 10\n"), "{text}");
    assert!(text.contains("case-9 ") && !text.contains("case-10"));
    let text = human(&View::Diff(&diff));
    assert!(text.contains("25 cases broke, the first 20\n"), "{text}");
    assert!(text.contains("case-19") && !text.contains("case-20"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_line_is_wider_than_the_page_nor_drives_the_terminal(
        stage in "[A-Za-z0-9_-]{1,70}",
        text in "(\\PC|\u{1b}|\n|東|é|👩\u{200d}👧){0,120}",
        owner in "\\PC{0,40}",
        value in 0.0..1e9_f64,
        width in 40_usize..160,
        unicode: bool,
    ) {
        let page = Page { width, unicode, palette: Palette::plain(), places: Places::NONE, ..FILE };
        let mut load = load_run();
        let mut result = load.stages["llm"].clone();
        result.owner = Some(owner.clone());
        result.errors.insert(text.clone(), 7);
        result.metrics.get_mut(&LatencyMetric::Ttft).unwrap().p95 = Some(value);
        load.stages.insert(stage.clone(), result);
        let mut eval = eval_run();
        let found = eval.eval.as_mut().unwrap();
        found.cases[3].output = Some(text.clone());
        found.cases[4].id.clone_from(&text);
        found.cases[5].error = Some(text.clone());
        found.must_pass_broken.push(text.clone());
        let mut diff = regressed();
        diff.summary.clone_from(&text);
        diff.comparisons[0].rule = Some(text.clone());
        diff.comparisons[1].owner = Some(owner.clone());
        let p95 = Figure::Latency(LatencyMetric::ResponseTime, Stat::P95);
        diff.comparisons[1].metric = Metric::load("peak", &stage, p95);
        diff.comparisons[1].head = Some(value);
        diff.blame.push(Blame {
            stage: stage.clone(), owner: Some(owner), change_ms: value, low: None, high: None, share: None,
        });
        diff.cases.fixed.push(text.clone());
        let mut check = probed();
        check.stages[0].name = stage;
        check.stages[0].url.clone_from(&text);
        check.stages[1].probe.as_mut().unwrap().help = Some(text);
        for view in [View::Run(&load), View::Run(&eval), View::Diff(&diff), View::Check(&check)] {
            let text = render("human", &view, &page);
            for line in text.lines() {
                prop_assert!(super::text::width(line) <= width, "{} > {width}: {line:?}", super::text::width(line));
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
}
