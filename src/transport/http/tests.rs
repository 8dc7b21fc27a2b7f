//! Each way a call can end, against a server that behaves as scripted.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::*;
use crate::stage::{MAX_ANSWER, testing};

/// Serves one connection with `script`, after the request head has come.
fn server(script: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        let mut head = Vec::new();
        while !head.windows(4).any(|window| window == b"\r\n\r\n") {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(read) => head.extend_from_slice(&buffer[..read]),
            }
        }
        script(stream);
    });
    address
}

fn answer(text: &'static str) -> SocketAddr {
    server(move |mut stream| stream.write_all(text.as_bytes()).unwrap())
}

fn get(url: &str) -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        url: url.parse().unwrap(),
        headers: Vec::new(),
        body: bytes::Bytes::new(),
        version: crate::manifest::HttpVersion::One,
        documents: None,
        may_repeat: true,
        is_traced: false,
    }
}

fn limits(total: u64) -> Timeouts {
    Timeouts {
        connect: None,
        first_token: None,
        idle: None,
        total: Duration::from_millis(total),
    }
}

fn call_with(
    request: HttpRequest,
    timeouts: Timeouts,
    max_answer: u64,
) -> Result<Called, CallFailure> {
    let stage = Stage {
        timeouts,
        max_answer,
        ..testing::http("")
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let client = Client::default();
    runtime.block_on(client.call(&stage, Request::Http(request)))
}

fn fetch(address: SocketAddr) -> Result<Called, CallFailure> {
    call_with(
        get(&format!("http://{address}/path?key=hidden")),
        limits(5000),
        MAX_ANSWER,
    )
}

/// The failure and its detail, with the port taken out.
fn failed(address: SocketAddr, result: Result<Called, CallFailure>) -> (Failure, String) {
    let failure = result.unwrap_err();
    let port = format!(":{}", address.port());
    (failure.failure, failure.detail.replace(&port, ""))
}

#[test]
fn an_answer_comes_with_its_times() {
    let address = server(|mut stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab")
            .unwrap();
        thread::sleep(Duration::from_millis(60));
        stream.write_all(b"cd").unwrap();
    });
    let called = fetch(address).unwrap();
    assert_eq!(called.reply.text.as_deref(), Some("abcd"));
    assert_eq!(called.status, Some(200));
    assert!(called.response_time >= Duration::from_millis(60));
}

#[test]
fn a_refused_connection_never_reached_the_stage() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (failure, detail) = failed(address, fetch(address));
    assert_eq!(failure, Failure::Connect);
    assert!(
        detail.starts_with("cannot connect to http://127.0.0.1: "),
        "{detail}"
    );
}

#[test]
fn a_name_that_cannot_exist_is_a_failure_to_resolve() {
    let url = format!("http://{}.invalid/", "a".repeat(70));
    let failure = call_with(get(&url), limits(5000), MAX_ANSWER).unwrap_err();
    assert_eq!(failure.failure, Failure::Resolve, "{}", failure.detail);
    assert!(!failure.failure.reached());
}

#[test]
fn a_server_without_tls_fails_the_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut hello = [0; 64];
        let _read = stream.read(&mut hello).unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
    });
    let result = call_with(
        get(&format!("https://{address}/")),
        limits(5000),
        MAX_ANSWER,
    );
    let (failure, detail) = failed(address, result);
    assert_eq!(failure, Failure::Tls, "{detail}");
    assert!(
        detail.starts_with("the TLS handshake with https://127.0.0.1 failed: "),
        "{detail}"
    );
}

#[test]
fn a_status_is_shown_with_an_excerpt_and_without_the_query() {
    let address = answer(
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\ncontent-length: 12\r\n\r\nslow\n  down!\n",
    );
    let failure = fetch(address).unwrap_err();
    assert_eq!(failure.retry_after, Some(Duration::from_secs(3)));
    assert_eq!(
        failed(address, Err(failure)),
        (
            Failure::Status(429),
            "http://127.0.0.1 answered 429 Too Many Requests: slow down!".to_owned()
        )
    );
}

#[test]
fn redirects_are_not_followed() {
    let address = answer("HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(
        failed(address, fetch(address)),
        (
            Failure::Status(302),
            "http://127.0.0.1 answered 302 Found".to_owned()
        )
    );
}

#[test]
fn a_cut_answer_is_a_reset() {
    let cut = "http://127.0.0.1 closed the connection before its answer was complete";
    for text in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
    ] {
        let address = answer(text);
        assert_eq!(
            failed(address, fetch(address)),
            (Failure::Reset, cut.to_owned()),
            "{text:?}"
        );
    }
}

#[test]
fn what_is_not_http_cannot_be_decoded() {
    for text in [
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
    ] {
        let address = answer(text);
        let (failure, detail) = failed(address, fetch(address));
        assert_eq!(failure, Failure::Decode, "{text:?}: {detail}");
    }
}

#[test]
fn an_answer_past_the_limit_is_given_up() {
    let announced = answer("HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n");
    let endless = server(|mut stream| {
        let _head = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'a'; 100]).is_ok() {}
    });
    for address in [announced, endless] {
        let result = call_with(get(&format!("http://{address}/")), limits(5000), 1000);
        assert_eq!(
            failed(address, result),
            (
                Failure::TooLarge,
                "http://127.0.0.1 sent more than 1000 bytes".to_owned()
            )
        );
    }
}

/// Sends `first`, then nothing until the client has gone.
fn stalls(first: &'static str) -> SocketAddr {
    server(move |mut stream| {
        stream.write_all(first.as_bytes()).unwrap();
        let _gone = stream.read(&mut [0; 1]);
    })
}

#[test]
fn every_timeout_is_named() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";
    let began = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab";
    let first_token = Timeouts {
        first_token: Some(Duration::from_millis(50)),
        ..limits(5000)
    };
    let idle = Timeouts {
        idle: Some(Duration::from_millis(50)),
        ..limits(5000)
    };
    for (first, timeouts, text) in [
        ("", limits(80), "did not finish its answer within 80ms"),
        (began, limits(80), "did not finish its answer within 80ms"),
        ("", first_token, "sent no content within 50ms"),
        (head, first_token, "sent no content within 50ms"),
        (began, idle, "sent nothing more for 50ms"),
    ] {
        let address = stalls(first);
        let result = call_with(get(&format!("http://{address}/")), timeouts, MAX_ANSWER);
        assert_eq!(
            failed(address, result),
            (Failure::Timeout, format!("http://127.0.0.1 {text}"))
        );
    }
}

#[test]
fn what_the_reader_refuses_is_its_failure() {
    let address = server(|mut stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\xfe")
            .unwrap();
    });
    let (failure, detail) = failed(address, fetch(address));
    assert_eq!(failure, Failure::Decode);
    assert!(detail.starts_with("the answer is not UTF-8"), "{detail}");
}
