//! The engine over real sockets. Bounds on time are wide: exact figures belong to `benches/`.

mod multiplexed;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::arrival::{Gaps, Timing, Until, Users};
use crate::load::plan::{Cases, LoadPlan, Scenario};
use crate::load::wire::encode::Prepared;
use crate::load::{CaseSequence, Keep, LoadResult, StageId, TallyId, run};
use crate::manifest::Connections;
use crate::measure::Event;
use crate::metric::LatencyMetric;
use crate::record::{Shard, StageResult};
use crate::stage::{Address, HttpAddress, Stage};
use crate::template::Scope;
use stagegate_kit::stub::{Request, Step, Stub, ok, send, wait};

fn target(kind: &str, address: std::net::SocketAddr, keys: &str) -> Stage {
    let keys = format!("url = \"http://{address}/\"\n{keys}");
    Stage {
        address: Address::Http(HttpAddress::plain(address)),
        ..crate::stage::testing::stage(kind, &keys)
    }
}

fn serve(script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> std::net::SocketAddr {
    Stub::start(script).address
}

fn plan(target: Stage, timing: Timing, until: Until) -> LoadPlan {
    let request = target.request(&Scope::default()).unwrap();
    LoadPlan {
        stages: vec![target],
        scenarios: vec![Scenario {
            steps: vec![StageId(0)],
            of: "s".to_owned(),
            sequence: CaseSequence::InTurn(1),
            whole: None,
            share: None,
            cases: Arc::new(Cases {
                ids: Vec::new(),
                digest: None,
                requests: vec![Prepared::new(&request, Connections::Pooled).unwrap()],
                scopes: Vec::new(),
                sessions: None,
            }),
        }],
        timing,
        honour_retry_after: false,
        connections: Connections::Pooled,
        traces: Arc::default(),
        shard: Shard::WHOLE,
        start: None,
        until,
        warmup: Duration::ZERO,
        seed: 7,
        max_requests: None,
        max_cost: None,
        max_tokens: None,
        interval: Duration::from_secs(1),
        clock: crate::measure::Clock::System,
    }
}

fn open(rate: &str) -> Timing {
    let rate: crate::measure::Rate = rate.parse().unwrap();
    Timing::at(Gaps::Even, rate.per_second())
}

fn run_quietly(plan: &LoadPlan) -> (LoadResult, StageResult) {
    let events: Mutex<Vec<Event>> = Mutex::default();
    let result = run(
        plan,
        &events,
        &AtomicBool::new(false),
        &Keep {
            replies_of: vec![TallyId(0)],
            traces: true,
        },
    )
    .unwrap();
    let stage = result.stages["s"].clone();
    (result, stage)
}

#[test]
fn an_open_loop_sends_its_schedule_and_measures_from_it() {
    let address = serve(|_| vec![wait(5), ok("{\"a\":1}")]);
    let plan = plan(
        target("http", address, ""),
        open("200/s"),
        Until::Duration(Duration::from_secs(1)),
    );
    let (result, stage) = run_quietly(&plan);
    assert_eq!(
        (
            stage.attempted,
            stage.ok,
            stage.failed,
            stage.in_flight_at_end
        ),
        (200, 200, 0, 0)
    );
    assert_eq!(stage.offered_rps, Some(200.0));
    assert_eq!(result.captured.len(), 200);
    let response = &stage.metrics[&LatencyMetric::ResponseTime];
    assert!(response.min.unwrap() >= 4.99, "{response:?}");
    assert!((5.0..50.0).contains(&response.p50.unwrap()), "{response:?}");
    assert_eq!(stage.metrics[&LatencyMetric::ScheduleLag].count, 200);
    assert!(!stage.metrics.contains_key(&LatencyMetric::Ttft));
}

#[test]
fn waiting_for_a_stalled_server_counts_for_every_request_that_was_due() {
    // Stops for 200 ms in every 500 ms: requests that arrive then wait for its end.
    let start = Instant::now();
    let address = serve(move |request| {
        let phase = (request.at - start).as_millis() as u64 % 500;
        vec![wait(200_u64.saturating_sub(phase)), ok("")]
    });
    let plan = plan(
        target("http", address, ""),
        open("400/s"),
        Until::Duration(Duration::from_secs(2)),
    );
    let (_, stage) = run_quietly(&plan);
    assert_eq!(stage.ok, 800);
    // 40 % of the requests wait, evenly between 0 and 200 ms: the p90 of all is at 150 ms.
    let p90 = stage.metrics[&LatencyMetric::ResponseTime].p90.unwrap();
    assert!((140.0..400.0).contains(&p90), "{p90}");
}

#[test]
fn a_stream_gives_ttft_gaps_and_tokens() {
    let chunk = |text: &str| {
        let event = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
        send(format!("{:x}\r\n{event}\r\n", event.len()))
    };
    let address = serve(move |_| {
        let role = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n";
        let end = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":9}}\n\ndata: [DONE]\n\n";
        let mut steps = vec![send(format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{role}\r\n",
            role.len()
        ))];
        steps.extend([wait(30), chunk("a")]);
        steps.extend([wait(10), chunk("b")]);
        steps.extend([wait(10), chunk("c")]);
        steps.push(send(format!("{:x}\r\n{end}\r\n0\r\n\r\n", end.len())));
        steps
    });
    let keys = "model = \"m\"\nmessages = []\nstream = true";
    let plan = plan(
        target("chat", address, keys),
        open("50/s"),
        Until::Requests(50),
    );
    let (result, stage) = run_quietly(&plan);
    assert_eq!(
        (stage.ok, &stage.errors),
        (50, &std::collections::BTreeMap::new())
    );
    let p50 = |metric: &str| {
        stage.metrics[&LatencyMetric::of(metric).unwrap()]
            .p50
            .unwrap()
    };
    assert!((29.9..150.0).contains(&p50("ttft")), "{}", p50("ttft"));
    // Two gaps a stream; a read that comes late may hold two events, whose gap is then not known.
    let gaps = stage.metrics[&LatencyMetric::ChunkGap].count;
    assert!((80..=100).contains(&gaps), "{gaps}");
    assert!(
        (5.0..60.0).contains(&p50("chunk_gap")),
        "{}",
        p50("chunk_gap")
    );
    // 20 ms over 9 − 1 tokens.
    assert!((2.3..15.0).contains(&p50("tpot")), "{}", p50("tpot"));
    let tokens = stage.tokens.unwrap();
    assert_eq!((tokens.output, tokens.source.as_str()), (450, "usage"));
    assert_eq!(result.captured[0].reply.text.as_deref(), Some("abc"));
}

