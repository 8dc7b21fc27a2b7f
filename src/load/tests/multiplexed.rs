//! The engine over HTTP/2: several requests at once on a connection.

use crate::load::tests::*;
use crate::manifest::HttpVersion;
use crate::metric::LatencyMetric;
use crate::protocol;
use stagegate_kit::http2::{Answer, Http2Stub, Manner};

/// A plan whose stage is spoken to in HTTP/2.
fn plan2(stub: &Http2Stub, kind: &str, keys: &str, timing: Timing, until: Until) -> LoadPlan {
    let mut target = target(kind, stub.address, keys);
    target.http_version = HttpVersion::Two;
    plan(target, timing, until)
}

#[test]
fn requests_share_a_connection_as_far_as_the_server_lets_them() {
    let stub = Http2Stub::start(Manner::default(), None, |_, _| {
        Answer::after(40, "{\"a\":1}")
    });
    let until = Until::Duration(Duration::from_millis(600));
    let (_, stage) = run_quietly(&plan2(&stub, "http", "", open("200/s"), until));
    assert_eq!(
        (stage.attempted, stage.ok, stage.connections),
        (120, 120, 1)
    );
    let p50 = stage.metrics[&LatencyMetric::ResponseTime].p50.unwrap();
    assert!((39.0..60.0).contains(&p50), "{p50}");

    let manner = Manner {
        most_streams: Some(2),
        ..Manner::default()
    };
    let stub = Http2Stub::start(manner, None, |_, _| Answer::after(10, "x"));
    let users = Timing::Closed(Users::restless(6));
    let (_, stage) = run_quietly(&plan2(&stub, "http", "", users, Until::Requests(60)));
    // What a connection has no room for does not wait in it.
    assert_eq!((stage.ok, stage.connections), (60, 3));
    assert_eq!(stub.requests().iter().sum::<usize>(), 60);
}

#[test]
fn connections_are_as_many_as_the_load_says() {
    let stub = Http2Stub::start(Manner::default(), None, |_, _| Answer::after(10, "x"));
    let run_with = |connections, timing| {
        let mut plan = plan2(&stub, "http", "", timing, Until::Requests(30));
        plan.connections = connections;
        let (_, stage) = run_quietly(&plan);
        assert_eq!(stage.ok, 30, "{connections}: {:?}", stage.errors);
        stage.connections
    };
    let before = stub.requests().len();
    assert_eq!(run_with(Connections::Fixed(2), open("300/s")), 2);
    let counts = stub.requests()[before..].to_vec();
    assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
    let users = || Timing::Closed(Users::restless(3));
    assert_eq!(run_with(Connections::PerRequest, users()), 30);
    assert_eq!(run_with(Connections::PerSession, users()), 3);
}

#[test]
fn streams_of_events_are_measured_on_their_own() {
    let stub = Http2Stub::start(Manner::default(), None, |_, body| {
        assert!(body.ends_with(b"}"), "{body:?}");
        let event = |text: &str| {
            format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
                .into_bytes()
        };
        let mut pieces = vec![(30, event(""))];
        pieces.extend((0..5).map(|_| (20, event("word "))));
        pieces.push((0, b"data: [DONE]\n\n".to_vec()));
        Answer {
            pieces,
            resets: false,
        }
    });
    let keys = "model = \"m\"\nstream = true\nmessages = [{ role = \"user\", content = \"hi\" }]";
    let until = Until::Duration(Duration::from_millis(500));
    let (result, stage) = run_quietly(&plan2(&stub, "chat", keys, open("40/s"), until));
    assert_eq!((stage.ok, stage.connections), (20, 1), "{:?}", stage.errors);
    let metric = |name: &str| {
        stage.metrics[&LatencyMetric::of(name).unwrap()]
            .p50
            .unwrap()
    };
    assert!((49.0..70.0).contains(&metric("ttft")), "{}", metric("ttft"));
    assert!((18.0..30.0).contains(&metric("chunk_gap")));
    assert_eq!(stage.metrics[&LatencyMetric::ChunkGap].count, 20 * 4);
    let text = result.captured[0].reply.text.clone().unwrap();
    assert_eq!(text, "word ".repeat(5));
}

