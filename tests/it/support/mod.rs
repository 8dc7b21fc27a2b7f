//! What the tests here share beside `tests/kit`: the small deployment of most of them, and who
//! imports whom.

pub(crate) mod imports;
pub(crate) mod suite;

pub(crate) use stagegate_kit::{Output, Project, http2, stub};

/// Returns a stage's token counts and their source, which are exact, without what depends on time.
pub(crate) fn tokens(stage: &serde_json::Value) -> serde_json::Value {
    let of = |key: &str| stage["tokens"][key].clone();
    serde_json::json!({"input": of("input"), "output": of("output"), "source": of("source")})
}
