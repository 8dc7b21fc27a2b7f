//! The cases that a suite has lost.

use crate::diff::compare::Cases;
use crate::diff::wording::count;

/// The cases of a suite that broke, and the slice that most of them are in.
pub(super) struct Lost<'a> {
    broke: usize,
    all: usize,
    place: Option<(usize, &'a str)>,
}

impl<'a> Lost<'a> {
    /// Returns them; `None` where no case broke.
    pub(super) fn of(cases: &Cases<'_>, slices: impl Iterator<Item = &'a str>) -> Option<Self> {
        let broke = cases.changes().broke.len();
        let place = slices
            .map(|slice| (cases.broke_in(slice), slice))
            .filter(|(cases, _)| *cases > 0)
            .max_by_key(|(cases, _)| *cases);
        (broke > 0).then(|| Self {
            broke,
            all: cases.len(),
            place,
        })
    }

    /// Says how many, and where.
    pub(super) fn text(&self) -> String {
        let place = match self.place {
            Some((cases, slice)) if cases == self.broke => format!(", all in {slice}"),
            Some((cases, slice)) => format!(", {cases} of them in {slice}"),
            None => String::new(),
        };
        let all = count(self.all, "case");
        format!("lost {} of {all}{place}", self.broke)
    }

    /// Says it in fewer words.
    pub(super) fn short(&self) -> String {
        let place = match self.place {
            Some((cases, slice)) if cases == self.broke => format!(", all {slice}"),
            Some((cases, slice)) => format!(", {cases} in {slice}"),
            None => String::new(),
        };
        format!("{} lost{place}", count(self.broke, "case"))
    }
}
