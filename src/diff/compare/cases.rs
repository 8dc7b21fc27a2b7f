//! The cases of two runs of a suite, paired by id, with those that were planned and are absent.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{CaseChanges, CaseResult, EvalResult};

/// What is independent of the rest: a group, else a case, also one of which nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Group(&'a str),
    Case(&'a str),
    Unknown(u64),
}

/// A mean over the answers to one case, within what its errors leave open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::diff) struct Value {
    /// Errors counted as failed.
    pub(in crate::diff) least: f64,
    /// Errors counted as passed.
    pub(in crate::diff) most: f64,
    pub(in crate::diff) answers: u64,
    /// Answers without a grade.
    pub(in crate::diff) ungraded: u64,
}

impl Value {
    fn of(scores: impl Iterator<Item = Option<f64>>, planned: u64) -> Option<Self> {
        let (mut sum, mut answers, mut ungraded) = (0.0, 0, 0);
        for score in scores {
            answers += 1;
            match score {
                Some(score) => sum += score,
                None => ungraded += 1,
            }
        }
        // A repeat that was planned and is absent has no grade either.
        let absent = planned.saturating_sub(answers);
        let (answers, ungraded) = (answers + absent, ungraded + absent);
        let mean = |sum: f64| sum / answers as f64;
        (answers > 0).then(|| Self {
            least: mean(sum),
            most: mean(sum + ungraded as f64),
            answers,
            ungraded,
        })
    }
}

/// One case on both sides.
pub(in crate::diff) struct Pair {
    /// The number of its cluster: of the group, or of the case itself.
    pub(in crate::diff) cluster: u32,
    pub(in crate::diff) base: Value,
    pub(in crate::diff) head: Value,
}

/// One case on one side: all its repeats, none where it is absent.
#[derive(Clone, Debug, Default)]
struct Case<'a> {
    answers: Vec<&'a CaseResult>,
    planned: u64,
}

impl Case<'_> {
    fn pass_rate(&self) -> Option<Value> {
        let scores = self.answers.iter().map(|it| {
            let graded = it.error.is_none();
            graded.then(|| f64::from(u8::from(it.passed)))
        });
        Value::of(scores, self.planned)
    }

    /// The mean score over the answers that count for the assertion, as the suite itself took it;
    /// `None` when none does.
    fn score(&self, assertion: &str) -> Option<Value> {
        let counted = self.answers.iter().filter_map(|it| {
            let score = it.counted_score(assertion)?;
            Some((!it.is_unscored(assertion)).then_some(score))
        });
        let not_counted = self
            .answers
            .iter()
            .filter(|it| it.counted_score(assertion).is_none());
        Value::of(
            counted,
            self.planned.saturating_sub(not_counted.count() as u64),
        )
    }
}

/// A case on both sides.
struct Both<'a> {
    id: Option<&'a str>,
    key: Key<'a>,
    /// The number of its key.
    cluster: u32,
    base: Case<'a>,
    head: Case<'a>,
}

impl<'a> Both<'a> {
    fn new(id: &'a str, base: Case<'a>, head: Case<'a>) -> Self {
        let mut answers = head.answers.iter().chain(&base.answers);
        let group = answers.next().and_then(|answer| answer.group.as_deref());
        Self {
            id: Some(id),
            key: group.map_or(Key::Case(id), Key::Group),
            cluster: 0,
            base,
            head,
        }
    }

    /// A case of the golden set that neither side has.
    fn unknown(number: u64, base: &EvalResult, head: &EvalResult) -> Self {
        Self {
            id: None,
            key: Key::Unknown(number),
            cluster: 0,
            base: absent(base),
            head: absent(head),
        }
    }

    /// Returns the tags of the case.
    fn tags(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let answers = self.head.answers.iter().chain(&self.base.answers);
        let answer: Option<&'a CaseResult> = answers.copied().next();
        let tags = answer.into_iter().flat_map(|answer| &answer.tags);
        tags.map(|(tag, value)| (tag.as_str(), value.as_str()))
    }

    /// Returns whether it passed on (base, head); of repeats, at least half of them.
    fn passes(&self) -> (bool, bool) {
        let passes = |case: &Case<'_>| case.pass_rate().is_some_and(|rate| rate.least >= 0.5);
        (passes(&self.base), passes(&self.head))
    }
}

/// Two runs of a suite, case by case.
pub(in crate::diff) struct Cases<'a> {
    all: Vec<Both<'a>>,
    /// The places of the cases that have a tag of that value.
    tagged: BTreeMap<(&'a str, &'a str), Vec<usize>>,
    /// Cases that only one side has, and that the other did not plan.
    pub(in crate::diff) left_out: usize,
    /// Cases that were planned and are absent on (base, head).
    pub(in crate::diff) absent: (u64, u64),
}

