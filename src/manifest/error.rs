//! Everything that is wrong with a manifest, collected, and shown with the text underlined.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::idle::Idle;
use super::key::key_at;
use super::source::Source;
use super::span::{Span, line_of};
use crate::error::{Classify, Fault, Kind};
use crate::intake;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where, in bytes of the manifest's text (beyond its end: in the overrides).
    pub(crate) span: Span,
    /// Lowercase fragment, no full stop; names the stage and key.
    pub(crate) message: String,
    /// A sentence telling what to do.
    pub(crate) help: Option<String>,
}

impl Problem {
    /// Makes a problem at a place in the text.
    pub(crate) fn new(span: &Span, message: impl Into<String>, help: Option<String>) -> Self {
        Self {
            span: span.clone(),
            message: message.into(),
            help,
        }
    }
}

/// Collects problems so that all are shown at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems {
    items: Vec<Problem>,
    /// What is right and does nothing.
    idle: Vec<Idle>,
}

impl Problems {
    /// Adds a problem at a place in the text.
    pub(crate) fn at(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        self.items.push(Problem::new(&span, message, help));
    }

    /// Adds what a check has found.
    pub(crate) fn extend(&mut self, found: impl IntoIterator<Item = Problem>) {
        self.items.extend(found);
    }

    /// Returns what is wrong.
    pub(super) fn into_items(self) -> Vec<Problem> {
        self.items
    }

    /// Adds a key that does nothing.
    pub(super) fn idle(&mut self, idle: Idle) {
        self.idle.push(idle);
    }

    /// Takes the keys that do nothing, in the order of the text.
    pub(super) fn take_idle(&mut self) -> Vec<Idle> {
        let mut idle = std::mem::take(&mut self.idle);
        idle.sort_by_key(|it| it.span.start);
        idle
    }

    /// Returns whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns the problems in the order in which they were found.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.items.iter()
    }

    /// Makes the error that shows every problem in the manifest's text, in the order of the text.
    pub(crate) fn into_error(mut self, source: &Source) -> ManifestError {
        self.items.sort_by_key(|problem| problem.span.start);
        self.items.dedup();
        let found = self.items.len();
        let shown = self
            .items
            .into_iter()
            .take(intake::PROBLEMS.most() as usize);
        ManifestError {
            name: source.path().display().to_string(),
            found,
            shown: shown.map(|it| Shown::new(it, source)).collect(),
        }
    }
}

/// A manifest with everything that is wrong in it.
#[derive(Debug)]
pub(crate) struct ManifestError {
    name: String,
    /// How many there are; the first of them are shown.
    found: usize,
    /// At least one.
    shown: Vec<Shown>,
}

/// One problem with the text it is about.
#[derive(Debug)]
struct Shown {
    message: String,
    help: Option<String>,
    source: NamedSource<Arc<str>>,
    /// In that text.
    span: Span,
}

impl Shown {
    fn new(problem: Problem, source: &Source) -> Self {
        let (source, span) = source.locate(&problem.span);
        Self {
            message: shortened(problem.message),
            help: problem.help.map(shortened),
            source,
            span,
        }
    }
}

/// A message that repeats more of a manifest than this is cut, in characters.
const LONGEST: usize = 1000;
/// How much of its end is kept then: it says what is wrong.
const KEPT_END: usize = 300;

/// Cuts what a message repeats of a text of any length.
fn shortened(message: String) -> String {
    let length = message.chars().count();
    if length <= LONGEST {
        return message;
    }
    let begin: String = message.chars().take(LONGEST - KEPT_END).collect();
    let end: String = message.chars().skip(length - KEPT_END).collect();
    format!("{begin}…{end}")
}

impl Shown {
    fn fault(&self) -> Fault {
        let text = self.source.inner();
        // An override is named by its own text: `--set KEY=VALUE`, on no line of a file.
        let set = self.source.name().strip_prefix("--set ");
        let overridden = set.and_then(|set| set.split_once('='));
        Fault {
            message: self.message.clone(),
            help: self.help.clone(),
            file: set.is_none().then(|| self.source.name().to_owned()),
            line: set
                .is_none()
                .then(|| line_of(text.as_bytes(), self.span.start)),
            key: match overridden {
                Some((key, _)) => Some(key.to_owned()),
                None => key_at(text, self.span.start),
            }
            .map(shortened),
        }
    }
}

impl ManifestError {
    /// Says that not all of them follow.
    fn first(&self) -> String {
        match self.shown.len() {
            shown if shown < self.found => format!(", the first {shown} of them:"),
            _ => String::new(),
        }
    }

    /// A single problem is shown by itself, without a headline above it.
    fn single(&self) -> Option<&Shown> {
        match self.shown.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

impl Classify for ManifestError {
    fn kind(&self) -> Kind {
        Kind::Manifest
    }

    fn faults(&self) -> Vec<Fault> {
        let more = self.found - self.shown.len();
        let more = (more > 0).then(|| Fault {
            message: format!("{more} more problems are not shown"),
            file: Some(self.name.clone()),
            ..Fault::default()
        });
        self.shown.iter().map(Shown::fault).chain(more).collect()
    }
}

impl std::error::Error for ManifestError {}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.single() {
            Some(only) => only.fmt(f),
            None => write!(
                f,
                "{} problems in `{}`{}",
                self.found,
                self.name,
                self.first()
            ),
        }
    }
}

impl Diagnostic for ManifestError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.single()?.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.single()?.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.single()?.labels()
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        if self.single().is_some() {
            return None;
        }
        let shown = self.shown.iter().map(|shown| shown as &dyn Diagnostic);
        Some(Box::new(shown))
    }
}

impl std::error::Error for Shown {}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Diagnostic for Shown {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::underline(self.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

/// A manifest that could not be read at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// There is none.
    #[error("there is no manifest `{}`", path.display())]
    Missing { path: PathBuf },
    /// There is one, and the system does not give it to us.
    #[error("the manifest `{}` cannot be read: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    /// Its bytes are not text.
    #[error("the manifest `{}` is not UTF-8: line {line} holds a byte that is not text", path.display())]
    NotUtf8 { path: PathBuf, line: usize },
}

impl Diagnostic for ReadError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = match self {
            Self::Missing { .. } => {
                "Run `stagegate init` to make one, or name another with `-m FILE`."
            }
            Self::Unreadable { .. } => return None,
            Self::NotUtf8 { .. } => "Save the file as UTF-8.",
        };
        Some(Box::new(help))
    }
}

impl Classify for ReadError {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing { .. } | Self::NotUtf8 { .. } => Kind::Manifest,
            Self::Unreadable { .. } => Kind::Environment,
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let (path, line) = match self {
            Self::Missing { path } | Self::Unreadable { path, .. } => (path, None),
            Self::NotUtf8 { path, line } => (path, Some(*line as u64)),
        };
        vec![Fault {
            message: self.to_string(),
            help: self.help().map(|it| it.to_string()),
            file: Some(path.display().to_string()),
            line,
            key: None,
        }]
    }
}