#[test]
fn failures_are_told_apart_and_stay_in_the_count() {
    let unread = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab".to_owned();
    for (script, key) in [
        (vec![Step::Close], "reset"),
        (vec![wait(3000)], "timeout"),
        (vec![send(unread), Step::Close], "reset"),
        (
            vec![send("HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")],
            "status 503",
        ),
        (vec![send("nonsense\r\n\r\n"), Step::Close], "decode"),
        (vec![ok("{\"b\":1}")], "contract"),
        (vec![ok("{oops")], "decode"),
    ] {
        let address = serve(move |_| script.clone());
        let target = target("http", address, "output = { text = \"$.a\" }");
        let (result, stage) = run_quietly(&plan(target, open("100/s"), Until::Requests(10)));
        assert_eq!((stage.attempted, stage.failed), (10, 10), "{key}");
        assert_eq!(
            stage.errors.get(key),
            Some(&10),
            "{key}: {:?}",
            stage.errors
        );
        assert!(!result.never_reached);
    }
}

#[test]
fn each_address_of_a_stage_is_tried_and_the_one_that_works_is_kept() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = nobody.local_addr().unwrap();
    drop(nobody);
    let live = serve(|_| vec![ok("x")]);
    let stage = |sockets: Vec<std::net::SocketAddr>| Stage {
        address: Address::Http(HttpAddress {
            sockets,
            ..HttpAddress::plain(live)
        }),
        ..target("http", live, "")
    };
    for sockets in [vec![dead, live], vec![dead, dead, live], vec![live, dead]] {
        let mut plan = plan(stage(sockets), open("100/s"), Until::Requests(20));
        plan.connections = Connections::PerRequest;
        let (result, stage) = run_quietly(&plan);
        assert_eq!((stage.ok, stage.failed), (20, 0), "{:?}", result.remarks);
        assert_eq!(stage.connections, 20);
    }
    let plan = plan(stage(vec![dead, dead]), open("100/s"), Until::Requests(3));
    let (result, stage) = run_quietly(&plan);
    assert_eq!(
        stage.errors.get("connect"),
        Some(&3),
        "{:?}",
        result.remarks
    );
    assert!(result.never_reached);
}

