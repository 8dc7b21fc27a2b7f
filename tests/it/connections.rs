//! Connections that the server has closed (field 19): noticed before they are written to, and what
//! was on its way is sent once more
//! where that cannot act twice. Counted at the server: an agent must not act twice.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::http2::{Answer, Http2Stub, Manner};
use crate::support::stub::{Request, Step, Stub, ok, wait};
use crate::support::{Output, Project};

fn project(address: SocketAddr, stage: &str, load: &str) -> Project {
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n[stage.api]\nkind = \"http\"\nurl = \"http://{address}/\"\n{stage}\n\
         [load.l]\ntarget = [\"api\"]\n{load}\n\
         [eval.e]\nstage = \"api\"\ngolden = \"g.jsonl\"\nconcurrency = 1\n[[eval.e.assert]]\nkind = \"contains\"\nvalue = \"4\"\n"
    ));
    let cases = (0..8).map(|number| format!("{{\"id\": \"q{number}\", \"input\": \"hi\"}}\n"));
    project.write("g.jsonl", cases.collect::<String>());
    project
}

/// One after the other, with so much time between them.
fn one_user(requests: u32, think_time: &str) -> String {
    format!(
        "arrivals = {{ concurrency = 1, think_time = \"{think_time}\" }}\nrequests = {requests}"
    )
}

fn counts(output: &Output) -> (u64, u64, u64) {
    let stage = &output.json()["stages"]["api"];
    let count = |key: &str| stage[key].as_u64().unwrap_or(0);
    (count("ok"), count("failed"), count("resent"))
}

/// Answers with a length, and closes without a word.
fn answers_and_closes() -> Stub {
    Stub::start(|_| vec![ok("42"), Step::Close])
}

#[test]
fn a_connection_that_was_closed_behind_an_answer_is_not_written_to() {
    for method in ["POST", "GET"] {
        let stub = answers_and_closes();
        let stage = format!("method = \"{method}\"");
        let project = project(stub.address, &stage, &one_user(20, "5ms"));
        let load = project.run(&["load", "--format", "json"]);
        assert_eq!(counts(&load), (20, 0, 0), "{load}");
        assert_eq!(stub.requests().len(), 20);
        let eval = project.run(&["eval", "--format", "json"]).expect(0).json();
        assert_eq!(eval["eval"]["errors"], 0);
        assert_eq!(stub.requests().len(), 28);
    }
}

#[test]
fn a_server_that_closes_idle_connections_fails_nothing() {
    // Each connection is closed 200 ms after its last answer, at which the next request is due,
    // more or less.
    for think_time in ["199ms", "200ms", "201ms", "250ms"] {
        let stub = Stub::start(|_| vec![ok("42"), wait(200), Step::Close]);
        let project = project(stub.address, "method = \"PUT\"", &one_user(6, think_time));
        let load = project.run(&["load", "--format", "json"]);
        let (ok, failed, _) = counts(&load);
        assert_eq!((ok, failed), (6, 0), "{think_time}: {load}");
    }
}

/// A server that reads a request on a used connection and closes it without an answer; new
/// connections are answered once.
/// Returns its address and how often it has read a request.
fn drops_the_second() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let read: Arc<AtomicUsize> = Arc::default();
    let count = Arc::clone(&read);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            std::thread::spawn(move || drop(twice(&stream, &count)));
        }
    });
    (address, read)
}

fn twice(mut stream: &TcpStream, read: &AtomicUsize) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    for number in 0..2 {
        if stream.read(&mut buffer)? == 0 {
            return Ok(());
        }
        read.fetch_add(1, Ordering::Relaxed);
        if number == 0 {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n42")?;
        }
    }
    Ok(())
}

#[test]
fn what_may_be_asked_twice_is_sent_once_more_and_counted() {
    for stage in [
        "method = \"GET\"",
        "method = \"PUT\"",
        "method = \"DELETE\"",
        "method = \"POST\"\nretry_stale = true",
    ] {
        let (address, read) = drops_the_second();
        let project = project(address, stage, &one_user(5, "2ms"));
        let load = project.run(&["load", "--format", "json"]);
        // Every request but the first is read on a used connection first, and answered on a new
        // one.
        assert_eq!(counts(&load), (5, 0, 4), "{stage}: {load}");
        assert_eq!(read.load(Ordering::Relaxed), 9, "{stage}");
        let shown = project.run(&["load"]);
        let line = "api: 4 requests sent a second time, on a new connection";
        assert!(shown.stdout.contains(line), "{shown}");
    }
}

#[test]
fn what_may_have_acted_is_not_sent_again_in_load_and_eval() {
    let (address, read) = drops_the_second();
    let project = project(address, "method = \"POST\"", &one_user(6, "2ms"));
    let load = project.run(&["load", "--format", "json"]);
    assert_eq!(counts(&load), (3, 3, 0), "{load}");
    assert_eq!(load.json()["stages"]["api"]["errors"]["reset"], 3);
    assert_eq!(read.swap(0, Ordering::Relaxed), 6);
    let eval = project.run(&["eval", "--format", "json"]).json();
    // Each on a connection to itself: none is lost, and none is sent twice.
    assert_eq!(
        (&eval["eval"]["errors"], &eval["eval"]["retries"]),
        (&0.into(), &0.into())
    );
    assert_eq!(read.load(Ordering::Relaxed), 8);
}

