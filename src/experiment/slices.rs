//! Tags that have too many values to slice by.

use std::collections::BTreeSet;

use crate::golden::Case;

/// Slices by more values than these hold too few cases each to decide anything, and no report shows
/// them all.
const MOST: usize = 200;

/// Returns what is to be said of tags with too many values.
pub(super) fn too_many(suite: &str, slice_by: &[String], cases: &[Case]) -> Vec<String> {
    let values = |tag: &str| {
        let values = cases.iter().filter_map(|case| case.tags.get(tag));
        values.collect::<BTreeSet<_>>().len()
    };
    let said = slice_by.iter().filter_map(|tag| {
        let values = values(tag);
        let said = format!(
            "`eval.{suite}.slice_by`: `{tag}` has {values} values, more than {MOST}: such slices hold too few cases to decide anything, and reports show the worst 20; slice by a tag of few values"
        );
        (values > MOST).then_some(said)
    });
    said.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// security 12
    #[test]
    fn a_tag_of_a_value_for_each_case_is_told() {
        let cases = |count: usize| -> Vec<Case> {
            let case = |at: usize| Case {
                tags: [("user", at.to_string()), ("lang", "de".to_owned())]
                    .map(|(tag, value)| (tag.to_owned(), value))
                    .into(),
                ..Case::without_data()
            };
            (0..count).map(case).collect()
        };
        let tags = ["lang".to_owned(), "user".to_owned()];
        assert_eq!(too_many("a", &tags, &cases(200)), [""; 0]);
        let said = too_many("a", &tags, &cases(201));
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("`eval.a.slice_by`: `user` has 201 values, more than 200"));
    }
}
