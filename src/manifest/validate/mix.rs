//! `[load.NAME.mix.SCENARIO]`: kinds of users that share the arrivals of a load.

use toml::Spanned;

use super::sends::{Written, sends};
use super::stage::target;
use super::{Heading, Known};
use crate::manifest::arrivals::Arrivals;
use crate::manifest::error::Problems;
use crate::manifest::model::{Scenario, Sends};
use crate::manifest::raw;
use crate::name::Name;

/// What a scenario takes from its load where it says nothing itself.
pub(super) struct Otherwise<'a> {
    pub(super) sends: &'a Sends,
    pub(super) arrivals: Option<&'a Arrivals>,
    pub(super) what: &'a str,
}

/// Checks the scenarios and returns them in the order of the text.
pub(super) fn mix(
    raw: &raw::Load,
    otherwise: &Otherwise<'_>,
    known: &Known,
    problems: &mut Problems,
) -> Vec<Scenario> {
    let Some(written) = &raw.mix else {
        return Vec::new();
    };
    let of = otherwise.what;
    let mut scenarios: Vec<(&Name, &Spanned<raw::Scenario>)> = written.get_ref().iter().collect();
    scenarios.sort_by_key(|(_, scenario)| scenario.span().start);
    if scenarios.is_empty() {
        let help = "Add `[load.NAME.mix.SCENARIO]`, or remove it.".to_owned();
        problems.at(
            written.span(),
            format!("`mix` of {of} is empty"),
            Some(help),
        );
    }
    let shared = target_of_all(raw, known, of, problems);
    let mut found = Vec::new();
    for (name, scenario) in scenarios {
        let heading = Heading {
            what: format!("scenario `{name}` of {of}"),
            span: scenario.span(),
            wrong: std::collections::BTreeSet::new(),
        };
        if known.targets().iter().any(|it| it == name.as_str()) {
            let message = format!("`{name}` is the name of a stage or a pipeline already");
            let help = "Figures are kept by name: call the scenario something else.".to_owned();
            problems.at(heading.span.clone(), message, Some(help));
            continue;
        }
        if let Some(scenario) = self::scenario(
            name,
            scenario.get_ref(),
            (&shared, otherwise, known),
            &heading,
            problems,
        ) {
            found.push(scenario);
        }
    }
    enough_users(&found, otherwise, &written.span(), problems);
    found
}

/// Returns the target of the load, which those scenarios call that name none.
fn target_of_all(
    raw: &raw::Load,
    known: &Known,
    of: &str,
    problems: &mut Problems,
) -> Option<Name> {
    let written = raw.target.as_ref()?;
    let by = format!("`target` of {of}");
    let (name, span) = match written.get_ref() {
        raw::OneOrMany::One(name) => (name, written.span()),
        raw::OneOrMany::Many(names) if names.len() == 1 => (names[0].get_ref(), names[0].span()),
        raw::OneOrMany::Many(_) => {
            let message = format!("{by} must be one stage or pipeline, as it has a `mix`");
            let help = "Give each scenario a `target` of its own.".to_owned();
            problems.at(written.span(), message, Some(help));
            return None;
        }
    };
    target(name, &span, known, &by, problems)
}

fn scenario(
    name: &Name,
    raw: &raw::Scenario,
    (shared, otherwise, known): (&Option<Name>, &Otherwise<'_>, &Known),
    heading: &Heading,
    problems: &mut Problems,
) -> Option<Scenario> {
    let what = &heading.what;
    let weight = weight(raw.weight.as_ref(), what, problems);
    let written = Written {
        data: raw.data.as_ref(),
        prompts: raw.prompts.as_ref(),
        order: raw.order.as_ref(),
        sessions: raw.sessions.as_ref(),
    };
    let sends = sends(written, otherwise.sends, heading, problems);
    let by = format!("`target` of {what}");
    let target = match (&raw.target, shared) {
        (Some(written), _) => target(
            written.get_ref().as_str(),
            &written.span(),
            known,
            &by,
            problems,
        ),
        (None, Some(shared)) => Some(shared.clone()),
        (None, None) => {
            let message = format!("{what} has no `target`");
            let help = "Add `target = …` to it, or to the load for all scenarios.".to_owned();
            problems.at(heading.span.clone(), message, Some(help));
            None
        }
    };
    Some(Scenario {
        name: name.clone(),
        weight,
        target: target?,
        sends,
    })
}

fn weight(written: Option<&Spanned<f64>>, what: &str, problems: &mut Problems) -> f64 {
    let Some(written) = written else {
        return 1.0;
    };
    let weight = *written.get_ref();
    if weight > 0.0 && weight.is_finite() {
        return weight;
    }
    let message = format!("`weight` of {what} must be above zero");
    problems.at(written.span(), message, None);
    1.0
}

/// In a closed loop each kind needs a user.
fn enough_users(
    found: &[Scenario],
    otherwise: &Otherwise<'_>,
    span: &crate::manifest::model::Span,
    problems: &mut Problems,
) {
    let Some(Arrivals::Closed(users)) = otherwise.arrivals else {
        return;
    };
    for (share, scenario) in Scenario::shares(found).iter().zip(found) {
        if share.users(users.concurrency).is_empty() {
            let message = format!(
                "of the {} users of {}, none is left for scenario `{}`",
                users.concurrency, otherwise.what, scenario.name
            );
            let help = "Raise `concurrency`, or the scenario's `weight`.".to_owned();
            problems.at(span.clone(), message, Some(help));
        }
    }
}
