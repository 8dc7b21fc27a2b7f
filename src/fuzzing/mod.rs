//! What must hold for any bytes that a stranger may have written: nothing panics, and what is read
//! means the same however it came. Called by the fuzzers under `tests/fuzz`, and by tests.

mod answers;
mod pieces;
mod stored;
mod written;

/// What is held against an input.
pub type Check = fn(&[u8]);

/// Every target, with the folder of its seeds. To add one: a function, a line here, and
/// `tests/fuzz/seeds/NAME`.
pub const TARGETS: [(&str, Check); 14] = [
    ("sse", answers::sse),
    ("http1", answers::http1),
    ("http2", answers::http2),
    ("chat", answers::chat),
    ("run", stored::run),
    ("histogram", stored::histogram),
    ("journal", stored::journal),
    ("golden", stored::golden),
    ("template", written::template),
    ("redact", written::redact),
    ("jsonpath", written::jsonpath),
    ("manifest", written::manifest),
    ("set", written::set),
    ("names", written::names),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    fn seeds() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds")
    }

    /// Longer seeds are cut at so many places only.
    const CUTS: usize = 300;

    /// Every seed of the fuzzers, cut off at every place, and cut in two there.
    #[test]
    fn the_seeds_of_the_fuzzers_hold() {
        for (name, check) in TARGETS {
            let mut count = 0;
            for seed in std::fs::read_dir(seeds().join(name)).unwrap() {
                let bytes = std::fs::read(seed.unwrap().path()).unwrap();
                for length in (0..=bytes.len()).step_by(bytes.len().div_ceil(CUTS).max(1)) {
                    check(&bytes[..length]);
                    let cut = u8::try_from(length % 256).unwrap();
                    check(&[&[1, cut], &bytes[bytes.len().min(1)..]].concat());
                }
                check(&bytes);
                count += 1;
            }
            assert!(count > 0, "no seeds of {name}");
        }
    }

    #[test]
    fn every_folder_of_seeds_has_its_target() {
        let folders = std::fs::read_dir(seeds()).unwrap();
        let folders = folders.map(|it| it.unwrap().file_name().into_string().unwrap());
        let names = TARGETS.iter().map(|(name, _)| (*name).to_owned());
        assert_eq!(folders.collect::<BTreeSet<_>>(), names.collect());
    }

    proptest! {
        #[test]
        fn random_bytes_hold(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for (_, check) in TARGETS {
                check(&bytes);
            }
        }

        /// Most random bytes are no text.
        #[test]
        fn random_texts_hold(text in r#"[ -~\n]{0,80}|[\[\]{}".,:=$*?@a-c0-9 \n-]{0,60}"#) {
            for (_, check) in TARGETS {
                check(text.as_bytes());
            }
        }
    }
}
