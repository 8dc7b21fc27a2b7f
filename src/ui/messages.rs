//! The way to stderr: one line at a time, above whatever shows progress.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressDrawTarget};

use super::decision::{Decision, Volume};
use super::diagnostic;
use crate::error::Error;
use crate::palette::{Palette, paint};
use crate::text::wrap;

/// How far the second and later lines of a message are indented.
const HANGING: usize = 2;

/// Where bytes go.
pub(super) type Stream = Box<dyn Write + Send>;

/// The way to stderr, shared with whatever shows progress.
#[derive(Clone)]
pub(super) struct Messages {
    palette: Palette,
    /// Where lines are wrapped between words; `None` where whoever reads them does so.
    columns: Option<usize>,
    stream: Arc<Mutex<Stream>>,
    pub(super) bars: MultiProgress,
}

impl Messages {
    /// Messages go to that stream, above the bars that are drawn on that target.
    pub(super) fn new(decision: &Decision, stream: Stream, target: ProgressDrawTarget) -> Self {
        Self {
            palette: Palette::when(decision.stderr_colour),
            columns: decision.stderr_terminal.then_some(decision.stderr_width),
            stream: Arc::new(Mutex::new(stream)),
            bars: MultiProgress::with_draw_target(target),
        }
    }

    /// Writes one line. A message that cannot be written is lost: it must never change a result.
    pub(super) fn line(&self, text: &str) {
        self.bars.suspend(|| {
            let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
            let written = writeln!(stream, "{text}").and_then(|()| stream.flush());
            drop(written);
        });
    }

    /// Breaks a text between words where the terminal would break it within one.
    fn wrapped(&self, text: &str) -> String {
        let Some(columns) = self.columns else {
            return text.to_owned();
        };
        let lines = text.lines().flat_map(|line| wrap(line, columns, HANGING));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Says something that is nice to know; silent with `-q`.
    pub(super) fn note(&self, text: &str, volume: Volume) {
        if volume >= Volume::Normal {
            self.line(&self.wrapped(text));
        }
    }

    /// Says something that only `-v` asks for.
    pub(super) fn detail(&self, text: &str, volume: Volume) {
        if volume >= Volume::Verbose {
            self.line(&paint(self.palette.faint, &self.wrapped(text)));
        }
    }

    /// Shows an error: heading, text underlined, causes, help.
    pub(super) fn diagnostic(&self, error: &Error, decision: &Decision) {
        let text = diagnostic::render(error.diagnostic(), decision);
        self.line(text.trim_end());
    }

    /// Writes a warning.
    pub(super) fn warn(&self, text: &str) {
        self.headed(self.palette.doubt, "warning:", text);
    }

    /// Says what went wrong where there is no [`Error`] to show.
    pub(super) fn error(&self, text: &str) {
        self.headed(self.palette.bad, "error:", text);
    }

    fn headed(&self, style: anstyle::Style, head: &str, text: &str) {
        let text = self.wrapped(&format!("{head} {text}"));
        let rest = text.strip_prefix(head).unwrap_or_default();
        self.line(&format!("{}{rest}", paint(style, head)));
    }
}