#[test]
fn an_eval_sends_again_what_may_be_asked_twice() {
    for stage in ["method = \"GET\"", "method = \"POST\"\nretry_stale = true"] {
        let (address, read) = drops_the_second();
        let project = project(address, stage, &one_user(1, "0s"));
        let eval = project.run(&["eval", "--format", "json"]).expect(0).json();
        assert_eq!(eval["eval"]["errors"], 0, "{stage}");
        let (read, retries) = (
            read.load(Ordering::Relaxed),
            eval["eval"]["retries"].as_u64(),
        );
        assert_eq!(Some(read as u64), retries.map(|it| it + 8), "{stage}");
        assert!(retries > Some(0), "{stage}");
    }
}

/// Once: what is on a connection that has carried nothing yet was not lost by its being old.
#[test]
fn a_new_connection_that_ends_without_an_answer_is_the_stages_failure() {
    let stub = Stub::start(|_: &Request| vec![Step::Close]);
    let project = project(stub.address, "", &one_user(4, "1ms"));
    let load = project.run(&["load", "--format", "json"]);
    assert_eq!(counts(&load), (0, 4, 0), "{load}");
    assert_eq!(stub.requests().len(), 4);
}

#[test]
fn a_begun_answer_that_is_cut_is_not_asked_for_again() {
    let asked = Mutex::new(0);
    let stub = Stub::start(move |_| {
        let mut asked = asked.lock().unwrap();
        *asked += 1;
        match *asked {
            1 => vec![ok("42")],
            _ => vec![
                Step::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n4".to_vec()),
                Step::Close,
            ],
        }
    });
    let project = project(stub.address, "", &one_user(2, "1ms"));
    let load = project.run(&["load", "--format", "json"]);
    assert_eq!(counts(&load), (1, 1, 0), "{load}");
    assert_eq!(stub.requests().len(), 2);
}

#[test]
fn a_server_of_http2_that_goes_away_acts_once() {
    let manner = Manner {
        goodbye_after: Some(3),
        ..Manner::default()
    };
    let stub = Http2Stub::start(manner, None, |_, _| Answer::after(2, "42"));
    let stage = "http_version = \"2\"\nmethod = \"POST\"\nbody = \"x\"";
    let load = "arrivals = { concurrency = 4 }\nrequests = 40";
    let project = project(stub.address, stage, load);
    let load = project.run(&["load", "--format", "json"]);
    let (ok, failed, _) = counts(&load);
    assert_eq!((ok, failed), (40, 0), "{load}");
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(stub.asked().len(), 40, "{load}");
    // What a suite's client loses as the server goes away may have acted: it fails, and is not sent
    // again.
    let eval = project.run(&["eval", "--format", "json"]).json();
    assert_eq!(eval["eval"]["retries"], 0);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(stub.asked().len(), 48, "{:?} {eval}", stub.requests());
}

/// field 4: an answer that says that it failed is a failure, over HTTP/2 as over HTTP/1.1.
#[test]
fn an_answer_over_http2_says_that_it_failed() {
    let stub = Http2Stub::start(Manner::default(), None, |_, _| {
        Answer::after(
            1,
            "{\"error\": {\"message\": \"no such index\"}, \"a\": \"4\"}",
        )
    });
    for error in ["\"$.error\"", "{ header = \"content-type\" }"] {
        let stage = format!("http_version = \"2\"\noutput = {{ error = {error}, text = \"$.a\" }}");
        let project = project(stub.address, &stage, &one_user(4, "0s"));
        let load = project.measure(&["load", "--format", "json"]).expect(1);
        let errors = &load.json()["stages"]["api"]["errors"];
        assert_eq!(errors["answer error"], 4, "{load}");
        let eval = project.run(&["eval", "--format", "json"]).expect(1);
        assert_eq!(eval.json()["eval"]["errors"], 8, "{eval}");
        project.run(&["check", "--probe"]).expect(1);
    }
    // What is not said is not one.
    let stage = "http_version = \"2\"\noutput = { error = \"$.fault\", text = \"$.a\" }";
    let project = project(stub.address, stage, &one_user(4, "0s"));
    project.run(&["eval"]).expect(0);
}

/// security 25: what a suite has opened is closed before its run is stored, so that it is stored
/// where there was no room for more.
#[cfg(unix)]
#[test]
fn a_suite_that_took_every_descriptor_is_stored() {
    let stub = Stub::start(|_| vec![wait(50), ok("42")]);
    let project = project(stub.address, "method = \"GET\"", &one_user(1, "1ms"));
    let cases = (0..200).map(|number| format!("{{\"id\": \"q{number}\", \"input\": \"hi\"}}\n"));
    project.write("g.jsonl", cases.collect::<String>());
    for limit in [48, 64] {
        let shell = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", &shell])
            .arg(env!("CARGO_BIN_EXE_stagegate"));
        command.args(["eval", "--set", "eval.e.concurrency=64", "--format", "json"]);
        let output = command.current_dir(project.path("."));
        let output = project.output(output.output().unwrap());
        // This machine could not ask: that is no word about the stage.
        assert_eq!(output.code, Some(4), "{output}");
        let run = output.json();
        assert!(run["eval"]["errors"].as_u64().unwrap() > 100, "{output}");
        let stored = project.path(&format!(
            ".stagegate/runs/{}/run.json",
            run["id"].as_str().unwrap()
        ));
        assert!(stored.is_file(), "{output}");
    }
}
