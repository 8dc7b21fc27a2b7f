//! `not_KIND`: an assertion that must not hold.

use std::path::Path;

use super::{Check, Scored, Subject};
use crate::eval::error::EvalError;
use crate::template::Scope;

/// The negation of an assertion. What cannot be scored stays unscored.
#[derive(Debug)]
pub(in crate::eval) struct Negated(pub(in crate::eval) Box<dyn Check>);

impl Check for Negated {
    fn score(&self, subject: &Subject<'_>) -> Scored {
        self.0.score_negated(subject)
    }

    fn note(&self, subject: &Subject<'_>) -> Option<String> {
        self.0.note(subject)
    }

    fn stages(&self) -> Vec<&str> {
        self.0.stages()
    }

    fn questions(&self, subject: &Subject<'_>, ask: &mut dyn FnMut(&str, Scope)) {
        self.0.questions(subject, ask);
    }

    fn prepare(&self, folder: &Path) -> Result<(), EvalError> {
        self.0.prepare(folder)
    }
}
