//! Globs that others wrote, compiled.

use std::fmt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::limit::GLOB;

/// Why a text is no glob that files can be found by.
#[derive(Debug)]
pub(crate) enum GlobError {
    /// It could take for ever to compile.
    Long,
    Wrong(globset::Error),
}

impl fmt::Display for GlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Long => write!(f, "it is longer than {GLOB}"),
            Self::Wrong(error) => write!(f, "it is not a glob: {error}"),
        }
    }
}

impl std::error::Error for GlobError {}

/// Compiles a glob in which `*` stops at `/`.
pub(crate) fn glob(text: &str) -> Result<GlobSet, GlobError> {
    if GLOB.is_passed_by(text.len() as u64) {
        return Err(GlobError::Long);
    }
    let glob = GlobBuilder::new(text).literal_separator(true).build();
    // `Glob::compile_matcher` would panic where the regular expression that it becomes nests too
    // deeply; of a set it is an error.
    let set = glob.and_then(|glob| GlobSetBuilder::new().add(glob).build());
    set.map_err(GlobError::Wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    // security 20, 22
    #[test]
    fn a_glob_is_compiled_or_an_error() {
        for right in [
            "prompts/**",
            "../common/*.txt",
            "a{b,c}",
            "[ab]",
            "plain.txt",
            "",
        ] {
            assert!(glob(right).is_ok(), "{right}");
        }
        for wrong in ["a{b", "[a", "a}b", &"{a,".repeat(300)] {
            let said = glob(wrong).unwrap_err().to_string();
            assert!(said.starts_with("it is not a glob"), "{said}");
        }
        let long = glob(&"a".repeat(1 << 20)).unwrap_err().to_string();
        assert!(long.starts_with("it is longer than"), "{long}");
    }
}