impl<'a> Cases<'a> {
    /// Pairs by id. Where both sides were asked the same golden set, a case that one of them
    /// planned and lacks is an error of that side.
    pub(in crate::diff) fn new(base: &'a EvalResult, head: &'a EvalResult) -> Self {
        let (mut before, mut after) = (gather(base), gather(head));
        let missing = |eval: &EvalResult, has: usize| eval.golden.cases.saturating_sub(has as u64);
        let absent = (missing(base, before.len()), missing(head, after.len()));
        let same = base.golden.digest == head.golden.digest;
        let known = if same { absent } else { (0, 0) };

        let ids: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        let both: BTreeSet<&str> = ids
            .iter()
            .copied()
            .filter(|id| before.contains_key(id) && after.contains_key(id))
            .collect();
        let only = |side: &BTreeMap<&'a str, Case<'a>>, at_most: u64| {
            let ids = side.keys().copied().filter(|id| !both.contains(id));
            ids.take(usize::try_from(at_most).unwrap_or(usize::MAX))
                .collect::<Vec<_>>()
        };
        let (only_base, only_head) = (only(&before, known.1), only(&after, known.0));
        let unknown = (known.0 - only_head.len() as u64).min(known.1 - only_base.len() as u64);
        let left_out = ids.len() - both.len() - only_base.len() - only_head.len();

        let mut all = Vec::new();
        for id in both.into_iter().chain(only_base).chain(only_head) {
            let base = before.remove(id).unwrap_or_else(|| self::absent(base));
            let head = after.remove(id).unwrap_or_else(|| self::absent(head));
            all.push(Both::new(id, base, head));
        }
        all.extend((0..unknown).map(|number| Both::unknown(number, base, head)));
        let mut numbers = BTreeMap::new();
        for case in &mut all {
            let next = numbers.len() as u32;
            case.cluster = *numbers.entry(case.key).or_insert(next);
        }
        let mut tagged: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (place, case) in all.iter().enumerate() {
            for tag in case.tags() {
                tagged.entry(tag).or_default().push(place);
            }
        }
        Self {
            all,
            tagged,
            left_out,
            absent,
        }
    }

    /// Returns how many cases are compared.
    pub(in crate::diff) const fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns the pass rates of all cases.
    pub(in crate::diff) fn pass_rates(&self) -> Vec<Pair> {
        values(Case::pass_rate, &self.all)
    }

    /// Returns the pass rates of the cases of a slice.
    pub(in crate::diff) fn of_slice(&self, slice: &str) -> Vec<Pair> {
        values(Case::pass_rate, self.in_slice(slice))
    }

    /// Returns the scores of an assertion that both sides made.
    pub(in crate::diff) fn scores(&self, assertion: &str) -> Vec<Pair> {
        values(|case| case.score(assertion), &self.all)
    }

    /// Returns the cases of the slice `tag=value`. A tag may have `=` in its name.
    fn in_slice(&self, slice: &str) -> impl Iterator<Item = &Both<'a>> {
        let splits = slice.match_indices('=');
        let named = splits.filter_map(|(at, _)| self.tagged.get(&(&slice[..at], &slice[at + 1..])));
        let mut places: Vec<usize> = named.flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|place| &self.all[place])
    }

    /// Returns which cases passed before and not now, and the other way round.
    pub(in crate::diff) fn changes(&self) -> CaseChanges {
        let turned = |from: bool| {
            let turned = self
                .all
                .iter()
                .filter(|case| case.passes() == (from, !from));
            turned
                .filter_map(|case| case.id.map(str::to_owned))
                .collect()
        };
        CaseChanges {
            broke: turned(true),
            fixed: turned(false),
        }
    }

    /// Returns how many of the cases that broke are in the slice.
    pub(in crate::diff) fn broke_in(&self, slice: &str) -> usize {
        let broke = |case: &&Both<'_>| case.passes() == (true, false);
        self.in_slice(slice).filter(broke).count()
    }

    /// Returns how many cases have an answer without a grade on (base, head), the absent ones
    /// aside.
    pub(in crate::diff) fn errored(&self) -> (usize, usize) {
        let errored = |case: &Case<'_>| case.answers.iter().any(|answer| answer.error.is_some());
        let count = |of: &dyn Fn(&Both<'a>) -> bool| self.all.iter().filter(|it| of(it)).count();
        (
            count(&|case| errored(&case.base)),
            count(&|case| errored(&case.head)),
        )
    }
}

/// Returns what the cases have on both sides.
fn values<'c, 'a: 'c>(
    value: impl Fn(&Case<'a>) -> Option<Value>,
    cases: impl IntoIterator<Item = &'c Both<'a>>,
) -> Vec<Pair> {
    let pair = |case: &Both<'a>| {
        Some(Pair {
            cluster: case.cluster,
            base: value(&case.base)?,
            head: value(&case.head)?,
        })
    };
    cases.into_iter().filter_map(pair).collect()
}

/// Returns the cases of a run by id, repeats gathered.
fn gather(eval: &EvalResult) -> BTreeMap<&str, Case<'_>> {
    let mut cases: BTreeMap<&str, Case<'_>> = BTreeMap::new();
    for answer in &eval.cases {
        let case = cases.entry(&answer.id).or_insert_with(|| absent(eval));
        case.answers.push(answer);
    }
    cases
}

/// A case that was planned and has no answer.
fn absent<'a>(eval: &EvalResult) -> Case<'a> {
    Case {
        answers: Vec::new(),
        planned: u64::from(eval.repeats.max(1)),
    }
}
