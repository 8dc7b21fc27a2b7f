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
/// Distance: Damerau-Levenshtein, at most a third of the length and at most three edits.
pub(crate) fn did_you_mean<'a>(
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = (written.chars().count().max(3) / 3).min(3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(written, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

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
        known => Some(format!("Known are {}.", known.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn suggests_only_what_is_near() {
        let keys = ["timeout", "headers", "method"];
        assert_eq!(did_you_mean("timout", keys), Some("timeout"));
        assert_eq!(did_you_mean("hedaers", keys), Some("headers"));
        assert_eq!(did_you_mean("colour", keys), None);
    }
}
