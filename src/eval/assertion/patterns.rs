//! What the regular expressions of a manifest may take together: each is small, and a manifest may
//! have very many.

use std::cell::Cell;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use crate::intake::PATTERNS;

/// What one may take, in bytes: it is tried with the least first, as the engine does not say.
const SIZES: [usize; 5] = [64 << 10, 256 << 10, 1 << 20, 4 << 20, 10 << 20];

thread_local! {
    /// How much may still be taken, in bytes; `None` where nobody counts.
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Counts what is compiled in between.
pub(crate) fn counted<T>(work: impl FnOnce() -> T) -> T {
    LEFT.set(Some(PATTERNS.most()));
    let done = work();
    LEFT.set(None);
    done
}

fn spend(bytes: usize) -> Result<(), String> {
    let Some(left) = LEFT.get() else {
        return Ok(());
    };
    let left = left.checked_sub(bytes as u64);
    // What was too much stays too much: nothing more is compiled.
    LEFT.set(Some(left.unwrap_or(0)));
    let said = || format!("the regular expressions of all assertions take more than {PATTERNS}");
    left.map(drop).ok_or_else(said)
}

/// Compiles a pattern.
pub(super) fn compile(pattern: &str, ignore_case: bool) -> Result<Regex, String> {
    let mut said = String::new();
    for size in SIZES {
        if LEFT.get() == Some(0) {
            spend(1)?;
        }
        let mut builder = RegexBuilder::new(pattern);
        let builder = builder.case_insensitive(ignore_case).size_limit(size);
        match builder.build() {
            Ok(regex) => return spend(size).map(|()| regex),
            Err(error) => {
                let text = error.to_string();
                let reason = text
                    .lines()
                    .fold(None, |_, said| Some(said))
                    .unwrap_or_default();
                reason.trim_start_matches("error: ").clone_into(&mut said);
                if !matches!(error, regex::Error::CompiledTooBig(_)) {
                    return Err(said);
                }
            }
        }
    }
    // To find that out has taken as much.
    drop(spend(SIZES[SIZES.len() - 1]));
    Err(said)
}

/// Counts the patterns in a JSON Schema.
pub(super) fn count(schema: &Value) -> Result<(), String> {
    match schema {
        Value::Array(items) => items.iter().try_for_each(count),
        Value::Object(keys) => keys.iter().try_for_each(|(key, inside)| {
            let patterns = match (key.as_str(), inside) {
                ("pattern", Value::String(_)) => 1,
                ("patternProperties", Value::Object(by_pattern)) => by_pattern.len(),
                _ => 0,
            };
            spend(patterns * SIZES[0])?;
            count(inside)
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// security 20
    #[test]
    fn very_many_patterns_are_refused_and_usual_ones_are_not() {
        let begun = std::time::Instant::now();
        let said = "the regular expressions of all assertions take more than 256 MiB";
        // Each is too large by itself, which takes as long to find out.
        let large = |at: usize| format!("(\\w{{1,60}}){{1,20}}{at}");
        let last = counted(|| {
            (0..900)
                .filter_map(|at| compile(&large(at), false).err())
                .fold(None, |_, said| Some(said))
        });
        assert_eq!(last.as_deref(), Some(said));
        let all: serde_json::Map<String, Value> = (0..9000)
            .map(|at| (format!("^a{at}"), json!(true)))
            .collect();
        let schema = json!({"properties": {"a": {"patternProperties": all}}});
        assert_eq!(counted(|| count(&schema)).unwrap_err(), said);
        assert_eq!(count(&schema), Ok(()));
        let usual = counted(|| (0..1000).find_map(|at| compile(&format!("^a+b{at}$"), true).err()));
        assert_eq!(usual, None);
        assert!(begun.elapsed().as_secs() < 120);
        let error = compile("\\w{1,10000}", false).unwrap_err();
        assert!(error.contains("exceeds size limit of 10485760"), "{error}");
    }
}