#[test]
fn a_stage_that_is_not_there_is_never_reached() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (result, stage) = run_quietly(&plan(
        target("http", address, ""),
        open("50/s"),
        Until::Requests(5),
    ));
    assert_eq!(stage.errors.get("connect"), Some(&5));
    assert!(result.never_reached);
}

#[test]
fn a_closed_loop_keeps_its_users_busy_and_counts_its_requests() {
    let address = serve(|_| vec![wait(10), ok("x")]);
    let (result, stage) = run_quietly(&plan(
        target("http", address, ""),
        Timing::Closed(Users::restless(4)),
        Until::Requests(101),
    ));
    assert_eq!(
        (stage.ok, stage.connections, stage.offered_rps),
        (101, 4, None)
    );
    assert!(result.generator.schedule_lag_ms.is_none());
    assert!(!stage.metrics.contains_key(&LatencyMetric::ScheduleLag));
    // 101 requests by four users at 10 ms each take 260 ms.
    assert!(
        (0.25..0.6).contains(&result.duration_s),
        "{}",
        result.duration_s
    );
}

/// Returns how many requests each connection carried, and what was measured.
fn carried(timing: Timing, connections: Connections) -> (Vec<usize>, StageResult, Vec<Request>) {
    let stub = Stub::start(|_| vec![wait(5), ok("x")]);
    let target = target("http", stub.address, "");
    let request = target.request(&Scope::default()).unwrap();
    let mut plan = plan(target, timing, Until::Requests(30));
    let request = Prepared::new(&request, connections).unwrap();
    Arc::get_mut(&mut plan.scenarios[0].cases).unwrap().requests = vec![request];
    plan.connections = connections;
    let (_, stage) = run_quietly(&plan);
    let requests = stub.requests();
    let mut counts = vec![0; 1 + requests.iter().map(|it| it.connection).max().unwrap()];
    for request in &requests {
        counts[request.connection] += 1;
    }
    (counts, stage, requests)
}

#[test]
fn a_request_takes_the_connection_that_the_load_says() {
    let users = || Timing::Closed(Users::restless(3));
    let (counts, stage, requests) = carried(users(), Connections::PerRequest);
    assert_eq!((counts, stage.connections), (vec![1; 30], 30));
    assert!(
        requests
            .iter()
            .all(|it| it.head.contains("connection: close"))
    );
    let connect = &stage.metrics[&LatencyMetric::ConnectTime];
    assert_eq!(connect.count, 30);
    // Opening it is a part of the wait for it, and of the response time.
    assert!(
        connect.p50 <= stage.metrics[&LatencyMetric::ConnWait].p50,
        "{connect:?}"
    );
    assert!(!stage.metrics.contains_key(&LatencyMetric::TlsTime));

    let (counts, stage, requests) = carried(users(), Connections::PerSession);
    assert_eq!((counts.len(), stage.connections), (3, 3));
    assert!(!requests[0].head.contains("connection: close"));

    // One connection serves 200 requests a second of 5 ms each: 400 a second must wait for it.
    let (counts, stage, _) = carried(open("400/s"), Connections::Fixed(1));
    assert_eq!((counts, stage.ok, stage.connections), (vec![30], 30, 1));
    let waited = stage.metrics[&LatencyMetric::ConnWait].max.unwrap();
    assert!(waited > 40.0, "{waited}");
}

