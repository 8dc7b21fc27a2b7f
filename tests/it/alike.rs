//! A stage is called in one way: whoever calls it, the same answer means the same.

use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::Project;
use crate::support::stub::{Stub, ok, send};

/// A manifest with one stage, which `load`, `eval`, and `profile` call.
fn project(url: &str, stage: &str) -> Project {
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n[stage.api]\nurl = \"{url}\"\n{stage}\n\
         [load.l]\ntarget = [\"api\"]\narrivals = {{ concurrency = 1 }}\nrequests = 2\nhonour_retry_after = true\n\
         [eval.e]\nstage = \"api\"\ngolden = \"g.jsonl\"\n[[eval.e.assert]]\nkind = \"contains\"\nvalue = \"4\"\n"
    ));
    project.write("g.jsonl", "{\"id\": \"q1\", \"input\": \"hi\"}\n");
    project
}

/// Returns how long the stub was left alone between the first two requests of a command.
fn wait_of(head: &str, command: &str) -> Duration {
    let refused = format!("HTTP/1.1 503 Busy\r\n{head}\r\ncontent-length: 0\r\n\r\n");
    let asked = AtomicUsize::new(0);
    let stub = Stub::start(move |_| {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        vec![if first {
            send(refused.clone())
        } else {
            ok("42")
        }]
    });
    let project = project(&format!("http://{}/", stub.address), "kind = \"http\"");
    project.run(&[command, "--format", "json"]);
    let requests = stub.requests();
    assert_eq!(requests.len(), 2, "{command}: {head}");
    requests[1].at - requests[0].at
}

#[test]
fn a_stage_is_left_alone_as_long_as_it_asks_by_load_and_eval_alike() {
    let date = "date: Wed, 21 Oct 2015 07:28:00 GMT\r\nretry-after:";
    for (head, millis) in [
        ("retry-after: 1".to_owned(), 1000),
        ("Retry-After: 0.3".to_owned(), 300),
        (format!("{date} Wed, 21 Oct 2015 07:28:01 GMT"), 1000),
        (format!("{date} Wednesday, 21-Oct-15 07:28:01 GMT"), 1000),
        (format!("{date} Wed Oct 21 07:28:01 2015"), 1000),
    ] {
        for command in ["load", "eval"] {
            let (wait, asked) = (wait_of(&head, command), Duration::from_millis(millis));
            // An eval adds up to a quarter, so that its cases do not all come back at once.
            let most = asked * 5 / 4 + Duration::from_millis(400);
            assert!(wait >= asked && wait < most, "{command}, {head}: {wait:?}");
        }
    }
}

#[test]
fn a_wait_above_the_timeout_is_a_failure_that_names_it() {
    let refused = "HTTP/1.1 529 Overloaded\r\nretry-after: 120\r\ncontent-length: 4\r\n\r\nfull";
    let stub = Stub::start(move |_| vec![send(refused)]);
    let url = format!("http://{}/", stub.address);
    let project = project(&url, "kind = \"http\"\ntimeout = \"600ms\"");
    let said = "answered 529: full; it asks for a wait of 2m, longer than its timeout of 600ms";
    for command in [&["load"][..], &["eval"], &["check", "--probe"]] {
        let before = stub.requests().len();
        let output = project.run(command).expect(1);
        let shown = format!("{}{}", output.stdout, output.stderr).replace('\n', " ");
        let shown: Vec<&str> = shown.split_whitespace().collect();
        assert!(shown.join(" ").contains(said), "{command:?}: {output}");
        // An eval does not ask again; the user of a load comes back after the timeout.
        let asked = stub.requests().len() - before;
        assert_eq!(asked, if command == ["load"] { 2 } else { 1 });
    }
}

#[test]
fn every_address_of_a_name_is_tried_by_all() {
    // A server on ::1 only, on a port at which nothing is on 127.0.0.1.
    let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
        return; // A machine without IPv6.
    };
    let port = listener.local_addr().unwrap().port();
    if !resolves_to_both() || TcpListener::bind(("127.0.0.1", port)).is_err() {
        return;
    }
    let stub = Stub::on(listener, |_| vec![ok("42")]);
    for connections in ["pooled", "per_request"] {
        let stage = "kind = \"http\"\nmethod = \"POST\"\nbody = \"x\"";
        let project = project(&format!("http://localhost:{port}/"), stage);
        let set = format!("load.l.connections=\"{connections}\"");
        for command in [
            &["check", "--probe"][..],
            &["eval"],
            &["load", "--set", &set],
        ] {
            project.measure(command).expect(0);
        }
    }
    assert_eq!(stub.requests().len(), 2 * (1 + 1 + 2));
}

fn resolves_to_both() -> bool {
    use std::net::ToSocketAddrs as _;
    let found = ("localhost", 80).to_socket_addrs();
    let found: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
    found.iter().any(SocketAddr::is_ipv4) && found.iter().any(SocketAddr::is_ipv6)
}