#[test]
fn a_server_that_says_goodbye_is_connected_to_again() {
    let manner = Manner {
        goodbye_after: Some(5),
        ..Manner::default()
    };
    let stub = Http2Stub::start(manner, None, |_, _| Answer::after(2, "x"));
    let users = Timing::Closed(Users::restless(1));
    let (_, stage) = run_quietly(&plan2(&stub, "http", "", users, Until::Requests(40)));
    // A request that the goodbye overtakes is reset; none is left waiting.
    let resets = stage.errors.get("reset").copied().unwrap_or(0);
    assert_eq!((stage.ok + resets, stage.in_flight_at_end), (40, 0));
    assert!(stage.ok >= 32, "{:?}", stage.errors);
    assert!(stage.connections >= 7, "{}", stage.connections);
}

#[test]
fn a_stream_that_breaks_or_is_late_takes_no_other_with_it() {
    let stub = Http2Stub::start(Manner::default(), None, |_, _| Answer {
        resets: true,
        ..Answer::after(5, "half")
    });
    let users = || Timing::Closed(Users::restless(2));
    let (_, stage) = run_quietly(&plan2(&stub, "http", "", users(), Until::Requests(10)));
    assert_eq!((stage.failed, stage.connections), (10, 1));
    assert_eq!(stage.errors["reset"], 10);

    let stub = Http2Stub::start(Manner::default(), None, |_, _| Answer::after(60_000, "x"));
    let (_, stage) = run_quietly(&plan2(&stub, "http", "", users(), Until::Requests(4)));
    assert_eq!((stage.errors["timeout"], stage.connections), (4, 1));
}

#[test]
fn bodies_larger_than_any_window_come_whole() {
    let stub = Http2Stub::start(Manner::default(), None, |_, body| {
        assert_eq!(body.len(), 1_000_000);
        Answer::after(0, vec![b'y'; 5_000_000])
    });
    let keys = format!("method = \"POST\"\nbody = \"{}\"", "x".repeat(1_000_000));
    let users = Timing::Closed(Users::restless(2));
    let mut plan = plan2(&stub, "http", &keys, users, Until::Requests(4));
    plan.stages[0].timeouts.total = Duration::from_secs(20);
    let (result, stage) = run_quietly(&plan);
    assert_eq!(stage.ok, 4, "{:?}", result.remarks);
    let lengths: Vec<usize> = result
        .captured
        .iter()
        .map(|it| it.reply.text.as_ref().unwrap().len())
        .collect();
    assert_eq!(lengths, [5_000_000; 4]);
}

#[test]
fn a_server_without_http2_is_told() {
    let address = serve(|_| vec![ok("x")]);
    let mut target = target("http", address, "");
    target.http_version = HttpVersion::Two;
    let users = Timing::Closed(Users::restless(1));
    let mut plan = plan(target, users, Until::Requests(2));
    let exchange = protocol::HttpRequest {
        method: "GET".to_owned(),
        url: format!("http://{address}/").parse().unwrap(),
        headers: vec![("Keep-Alive".to_owned(), "1".to_owned())],
        body: bytes::Bytes::new(),
        version: HttpVersion::Two,
        documents: None,
        may_repeat: true,
        is_traced: false,
    };
    let request = Prepared::new(&protocol::Request::Http(exchange), Connections::Pooled);
    Arc::get_mut(&mut plan.scenarios[0].cases).unwrap().requests = vec![request.unwrap()];
    let (result, stage) = run_quietly(&plan);
    assert_eq!(
        (stage.ok, stage.errors["connect"]),
        (0, 2),
        "{:?}",
        stage.errors
    );
    assert!(
        result.never_reached && stage.connections <= 3,
        "{}",
        stage.connections
    );
}

#[test]
fn a_session_that_is_over_leaves_no_connection_open() {
    let stub = Http2Stub::start(Manner::default(), None, |_, _| Answer::after(3, "x"));
    let mut plan = plan2(&stub, "http", "", open("100/s"), Until::Requests(20));
    plan.connections = Connections::PerSession;
    let cases = Arc::get_mut(&mut plan.scenarios[0].cases).unwrap();
    cases.requests = vec![cases.requests[0].clone(); 3];
    cases.scopes = vec![Scope::default(); 3];
    cases.sessions = Some(crate::load::Sessions {
        turns: vec![vec![0, 1, 2]],
        think_time: Duration::from_millis(5),
        run: 1,
    });
    let (_, stage) = run_quietly(&plan);
    assert_eq!(
        (stage.ok, stage.connections),
        (60, 20),
        "{:?}",
        stage.errors
    );
    // The server sees each of them closed, and none is left at the end.
    assert_eq!(stub.requests(), [3; 20]);
    assert!(stub.most_open() <= 8, "{}", stub.most_open());
}