#[test]
fn a_fixed_connection_that_the_server_closes_is_opened_again() {
    let stub = Stub::start(|_| vec![wait(2), ok("x"), Step::Close]);
    let mut plan = plan(
        target("http", stub.address, ""),
        open("500/s"),
        Until::Requests(20),
    );
    plan.connections = Connections::Fixed(1);
    let (_, stage) = run_quietly(&plan);
    // A request that the closing overtakes is reset; none is left waiting.
    assert_eq!((stage.attempted, stage.in_flight_at_end), (20, 0));
    assert_eq!(
        stage.ok + stage.errors.get("reset").copied().unwrap_or(0),
        20
    );
    assert!(stage.connections > 9, "{}", stage.connections);
}

#[test]
fn users_come_back_when_they_are_told_to_where_the_load_says_so() {
    let head = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
    let address = serve(move |_| vec![send(head)]);
    let users = Timing::Closed(Users::restless(2));
    let mut target = target("http", address, "");
    target.timeouts.total = Duration::from_secs(2);
    let until = Until::Duration(Duration::from_millis(1500));
    let mut plan = plan(target, users, until);
    plan.honour_retry_after = true;
    let (_, stage) = run_quietly(&plan);
    assert_eq!(
        (stage.attempted, stage.errors.get("status 429")),
        (4, Some(&4))
    );
    plan.honour_retry_after = false;
    plan.until = Until::Duration(Duration::from_millis(200));
    let (_, stage) = run_quietly(&plan);
    assert!(stage.attempted > 10, "{stage:?}");
}

#[test]
fn the_warm_up_is_never_counted_and_a_budget_stops_the_run() {
    let address = serve(|_| vec![ok("x")]);
    let mut warm = plan(
        target("http", address, ""),
        open("100/s"),
        Until::Requests(20),
    );
    warm.warmup = Duration::from_millis(200);
    let (_, stage) = run_quietly(&warm);
    assert_eq!((stage.attempted, stage.ok), (20, 20));
    warm.max_requests = Some(30);
    let (result, stage) = run_quietly(&warm);
    // 20 requests of warm-up and 10 more.
    assert_eq!(
        (
            stage.attempted,
            result.over_budget.map(crate::load::plan::Budget::key)
        ),
        (10, Some("max_requests"))
    );
}

#[test]
fn an_interruption_keeps_what_was_measured() {
    let interrupted = Arc::new(AtomicBool::new(false));
    let (flag, count) = (Arc::clone(&interrupted), AtomicUsize::new(0));
    // The user interrupts it when the server has been asked often enough.
    let address = serve(move |_| {
        if count.fetch_add(1, Ordering::Relaxed) == 50 {
            flag.store(true, Ordering::Relaxed);
        }
        vec![wait(100), ok("x")]
    });
    let plan = plan(
        target("http", address, ""),
        open("100/s"),
        Until::Duration(Duration::from_mins(1)),
    );
    let events: Mutex<Vec<Event>> = Mutex::default();
    let result = run(&plan, &events, &interrupted, &Keep::default()).unwrap();
    let stage = &result.stages["s"];
    assert!(!result.complete);
    assert!(stage.ok > 20 && stage.in_flight_at_end > 5, "{stage:?}");
    assert_eq!(stage.attempted, stage.ok + stage.in_flight_at_end);
    assert!(result.duration_s < 2.0);
}
