//! `[load.NAME]`.

use std::time::Duration;

use toml::Spanned;

use super::stage::target;
use super::{Heading, Known, exists, positive, read, required};
use crate::manifest::document::Section;
use crate::manifest::error::Problems;
use crate::manifest::model::{Arrivals, Load, Process, Until};
use crate::manifest::name::Name;
use crate::manifest::raw;
use crate::manifest::shape::suggest;

/// The target that stands for every stage, each for itself.
const EACH: &str = "each";

/// Any fixed number serves: what matters is that two runs without `seed` send the same.
const DEFAULT_SEED: u64 = 1;

/// What `arrivals` may look like.
const ARRIVALS_HELP: &str = "Write `arrivals = { process = \"poisson\", rate = \"20/s\" }`, or \
                             `{ concurrency = 8 }` for a closed loop.";

pub(super) fn load(section: Section, known: &Known, problems: &mut Problems) -> Option<Load> {
    let (raw, heading) = read::<raw::Load>(section.table, &[], problems);
    let raw = raw?;
    let what = &heading.what;
    let until = until(&raw, &heading, problems);
    if let Some(suite) = &raw.score_with {
        let by = format!("`score_with` of {what}");
        let name = suite.get_ref().as_str();
        exists(name, &suite.span(), ("eval", &known.evals), &by, problems);
    }
    if let Some(cost) = &raw.max_cost
        && !(cost.get_ref().is_finite() && *cost.get_ref() > 0.0)
    {
        let message = format!("`max_cost` of {what} must be above zero");
        problems.at(cost.span(), message, None);
    }
    let targets = required(raw.target, "target", &heading, problems)
        .map(|target| targets(target, what, known, problems));
    let arrivals = if heading.wrong.contains("arrivals") {
        None
    } else if let Some(written) = raw.arrivals {
        arrivals(&written, what, problems)
    } else {
        let message = format!("{what} has no `arrivals`");
        problems.at(
            heading.span.clone(),
            message,
            Some(ARRIVALS_HELP.to_owned()),
        );
        None
    };
    let max_requests = positive(raw.max_requests, "max_requests", what, problems);
    Some(Load {
        name: section.name,
        targets: targets?,
        arrivals: arrivals?,
        until: until?,
        warmup: raw.warmup.map_or(Duration::ZERO, |time| time.0),
        seed: raw.seed.unwrap_or(DEFAULT_SEED),
        data: raw.data,
        score_with: raw.score_with.map(Spanned::into_inner),
        max_requests,
        max_cost: raw.max_cost.map(Spanned::into_inner),
        span: heading.span,
    })
}

fn targets(
    written: Spanned<raw::OneOrMany>,
    what: &str,
    known: &Known,
    problems: &mut Problems,
) -> Vec<Name> {
    let span = written.span();
    let names = match written.into_inner() {
        raw::OneOrMany::One(name) => vec![Spanned::new(span.clone(), name)],
        raw::OneOrMany::Many(names) => names,
    };
    let by = format!("`target` of {what}");
    if names.is_empty() {
        problems.at(span, format!("{by} is empty"), None);
    }
    let mut found: Vec<Name> = Vec::new();
    if let [name] = names.as_slice()
        && name.get_ref() == EACH
    {
        found.extend(known.stages.iter().filter_map(|stage| stage.parse().ok()));
        return found;
    }
    for name in &names {
        let Some(stage) = target(name.get_ref(), &name.span(), known, &by, problems) else {
            continue;
        };
        if found.contains(&stage) {
            problems.at(name.span(), format!("{by} names `{stage}` twice"), None);
        } else {
            found.push(stage);
        }
    }
    found
}

fn until(raw: &raw::Load, heading: &Heading, problems: &mut Problems) -> Option<Until> {
    let what = &heading.what;
    let wrong = |key: &str| heading.wrong.contains(key);
    match (&raw.duration, &raw.requests) {
        (Some(duration), None) if duration.get_ref().0.is_zero() => {
            let message = format!("`duration` of {what} must be above zero");
            problems.at(duration.span(), message, None);
            None
        }
        (Some(duration), None) => Some(Until::Duration(duration.get_ref().0)),
        (None, Some(requests)) => {
            let requests = positive(Some(requests.clone()), "requests", what, problems)?;
            Some(Until::Requests(requests))
        }
        (Some(_), Some(requests)) => {
            let message = format!("{what} has both `duration` and `requests`");
            let help = "Keep one of them; `max_requests` limits a `duration`.".to_owned();
            problems.at(requests.span(), message, Some(help));
            None
        }
        (None, None) if wrong("duration") || wrong("requests") => None,
        (None, None) => {
            let message = format!("{what} does not say when it ends");
            let help = "Add `duration = \"60s\"` or `requests = 1000`.".to_owned();
            problems.at(heading.span.clone(), message, Some(help));
            None
        }
    }
}

fn arrivals(
    written: &Spanned<raw::Arrivals>,
    what: &str,
    problems: &mut Problems,
) -> Option<Arrivals> {
    let raw = written.get_ref();
    let open = raw.process.is_some() || raw.rate.is_some();
    let closed = raw.concurrency.is_some() || raw.think_time.is_some();
    let wrong = |reason: &str, problems: &mut Problems| {
        let message = format!("`arrivals` of {what} {reason}");
        problems.at(written.span(), message, Some(ARRIVALS_HELP.to_owned()));
        None
    };
    match (open, closed) {
        (true, true) => wrong("mixes an open and a closed loop", problems),
        (false, false) => wrong("is empty", problems),
        (true, false) => {
            let process = match &raw.process {
                // A rate alone means what every load tool means by it: evenly spaced.
                None => Some(Process::Constant),
                Some(process) => self::process(process, what, problems),
            };
            match &raw.rate {
                None => wrong("has no `rate`", problems),
                Some(rate) => Some(Arrivals::Open {
                    process: process?,
                    rate: *rate.get_ref(),
                }),
            }
        }
        (false, true) => match &raw.concurrency {
            None => wrong("has no `concurrency`", problems),
            Some(concurrency) => Some(Arrivals::Closed {
                concurrency: positive(
                    Some(concurrency.clone()),
                    "arrivals.concurrency",
                    what,
                    problems,
                )?,
                think_time: raw
                    .think_time
                    .as_ref()
                    .map_or(Duration::ZERO, |time| time.get_ref().0),
            }),
        },
    }
}

fn process(written: &Spanned<String>, what: &str, problems: &mut Problems) -> Option<Process> {
    match written.get_ref().as_str() {
        "constant" => Some(Process::Constant),
        "poisson" => Some(Process::Poisson),
        other => {
            let message = format!("`arrivals.process` of {what} cannot be `{other}`");
            problems.at(
                written.span(),
                message,
                suggest(other, &["constant", "poisson"]),
            );
            None
        }
    }
}
