//! The support pages of Lumo, a made-up maker of smart lamps: what the demo deployment knows.

use serde::Deserialize;

/// One JSON object a line.
const CORPUS: &str = include_str!("../../templates/demo/corpus.jsonl");

/// The language of a passage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Lang {
    De,
    En,
    Es,
    Fr,
}

/// A short passage of a support page.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Passage {
    pub(super) id: String,
    pub(super) lang: Lang,
    /// The page it is from.
    pub(super) topic: String,
    pub(super) text: String,
}

/// Returns every passage, in the order of the file.
pub(super) fn passages() -> Vec<Passage> {
    CORPUS
        .lines()
        .map(|line| serde_json::from_str(line).expect("the built-in corpus is tested"))
        .collect()
}

/// Returns the version of the index: it changes when a passage does.
pub(super) fn index_version() -> String {
    let digest = blake3::hash(CORPUS.as_bytes()).to_hex();
    format!("lumo-{}", &digest[..8])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{index_version, passages};

    #[test]
    fn every_line_is_a_passage_with_an_id_of_its_own() {
        let all = passages();
        let ids: BTreeSet<_> = all.iter().map(|passage| passage.id.as_str()).collect();
        assert_eq!((all.len(), ids.len()), (83, 83));
        for passage in &all {
            let prefix = format!("{:?}-{}-", passage.lang, passage.topic).to_lowercase();
            assert!(passage.id.starts_with(&prefix), "{}", passage.id);
        }
    }

    #[test]
    fn index_version_is_short_and_stable() {
        assert_eq!(index_version(), index_version());
        assert_eq!(index_version().len(), "lumo-".len() + 8);
    }
}
