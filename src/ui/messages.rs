//! The way to stderr: one message at a time, above whatever shows progress. What is in it may come
//! from anywhere, and is escaped here, before colours of our own are added.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressDrawTarget};

use super::decision::{Decision, Volume};
use super::diagnostic;
use super::message::Message;
use crate::error::Error;
use crate::palette::{Palette, paint};
use crate::text::{Disarm, visible_lines, wrap};

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
    /// How commands are broken up, where the runner of a CI system reads what is written.
    disarm: Option<Disarm>,
    stream: Arc<Mutex<Stream>>,
    pub(super) bars: MultiProgress,
}

impl Messages {
    /// Messages go to that stream, above the bars that are drawn on that target.
    pub(super) fn new(decision: &Decision, stream: Stream, target: ProgressDrawTarget) -> Self {
        Self {
            palette: Palette::when(decision.stderr_colour),
            columns: decision.stderr_terminal.then_some(decision.stderr_width),
            disarm: decision.disarm,
            stream: Arc::new(Mutex::new(stream)),
            bars: MultiProgress::with_draw_target(target),
        }
    }

    /// Writes one message. One that cannot be written is lost: it must never change a result.
    pub(super) fn write(&self, message: &Message) {
        let text = match self.disarm {
            Some(disarm) => disarm.text(message.text()),
            None => message.text().into(),
        };
        self.bars.suspend(|| {
            let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
            let written = writeln!(stream, "{text}").and_then(|()| stream.flush());
            drop(written);
        });
    }

    /// Writes a line of any origin as it is.
    pub(super) fn line(&self, text: &str) {
        self.write(&Message::from(bounded(text)));
    }

    /// Escapes a text, and breaks it between words where the terminal would break it within one.
    fn wrapped(&self, text: &str) -> String {
        let text = visible_lines(bounded(text));
        let Some(columns) = self.columns else {
            return text;
        };
        let lines = text.lines().flat_map(|line| wrap(line, columns, HANGING));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Says something that is nice to know; silent with `-q`.
    pub(super) fn note(&self, text: &str, volume: Volume) {
        if volume >= Volume::Normal {
            self.write(&Message::of_escaped(self.wrapped(text)));
        }
    }

    /// Says something that only `-v` asks for.
    pub(super) fn detail(&self, text: &str, volume: Volume) {
        if volume >= Volume::Verbose {
            self.write(&Message::of_escaped(paint(
                self.palette.faint,
                &self.wrapped(text),
            )));
        }
    }

    /// Shows an error: heading, text underlined, causes, help.
    pub(super) fn diagnostic(&self, error: &Error, decision: &Decision) {
        self.write(&diagnostic::render(error.diagnostic(), decision));
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
        self.write(&Message::of_escaped(format!(
            "{}{rest}",
            paint(style, head)
        )));
    }
}
/// So many characters of one message are shown: a stranger's part of it may be as long as a book.
const LONGEST: usize = 8000;

fn bounded(text: &str) -> &str {
    let end = text.char_indices().nth(LONGEST);
    end.map_or(text, |(end, _)| &text[..end])
}
