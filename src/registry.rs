//! Named things that the manifest or the command line may ask for: stage kinds, assertions, report
//! formats.

use std::collections::BTreeSet;

use clap::builder::{PossibleValue, PossibleValuesParser};

/// Something the manifest names with `kind = "…"` or the command line with a value.
pub(crate) trait Entry: Sync {
    /// Returns the name as the contract spells it, stable for ever.
    fn name(&self) -> &'static str;
    /// Returns one line without a full stop, for docs and `--help`.
    fn summary(&self) -> &'static str;
}

/// An ordered, fixed list of entries of one family.
pub(crate) struct Registry<T: ?Sized + 'static> {
    family: &'static str,
    entries: &'static [&'static T],
}

impl<T: Entry + ?Sized> Registry<T> {
    /// Makes a registry; `family` is the word used in messages ("stage kind", "assertion").
    pub(crate) const fn new(family: &'static str, entries: &'static [&'static T]) -> Self {
        Self { family, entries }
    }

    /// Returns the family's name for messages.
    pub(crate) const fn family(&self) -> &'static str {
        self.family
    }

    /// Returns the entry of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&'static T> {
        self.entries
            .iter()
            .copied()
            .find(|entry| entry.name() == name)
    }

    /// Returns every entry, in the order of registration.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static T> + '_ {
        self.entries.iter().copied()
    }

    /// Returns a parser for the command line that takes the names and shows the summaries in
    /// `--help`.
    pub(crate) fn value_parser(&self) -> PossibleValuesParser {
        let value = |entry: &'static T| PossibleValue::new(entry.name()).help(entry.summary());
        PossibleValuesParser::new(self.iter().map(value))
    }

    /// Returns every name, in the order of registration.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.iter().map(Entry::name).collect()
    }
}

/// Returns the candidate nearest to what was written, when near enough to be a slip of the hand.
///
/// Distance: Damerau-Levenshtein, at most a third of the length and at most three edits, and
/// something must be left of the word.
pub(crate) fn did_you_mean<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = written.chars().count();
    let limit = (length.max(3) / 3).min(3);
    let mut compared = 0;
    let mut distance = |candidate: &str| {
        if candidate == written {
            return Some(0);
        }
        let other = candidate.chars().count();
        // A look at the lengths first: to compare letter by letter takes their product.
        if other.abs_diff(length) > limit || length > LONGEST_SLIP || compared >= MOST_COMPARED {
            return None;
        }
        compared += 1;
        let distance = strsim::damerau_levenshtein(written, candidate);
        (distance <= limit && distance < length.max(other)).then_some(distance)
    };
    candidates
        .into_iter()
        .filter_map(|candidate| Some((distance(candidate)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Longer words are compared as a whole only.
const LONGEST_SLIP: usize = 100;

/// So many words are compared letter by letter with one that is not known.
const MOST_COMPARED: usize = 100;

/// So many known words are named.
const NAMED: usize = 20;

/// Makes the help for a word that is not known.
pub(crate) fn suggest(written: &str, known: &[&str]) -> Option<String> {
    if let Some(near) = did_you_mean(written, known.iter().copied()) {
        return Some(format!("Did you mean `{near}`?"));
    }
    let sorted: BTreeSet<&str> = known.iter().copied().collect();
    let known: Vec<String> = sorted.iter().map(|word| format!("`{word}`")).collect();
    match known.as_slice() {
        [] => None,
        [only] => Some(format!("Only {only} is known here.")),
        known if known.len() > NAMED => {
            let (first, more) = (known[..NAMED].join(", "), known.len() - NAMED);
            Some(format!("Known are {first}, and {more} more."))
        }
        known => Some(format!("Known are {}.", known.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{did_you_mean, suggest};

    #[test]
    fn suggests_only_what_is_near() {
        let keys = ["timeout", "headers", "method"];
        assert_eq!(did_you_mean("timout", keys), Some("timeout"));
        assert_eq!(did_you_mean("hedaers", keys), Some("headers"));
        assert_eq!(did_you_mean("colour", keys), None);
    }

    #[test]
    fn help_names_what_was_meant_or_else_all_there_is() {
        let help = |written: &str, known: &[&str]| suggest(written, known);
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(
            help("timout", &["timeout", "headers"]),
            said("Did you mean `timeout`?")
        );
        assert_eq!(help("x", &["b", "a", "b"]), said("Known are `a`, `b`."));
        assert_eq!(help("x", &["only"]), said("Only `only` is known here."));
        assert_eq!(help("x", &[]), None);
        assert_eq!(
            help("recal", &["recall", "recall"]),
            said("Did you mean `recall`?")
        );
    }

    // security 20
    #[test]
    fn long_words_and_many_words_take_no_time() {
        let long = "x".repeat(100_000);
        let other = format!("{}y", &long[1..]);
        assert_eq!(did_you_mean(&long, [other.as_str()]), None);
        assert_eq!(did_you_mean(&long, [other.as_str(), &long]), Some(&*long));
        assert_eq!(did_you_mean("short", [long.as_str()]), None);
        let many: Vec<String> = (0..100).map(|at| format!("stage{at:03}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let help = suggest("nothing-like-it", &many).unwrap();
        assert!(help.ends_with("`stage019`, and 80 more."), "{help}");
    }

    proptest! {
        #[test]
        fn a_word_that_is_there_is_meant(words in proptest::collection::vec("[a-z_]{1,9}", 1..6), at in 0..6_usize) {
            let known: Vec<&str> = words.iter().map(String::as_str).collect();
            let written = known[at % known.len()];
            prop_assert_eq!(did_you_mean(written, known.iter().copied()), Some(written));
        }

        #[test]
        fn what_is_meant_is_known_and_near(written in "\\PC{0,9}", words in proptest::collection::vec("[a-z_]{1,9}", 0..6)) {
            let known: Vec<&str> = words.iter().map(String::as_str).collect();
            if let Some(near) = did_you_mean(&written, known.iter().copied()) {
                prop_assert!(known.contains(&near));
                prop_assert!(strsim::damerau_levenshtein(&written, near) <= 3);
            }
            let help = suggest(&written, &known);
            prop_assert_eq!(help.is_none(), known.is_empty());
            prop_assert!(help.is_none_or(|help| help.ends_with(['.', '?'])));
        }
    }
}
