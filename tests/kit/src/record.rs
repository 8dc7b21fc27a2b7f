//! Stored runs as the documents that they are, with fixed ids and dates.

use serde_json::{Value, json};

/// The document of a run that is being made up. Without more said it is a valid run of a minute,
/// of a clean commit, that passed.
#[derive(Clone, Debug)]
pub struct Record {
    document: Value,
}

/// The response times of a made-up stage, in ms.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub p50: f64,
    pub p95: f64,
    /// Null where there are too few answers for it.
    pub p99: Option<f64>,
}

impl Record {
    /// Makes a load that was begun at that second of noon on 24 November 2026, as the `number`-th
    /// run.
    pub fn load(name: &str, number: u32) -> Self {
        Self::new("load", name, number)
    }

    /// Makes a suite of which so many of `cases` cases passed: the first ones.
    pub fn eval(name: &str, number: u32, (passed, cases): (usize, usize)) -> Self {
        let of = |at: usize| {
            json!({
                "id": format!("q{at:02}"), "group": null, "tags": {}, "repeat": 0, "passed": at <= passed,
                "score": f64::from(u8::from(at <= passed)),
                "assertions": {"equals": f64::from(u8::from(at <= passed))},
                "output": "an answer", "error": null, "response_time_ms": 12.0,
            })
        };
        let rate = passed as f64 / cases as f64;
        let (low, high) = (rate - 0.05, (rate + 0.05).min(1.0));
        Self::new("eval", name, number).with(
            "eval",
            json!({
                "stage": "api",
                "golden": {"path": "golden.jsonl", "digest": "blake3:22", "cases": cases},
                "repeats": 1,
                "pass_rate": {
                    "value": rate, "low": low, "high": high, "confidence": 0.95, "method": "wilson",
                    "bounds": null,
                },
                "assertions": {"equals": {"score": rate, "low": low, "high": high}},
                "slices": {}, "errors": 0, "error_kinds": {}, "cached": 0, "retries": 0,
                "must_pass_broken": [],
                "cases": (1..=cases).map(of).collect::<Vec<_>>(),
            }),
        )
    }

    fn new(kind: &str, name: &str, number: u32) -> Self {
        let document = json!({
            "schema": "stagegate/run",
            "version": {"major": 1, "minor": 1},
            "id": format!("0191a2b3-{number:04x}-7e6f-8a9b-0c1d2e3f4a5b"),
            "kind": kind,
            "name": name,
            "env": "local",
            "region": null,
            "seed": 7,
            "started_at": format!("2026-11-24T12:00:{number:02}Z"),
            "duration_s": 60.0,
            "complete": true,
            "release": {
                "commit": "3f2a1bc9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3", "tag": "v1.2.0", "dirty": false,
                "manifest": "blake3:9f86d081884c7d65", "versions": {},
            },
            "validity": {"verdict": "valid", "reasons": []},
            "stages": {},
            "verdict": "passed",
        });
        Self { document }
    }

    /// Sets a key of the document.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.document[key] = value;
        self
    }

    /// Adds a stage that was sent 20 requests a second for a minute, of which so many failed with
    /// a timeout.
    #[must_use]
    pub fn stage(mut self, name: &str, times: Times, failed: u64) -> Self {
        let (attempted, ok) = (1_200, 1_200 - failed);
        let errors = if failed > 0 {
            json!({"timeout": failed})
        } else {
            json!({})
        };
        let Times { p50, p95, p99 } = times;
        self.document["stages"][name] = json!({
            "attempted": attempted, "ok": ok, "failed": failed, "errors": errors,
            "in_flight_at_end": 0, "offered_rps": 20.0, "achieved_rps": ok as f64 / 60.0,
            "goodput_rps": ok as f64 / 60.0, "attainment": ok as f64 / attempted as f64,
            "error_rate": failed as f64 / attempted as f64, "fallback_rate": null,
            "connections": 4, "tokens": null, "cost_usd": null, "owner": "app-team",
            "metrics": {"response_time": {
                "unit": "ms", "count": ok, "mean": p50, "min": p50 / 2.0, "max": p95 * 3.0,
                "p50": p50, "p90": (p50 + p95) / 2.0, "p95": p95, "p99": p99, "p999": null,
            }},
            "slo": [],
        });
        self
    }

    /// Adds an SLO of a stage, with the value that was measured.
    #[must_use]
    pub fn slo(mut self, stage: &str, metric: &str, (limit, value): (f64, f64)) -> Self {
        let slo = json!({"metric": metric, "limit": limit, "value": value, "met": value <= limit});
        if let Some(slos) = self.document["stages"][stage]["slo"].as_array_mut() {
            slos.push(slo);
        }
        if value > limit {
            self.document["verdict"] = json!("failed");
        }
        self
    }

    /// Adds a warning, as it is stored.
    #[must_use]
    pub fn warning(mut self, warning: Value) -> Self {
        match self.document["warnings"].as_array_mut() {
            Some(warnings) => warnings.push(warning),
            None => self.document["warnings"] = json!([warning]),
        }
        self
    }

    /// Returns the document.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// Returns the document's text.
    pub fn text(&self) -> String {
        self.document.to_string()
    }
}
