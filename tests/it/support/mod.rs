//! What every test needs: a project in a temporary folder, the binary's output, a scripted server.

pub(crate) mod http2;
pub(crate) mod imports;
pub(crate) mod project;
pub(crate) mod stub;
pub(crate) mod suite;

pub(crate) use project::{Output, Project};

/// Returns a stage's token counts and their source, which are exact, without what depends on time.
pub(crate) fn tokens(stage: &serde_json::Value) -> serde_json::Value {
    let of = |key: &str| stage["tokens"][key].clone();
    serde_json::json!({"input": of("input"), "output": of("output"), "source": of("source")})
}
