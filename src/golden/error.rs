//! Why a golden set cannot be used: the file, and each of its lines that is wrong.

use std::io;

use miette::Diagnostic;
use thiserror::Error;

use crate::error::{Classify, Fault, Kind};

/// Why a golden set cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub(crate) enum GoldenError {
    #[error("golden set `{path}` does not exist")]
    #[diagnostic(help("Create the file, or correct `golden` or `data` in the manifest."))]
    Missing { path: String },
    #[error("golden set `{path}` cannot be read: {reason}")]
    Unreadable { path: String, reason: io::Error },
    #[error("golden set `{path}` holds no cases")]
    #[diagnostic(help(
        "Write one case a line, for instance {{\"id\": \"q1\", \"input\": \"…\", \"expected\": \"…\"}}."
    ))]
    Empty { path: String },
    #[error("golden set `{path}` is not JSONL: {looks}")]
    #[diagnostic(help("{help}"))]
    Foreign {
        path: String,
        looks: &'static str,
        help: &'static str,
    },
    #[error(transparent)]
    #[diagnostic(transparent)]
    Line(LineError),
    #[error("golden set `{path}` has {count} wrong lines{}", if *.count > .lines.len() { ", the first of them:" } else { ":" })]
    Lines {
        path: String,
        count: usize,
        #[related]
        lines: Vec<LineError>,
    },
}

/// What is wrong with one line.
#[derive(Debug, Error)]
#[error("{path}:{line}: {message}")]
pub(crate) struct LineError {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Diagnostic for LineError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }
}

impl Classify for GoldenError {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing { .. } | Self::Unreadable { .. } => Kind::Environment,
            Self::Empty { .. } | Self::Foreign { .. } | Self::Line(_) | Self::Lines { .. } => {
                Kind::Manifest
            }
        }
    }

    fn faults(&self) -> Vec<Fault> {
        let fault = |file: &str, line: Option<usize>, of: &dyn Diagnostic, message: String| Fault {
            message,
            help: of.help().map(|it| it.to_string()),
            file: Some(file.to_owned()),
            line: line.map(|it| it as u64),
            key: None,
        };
        let of_line = |it: &LineError| fault(&it.path, Some(it.line), it, it.message.clone());
        match self {
            Self::Line(line) => vec![of_line(line)],
            Self::Lines { lines, .. } => lines.iter().map(of_line).collect(),
            Self::Missing { path }
            | Self::Unreadable { path, .. }
            | Self::Empty { path }
            | Self::Foreign { path, .. } => vec![fault(path, None, self, self.to_string())],
        }
    }
}
