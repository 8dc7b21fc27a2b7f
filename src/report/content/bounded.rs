//! Lists that grow with the data: their beginning, and how much more there is. A comment of a pull
//! request has 65,536 characters, and a job summary above 1 MiB is dropped as a whole.

use super::super::block::{Block, Tone};
use super::super::format::plural;
use super::super::text::cut_off;

/// So many ids are shown; all of them are in the document.
pub(super) const SHOWN_IDS: usize = 20;

/// So many slices are shown.
pub(super) const SHOWN_SLICES: usize = 20;

/// So much of an id is shown, in characters.
const ID: usize = 100;

/// Returns the first ids, and how many more there are.
pub(super) fn ids(all: &[String]) -> Block {
    let shown = all.iter().take(SHOWN_IDS);
    let mut items: Vec<String> = shown.map(|id| cut_off(id, ID).into_owned()).collect();
    if all.len() > SHOWN_IDS {
        items.push(format!("and {} more", all.len() - SHOWN_IDS));
    }
    Block::List(items)
}

/// Says how many slices are not shown.
pub(super) fn more_slices(more: usize) -> Option<Block> {
    let text = || {
        let more = plural(more as u64, "more slice");
        format!("and {more}, which came out no worse; all of them are in `--format json`")
    };
    (more > 0).then(|| Block::Text(Tone::Faint, text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// security 12
    #[test]
    fn ids_are_shown_up_to_a_number_and_a_length() {
        let list = |count: usize| match ids(&vec!["x".repeat(500); count]) {
            Block::List(items) => items,
            other => panic!("{other:?} is no list"),
        };
        assert_eq!(list(20).len(), 20);
        let many = list(5000);
        assert_eq!(many.len(), 21);
        assert_eq!(many[20], "and 4980 more");
        assert_eq!(many[0].chars().count(), 101);
        assert!(more_slices(0).is_none());
        assert!(
            matches!(more_slices(1), Some(Block::Text(_, text)) if text.starts_with("and 1 more slice, "))
        );
    }
}
