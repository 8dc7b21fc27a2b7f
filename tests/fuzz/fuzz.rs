//! One fuzzer for every target of `src/fuzzing`: `STAGEGATE_FUZZ` names which.
#![no_main]

use std::sync::LazyLock;

use stagegate::fuzzing::{Check, TARGETS};

static CHECK: LazyLock<Check> = LazyLock::new(|| {
    let name = std::env::var("STAGEGATE_FUZZ").expect("STAGEGATE_FUZZ names a target");
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.expect("a target of src/fuzzing").1
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| CHECK(bytes));
