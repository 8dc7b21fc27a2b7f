//! `[load.NAME]`.

use std::time::Duration;

use toml::Spanned;

use super::mix::{self, Otherwise};
use super::sends::{Written, sends};
use super::stage::target;
use super::{Heading, Known, arrivals, exists, positive, read, required};
use crate::manifest::arrivals::Arrivals;
use crate::manifest::document::Section;
use crate::manifest::error::Problems;
use crate::manifest::model::{Connections, Length, Load, Sends, Until};
use crate::manifest::raw;
use crate::name::Name;
use crate::registry::suggest;

/// The target that stands for every stage, each for itself.
const EACH: &str = "each";

/// Any fixed number serves: what matters is that two runs without `seed` send the same.
const DEFAULT_SEED: u64 = 1;

pub(super) fn load(section: Section, known: &Known, problems: &mut Problems) -> Option<Load> {
    let (raw, heading) = read::<raw::Load>(section.table, &[], problems);
    let raw = raw?;
    let what = &heading.what;
    let until = until(&raw, &heading, problems);
    let sends = sends(Written::of(&raw), &Sends::NOTHING, &heading, problems);
    if let Some(suite) = &raw.score_with {
        let by = format!("`score_with` of {what}");
        let name = suite.get_ref().as_str();
        exists(name, &suite.span(), ("eval", &known.evals), &by, problems);
    }
    let max_cost = max_cost(raw.max_cost.as_ref(), what, problems);
    let arrivals = arrivals_of(raw.arrivals.as_ref(), until, &heading, problems);
    let honour_retry_after = honours(
        raw.honour_retry_after.as_ref(),
        arrivals.as_ref(),
        what,
        problems,
    );
    let otherwise = Otherwise {
        sends: &sends,
        arrivals: arrivals.as_ref(),
        what,
    };
    let mix = mix::mix(&raw, &otherwise, known, problems);
    let has_mix = raw.mix.is_some() || heading.wrong.contains("mix");
    let targets = if has_mix {
        Some(Vec::new())
    } else {
        required(raw.target, "target", &heading, problems)
            .map(|target| targets(target, what, known, problems))
    };
    let is_open = |it: &Arrivals| !matches!(it, Arrivals::Closed(_));
    let has_sessions = sends.sessions.is_some() || mix.iter().any(|it| it.sends.sessions.is_some());
    let begins_each = !has_sessions && arrivals.as_ref().is_some_and(is_open);
    let connections = connections(raw.connections.as_ref(), begins_each, what, problems);
    let max_requests = positive(raw.max_requests, "max_requests", what, problems);
    Some(Load {
        name: section.name,
        targets: targets?,
        mix,
        arrivals: arrivals?,
        until: until?,
        warmup: raw.warmup.map_or(Duration::ZERO, |time| time.0),
        seed: raw.seed.unwrap_or(DEFAULT_SEED),
        sends,
        score_with: raw.score_with.map(Spanned::into_inner),
        max_requests,
        max_cost,
        honour_retry_after,
        connections: connections?,
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

fn until(raw: &raw::Load, heading: &Heading, problems: &mut Problems) -> Option<Length> {
    let what = &heading.what;
    let wrong = |key: &str| heading.wrong.contains(key);
    match (&raw.duration, &raw.requests) {
        (Some(duration), None) if duration.get_ref().0.is_zero() => {
            let message = format!("`duration` of {what} must be above zero");
            problems.at(duration.span(), message, None);
            None
        }
        (Some(duration), None) => Some(Length::Until(Until::Duration(duration.get_ref().0))),
        (None, Some(requests)) => {
            let requests = positive(Some(requests.clone()), "requests", what, problems)?;
            Some(Length::Until(Until::Requests(requests)))
        }
        (Some(_), Some(requests)) => {
            let message = format!("{what} has both `duration` and `requests`");
            let help = "Keep one of them; `max_requests` limits a `duration`.".to_owned();
            problems.at(requests.span(), message, Some(help));
            None
        }
        (None, None) if let Some(length) = own_length(raw) => Some(length),
        (None, None) if wrong("duration") || wrong("requests") => None,
        (None, None) => {
            let message = format!("{what} does not say when it ends");
            let help = "Add `duration = \"60s\"` or `requests = 1000`.".to_owned();
            problems.at(heading.span.clone(), message, Some(help));
            None
        }
    }
}

fn max_cost(written: Option<&Spanned<f64>>, what: &str, problems: &mut Problems) -> Option<f64> {
    let (cost, span) = written.map(|cost| (*cost.get_ref(), cost.span()))?;
    if !(cost.is_finite() && cost > 0.0) {
        let message = format!("`max_cost` of {what} must be above zero");
        problems.at(span, message, None);
    }
    Some(cost)
}

fn honours(
    written: Option<&Spanned<bool>>,
    arrivals: Option<&Arrivals>,
    what: &str,
    problems: &mut Problems,
) -> bool {
    let Some(honour) = written.filter(|it| *it.get_ref()) else {
        return false;
    };
    if arrivals.is_some_and(|it| !matches!(it, Arrivals::Closed(_))) {
        let message = format!("`honour_retry_after` of {what} is for a closed loop");
        let help = "An open loop sends when it is due, whatever the answers say.".to_owned();
        problems.at(honour.span(), message, Some(help));
    }
    true
}

fn arrivals_of(
    written: Option<&Spanned<raw::Arrivals>>,
    until: Option<Length>,
    heading: &Heading,
    problems: &mut Problems,
) -> Option<Arrivals> {
    let what = &heading.what;
    if heading.wrong.contains("arrivals") {
        return None;
    }
    let Some(written) = written else {
        let message = format!("{what} has no `arrivals`");
        let help = Some(arrivals::HELP.to_owned());
        problems.at(heading.span.clone(), message, help);
        return None;
    };
    let duration = match until {
        Some(Length::Until(Until::Duration(duration))) => Some(duration),
        _ => None,
    };
    arrivals::arrivals(written, duration, what, problems)
}

fn connections(
    written: Option<&Spanned<raw::WordOrCount>>,
    begins_each: bool,
    what: &str,
    problems: &mut Problems,
) -> Option<Connections> {
    let Some(written) = written else {
        return Some(Connections::Pooled);
    };
    let mut wrong = |message: String, help: Option<String>| {
        problems.at(written.span(), message, help);
        None
    };
    match written.get_ref() {
        raw::WordOrCount::Count(count) => match u32::try_from(*count) {
            Ok(count) if count > 0 => Some(Connections::Fixed(count)),
            _ => wrong(format!("`connections` of {what} must be above zero"), None),
        },
        raw::WordOrCount::Word(word) => {
            let found = Connections::WORDS.iter().find(|(known, _)| known == word);
            let Some((_, found)) = found else {
                let known = Connections::WORDS.map(|(word, _)| word);
                let message = format!("`connections` of {what} cannot be `{word}`");
                return wrong(message, suggest(word, &known));
            };
            if *found == Connections::PerSession && begins_each {
                let message =
                    format!("{what} has no sessions that `connections` could be kept for");
                let help = "Add `sessions`, or use `per_request`.".to_owned();
                return wrong(message, Some(help));
            }
            Some(*found)
        }
    }
}

/// Returns the length that arrivals have of themselves.
fn own_length(raw: &raw::Load) -> Option<Length> {
    let arrivals = raw.arrivals.as_ref()?.get_ref();
    match arrivals.process.as_ref()?.get_ref().as_str() {
        "steps" => {
            arrivals::length_of_steps(arrivals).map(|length| Length::Until(Until::Duration(length)))
        }
        "trace" => Some(Length::WholeTrace),
        _ => None,
    }
}
