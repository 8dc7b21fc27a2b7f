//! A typical and a slow request, by their parts.

use crate::load::RequestLog;
use crate::protocol::TraceParent;
use crate::record::{Span, Waterfall};

/// Returns the requests at the median and at the 95th percentile of the response time; a request
/// that really was, not an average. `names` are those of the stages by number. Nothing where no
/// request came back.
pub(super) fn waterfalls(traces: &[RequestLog], names: &[String]) -> Vec<Waterfall> {
    let mut timed: Vec<(u64, &RequestLog)> = traces
        .iter()
        .filter_map(|trace| Some((trace.response_time()?, trace)))
        .collect();
    timed.sort_by_key(|(time, _)| *time);
    let at =
        |quantile: f64| timed.get(((timed.len() as f64 * quantile).ceil() as usize).max(1) - 1);
    let draw = |(label, quantile): (&str, f64)| {
        let (time, trace) = at(quantile)?;
        Some(Waterfall {
            label: label.to_owned(),
            response_time_ms: *time as f64 / 1e6,
            spans: spans(trace, names)?,
        })
    };
    [("typical", 0.5), ("slow", 0.95)]
        .into_iter()
        .filter_map(draw)
        .collect()
}

fn spans(trace: &RequestLog, names: &[String]) -> Option<Vec<Span>> {
    let first = trace.steps.first()?.stamps;
    let ms = |at: u64| at.saturating_sub(first.intended) as f64 / 1e6;
    trace
        .steps
        .iter()
        .map(|step| {
            let stamps = &step.stamps;
            Some(Span {
                stage: names.get(step.stage.0)?.clone(),
                start: ms(stamps.intended),
                sent: ms(stamps.send_start?),
                first_content: ms(stamps.first_content.or(stamps.first_byte)?),
                end: ms(stamps.last_content?),
                trace_id: step.trace.map(TraceParent::trace_id),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{LoggedStep, ScenarioId, StageId};
    use crate::measure::Stamps;
    use crate::protocol::TraceIds;

    fn trace(total_ms: u64) -> RequestLog {
        let stamps = |due: u64, end: u64| Stamps {
            intended: due * 1_000_000,
            dequeued: due * 1_000_000,
            send_start: Some(due * 1_000_000 + 500_000),
            first_content: Some((due + 1) * 1_000_000),
            last_content: Some(end * 1_000_000),
            ..Stamps::default()
        };
        RequestLog {
            scenario: ScenarioId(0),
            steps: vec![
                LoggedStep {
                    stage: StageId(0),
                    stamps: stamps(100, 102),
                    trace: None,
                },
                LoggedStep {
                    stage: StageId(1),
                    stamps: stamps(102, 100 + total_ms),
                    trace: Some(TraceIds::new(7).next()),
                },
            ],
        }
    }

    #[test]
    fn a_typical_and_a_slow_request_are_real_ones() {
        let traces: Vec<RequestLog> = (1..=100).map(|ms| trace(ms + 2)).collect();
        let names = ["retrieve".to_owned(), "llm".to_owned()];
        let drawn = waterfalls(&traces, &names);
        let times: Vec<f64> = drawn.iter().map(|it| it.response_time_ms).collect();
        assert_eq!(times, [52.0, 97.0]);
        assert_eq!(
            drawn[0].spans[1],
            Span {
                stage: "llm".to_owned(),
                start: 2.0,
                sent: 2.5,
                first_content: 3.0,
                end: 52.0,
                trace_id: drawn[0].spans[1].trace_id.clone(),
            }
        );
        // What a trace store calls it, where the request carried one.
        assert_eq!(drawn[0].spans[0].trace_id, None);
        let id = drawn[0].spans[1].trace_id.as_ref().unwrap();
        assert!(id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit()));
    }

    #[test]
    fn without_an_answer_there_is_nothing_to_draw() {
        assert_eq!(waterfalls(&[], &[]), []);
    }
}
