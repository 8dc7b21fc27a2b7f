//! Whole outputs of the binary, from stored runs whose ids, dates, and figures are fixed.

use serde_json::json;
use stagegate_kit::record::{Record, Times};

use crate::support::Project;

/// A load of two stages, of which one broke its SLO, and what was noticed when it was made.
fn load() -> Record {
    let times = |p50, p95, p99| Times { p50, p95, p99 };
    Record::load("peak", 1)
        .stage("api", times(118.0, 205.0, Some(390.0)), 12)
        .stage("llm", times(80.5, 140.0, None), 0)
        .slo("api", "response_time.p95", (200.0, 205.0))
        .slo("llm", "response_time.p95", (200.0, 140.0))
        .warning(json!({
            "kind": "too_few_samples", "needed": [{"statistic": "p99", "samples": 368}], "count": 300,
        }))
        .warning(json!({"kind": "over_budget", "key": "max_requests"}))
}

fn report(record: &Record, format: &str) -> String {
    let project = Project::new();
    project.record("run.json", record);
    let output = project.run(&["report", "run.json", "--format", format]);
    assert!(output.stderr.is_empty(), "{output}");
    output.stdout
}

#[test]
fn a_load_at_80_columns() {
    insta::assert_snapshot!(report(&load(), "human"), @r"
FAILED  load peak
local · v1.2.0 (3f2a1bc) · 60 s · valid
run 0191a2b3-0001 · seed 7

stage   sent     ok  failed   rps  good/s  p50 ms  p95 ms  p99 ms  max ms
─────────────────────────────────────────────────────────────────────────
api    1,200  1,188   1.0 %  19.8    19.8     118     205     390     615
llm    1,200  1,200     0 %  20.0    20.0    80.5     140       –     420

SLOs
result  stage  metric                limit   value  owner
────────────────────────────────────────────────────────────
FAILED  api    response_time.p95  ≤ 200 ms  205 ms  app-team
passed  llm    response_time.p95  ≤ 200 ms  140 ms  app-team

Errors
stage  error    count  of sent
──────────────────────────────
api    timeout     12    1.0 %

note: – means not enough samples (p99 needs 368; there were 300).
      Run longer or at a higher rate (`--duration`, `--rate`).
note: The run stopped before its end because `max_requests` was reached.
      Raise the budget, or ask for less.

FAILED load peak · v1.2.0 (3f2a1bc) · api response_time.p95 205 ms, limit ≤ 200
  ms (app-team) · next: `stagegate profile` shows where the time goes
");
}

#[test]
fn a_load_as_markdown() {
    insta::assert_snapshot!(report(&load(), "markdown"), @r"
## ❌ Failed: load peak

local · v1.2.0 (3f2a1bc) · 60 s · valid

run 0191a2b3-0001 · seed 7

| stage | sent | ok | failed | rps | good/s | p50 ms | p95 ms | p99 ms | max ms |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| api | 1,200 | 1,188 | 1.0 % | 19.8 | 19.8 | 118 | 205 | 390 | 615 |
| llm | 1,200 | 1,200 | 0 % | 20.0 | 20.0 | 80.5 | 140 | – | 420 |

### SLOs

| result | stage | metric | limit | value | owner |
| --- | --- | --- | ---: | ---: | --- |
| FAILED | api | response_time.p95 | ≤ 200 ms | 205 ms | app-team |
| passed | llm | response_time.p95 | ≤ 200 ms | 140 ms | app-team |

### Errors

| stage | error | count | of sent |
| --- | --- | ---: | ---: |
| api | timeout | 12 | 1.0 % |

> [!WARNING]
> – means not enough samples (p99 needs 368; there were 300).
> Run longer or at a higher rate (`--duration`, `--rate`).

> [!WARNING]
> The run stopped before its end because `max_requests` was reached.
> Raise the budget, or ask for less.

❌ **FAILED** load peak · v1.2.0 (3f2a1bc) · api response_time.p95 205 ms, limit ≤ 200 ms (app-team) · next: `stagegate profile` shows where the time goes
");
}

#[test]
fn a_load_as_annotations() {
    insta::assert_snapshot!(report(&load(), "github"), @r#"
::error title=load peak%3A failed::response_time.p95 of api is 205 ms, limit 200 ms
"#);
}

#[test]
fn two_suites_beside_each_other() {
    let project = Project::new();
    project.record("base.json", &Record::eval("answers", 1, (38, 40)));
    project.record("head.json", &Record::eval("answers", 2, (30, 40)));
    let output = project.run(&["diff", "base.json", "head.json"]);
    insta::assert_snapshot!(output, @r"
FAILED  v1.2.0 (3f2a1bc) → v1.2.0 (3f2a1bc)
failed: `eval.answers` lost 8 of 40 cases

Rules
outcome  metric                base    head  change    limit               owner
────────────────────────────────────────────────────────────────────────────────
FAILED   eval.answers        95.0 %  75.0 %  −20.0 pp  max_drop 5%         –
         pass_rate                                     (margin)

What decided
eval.answers.pass_rate: −20.0 pp [−34.8, −9.5], mid_p, n 40, p 0.00391,
  one-sided p 0.00195, one-sided bound −11.7 pp

8 cases broke
  q31, q32, q33, q34, q35, q36, q37, q38

Other metrics, not gated on
metric                       base    head  change                  verdict
────────────────────────────────────────────────────────────────────────────
eval.answers equals.score  95.0 %  75.0 %  −20.0 pp [−34.8, −9.5]  regressed

FAILED v1.2.0 → v1.2.0 · 8 cases lost · do not ship
--- stderr ---
[exit 1]
");
}
