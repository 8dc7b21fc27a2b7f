//! Loads over TLS, end to end, with a certificate that the machine was told to trust.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use serde_json::{Value, json};
use stagegate_kit::tls::certificate;

use crate::cmd_demo::turn;
use crate::support::Project;
use crate::support::http2::{Answer, Http2Stub, Manner};
use crate::support::stub::{Stub, ok};

/// Serves HTTP/1.1 over TLS, one request after another on each connection.
fn serve_http1(config: Arc<ServerConfig>) -> SocketAddr {
    Stub::over_tls(config, |_| vec![ok("ok")]).address
}

fn project(address: SocketAddr, pem: &str, version: &str) -> Project {
    let project = Project::with_manifest(&format!(
        "version = 1\n[deployment]\nname = \"d\"\n[stage.api]\nkind = \"http\"\nurl = \"https://localhost:{}/x\"\n{version}\n\
         [load.peak]\ntarget = \"api\"\narrivals = {{ rate = \"100/s\" }}\nrequests = 30\n",
        address.port()
    ));
    project.write("ca.pem", pem);
    project
}

fn trusting(project: &Project) -> [(&'static str, String); 1] {
    let path = project.path("ca.pem");
    [("SSL_CERT_FILE", path.to_str().unwrap().to_owned())]
}

fn run(project: &Project, arguments: &[&str], code: i32) -> crate::support::Output {
    let trust = trusting(project);
    let trust: Vec<(&str, &str)> = trust.iter().map(|(k, v)| (*k, v.as_str())).collect();
    project.run_with(arguments, &trust).expect(code)
}

fn stage(project: &Project) -> Value {
    run(project, &["load", "--format", "json"], 0).json()["stages"]["api"].clone()
}

#[test]
fn handshakes_are_measured_apart_and_in_the_whole() {
    let _turn = turn();
    let (pem, config) = certificate(&[]);
    let project = project(serve_http1(config), &pem, "");
    let stage = stage(&project);
    assert_eq!(stage["ok"], 30, "{stage}");
    let (opened, tls) = (&stage["connections"], &stage["metrics"]["tls_time"]);
    assert_eq!(&tls["count"], opened);
    let longest = stage["metrics"]["response_time"]["max"].as_f64().unwrap();
    assert!(tls["max"].as_f64().unwrap() <= longest, "{stage}");
}

#[test]
fn http2_is_agreed_on_in_the_handshake() {
    let _turn = turn();
    let (pem, config) = certificate(&[b"h2"]);
    let stub = Http2Stub::start(Manner::default(), Some(config), |path, _| {
        Answer::after(5, json!({"path": path}).to_string())
    });
    let project = project(stub.address, &pem, "http_version = \"2\"");
    let shown = run(&project, &["check", "--probe"], 0).stdout;
    assert!(shown.contains("/x"), "{shown}");
    let before = stub.requests().len();
    let stage = stage(&project);
    assert_eq!(
        (&stage["ok"], &stage["connections"]),
        (&json!(30), &json!(1))
    );
    assert_eq!(stage["metrics"]["tls_time"]["count"], 1);
    assert_eq!(stub.requests()[before..], [30]);
    assert_eq!(stub.most_open(), 1);
    assert!(stub.asked().iter().all(|(path, _)| path == "/x"));
}

#[test]
fn a_server_that_does_not_speak_http2_is_told() {
    let (pem, config) = certificate(&[b"http/1.1"]);
    let project = project(serve_http1(config), &pem, "http_version = \"2\"");
    let output = run(&project, &["load"], 3);
    assert!(output.stderr.to_lowercase().contains("tls"), "{output}");
    project.write(
        "stagegate.toml",
        "version = 1\n[deployment]\nname = \"d\"\n[stage.api]\nkind = \"http\"\nurl = \"http://h/\"\nhttp_version = \"3\"\n",
    );
    let shown = project.run(&["check"]).expect(2).stderr;
    assert!(
        shown.contains("`http_version` of stage `api` cannot be `3`"),
        "{shown}"
    );
}
