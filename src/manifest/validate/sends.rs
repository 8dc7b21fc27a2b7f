//! What the arrivals of a load, or of one kind of user in it, send: cases or made-up prompts, in which order, in sessions.

use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;

use super::{Heading, prompts};
use crate::manifest::error::Problems;
use crate::manifest::model::{CaseOrder, Sends, Sessions};
use crate::manifest::raw;
use crate::registry::suggest;

/// The keys that say it.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) data: Option<&'a PathBuf>,
    pub(super) prompts: Option<&'a Spanned<raw::Prompts>>,
    pub(super) order: Option<&'a Spanned<String>>,
    pub(super) sessions: Option<&'a Spanned<raw::Sessions>>,
}

impl<'a> Written<'a> {
    pub(super) fn of(load: &'a raw::Load) -> Self {
        Self {
            data: load.data.as_ref(),
            prompts: load.prompts.as_ref(),
            order: load.order.as_ref(),
            sessions: load.sessions.as_ref(),
        }
    }
}

/// Checks them; what is not written is as in `otherwise`.
pub(super) fn sends(
    written: Written<'_>,
    otherwise: &Sends,
    heading: &Heading,
    problems: &mut Problems,
) -> Sends {
    let what = &heading.what;
    let mut sends = otherwise.clone();
    if let (Some(_), Some(prompts)) = (written.data, written.prompts) {
        let message = format!("{what} has both `data` and `prompts`");
        let help = "Keep one of them.".to_owned();
        problems.at(prompts.span(), message, Some(help));
    }
    if let Some(data) = written.data {
        (sends.data, sends.prompts) = (Some(data.clone()), None);
    }
    if let Some(prompts) = written
        .prompts
        .filter(|_| !heading.wrong.contains("prompts"))
    {
        sends.data = None;
        sends.prompts = prompts::prompts(prompts, what, problems);
    }
    if let Some(order) = written.order {
        sends.order = self::order(order, what, problems);
    }
    if let Some(sessions) = written.sessions {
        if written.prompts.is_none() && sends.data.is_none() && sends.prompts.is_none() {
            let message = format!("`sessions` of {what} needs `data` or `prompts`");
            let help = "The cases of one `group` are the turns of one session.".to_owned();
            problems.at(sessions.span(), message, Some(help));
        }
        let think_time = sessions.get_ref().think_time;
        sends.sessions = Some(Sessions {
            think_time: think_time.map_or(Duration::ZERO, |time| time.0),
        });
    }
    sends
}

fn order(written: &Spanned<String>, what: &str, problems: &mut Problems) -> CaseOrder {
    let word = written.get_ref().as_str();
    let found = CaseOrder::ALL.into_iter().find(|it| it.key() == word);
    found.unwrap_or_else(|| {
        let message = format!("`order` of {what} cannot be `{word}`");
        let known = CaseOrder::ALL.map(CaseOrder::key);
        problems.at(written.span(), message, suggest(word, &known));
        CaseOrder::InTurn
    })
}
