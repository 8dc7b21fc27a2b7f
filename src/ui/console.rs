//! `Ui`: results to stdout, everything else to stderr, never through one another.

use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressDrawTarget;

use super::decision::{Decision, Options, ProgressKind};
use super::facts::Facts;
use super::message::Message;
use super::messages::{Messages, Stream};
use super::progress::{Bars, Lines};
use crate::error::Error;
use crate::measure::{Event, EventSink};
use crate::palette::Palette;
use crate::text::visible_drawing;

/// What became of a result on its way out.
#[derive(Debug)]
#[must_use = "a result that was not written must show in the exit code"]
pub(crate) enum Written {
    /// All of it was taken.
    Whole,
    /// The reader went away: not an error, but there is no point in writing more.
    Closed,
    /// The result could not be written, for instance because the disk is full.
    Failed(io::Error),
}

/// The one owner of stdout and stderr.
pub(crate) struct Ui {
    decision: Decision,
    stdout: Mutex<Stream>,
    messages: Messages,
}

/// Where the events of engines and experiments are shown: words as messages, progress as bars or
/// lines.
struct Shown {
    decision: Decision,
    messages: Messages,
    /// `None` with `-q`.
    progress: Option<Box<dyn EventSink>>,
}

impl Ui {
    /// Makes the `Ui` of this process.
    pub(crate) fn new(options: Options, facts: &Facts) -> Self {
        let decision = Decision::new(options, facts);
        // Colours that are not wanted are not written. A stripper of colours would take what a
        // stranger wrote for one, and swallow all that follows it.
        #[expect(clippy::disallowed_methods, reason = "this is the one way out")]
        let (stdout, stderr) = (io::stdout(), io::stderr());
        Self::over(decision, Box::new(stdout), Box::new(stderr))
    }

    fn over(decision: Decision, stdout: Stream, stderr: Stream) -> Self {
        let target = match decision.progress {
            ProgressKind::Bar => ProgressDrawTarget::stderr(),
            ProgressKind::Lines | ProgressKind::Hidden => ProgressDrawTarget::hidden(),
        };
        Self {
            decision,
            stdout: Mutex::new(stdout),
            messages: Messages::new(&decision, stderr, target),
        }
    }

    /// Writes a result to stdout and flushes it. The bytes go out as they are: its format has
    /// escaped what is in them.
    pub(crate) fn result(&self, bytes: &[u8]) -> Written {
        let mut stdout = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        let written = self
            .messages
            .bars
            .suspend(|| stdout.write_all(bytes).and_then(|()| stdout.flush()));
        match written {
            Ok(()) => Written::Whole,
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Written::Closed,
            Err(error) => Written::Failed(error),
        }
    }

    /// Says something that is nice to know; silent with `-q`.
    pub(crate) fn note(&self, text: &str) {
        self.messages.note(text, self.decision.volume);
    }

    /// Says something that the user should know, also with `-q`.
    pub(crate) fn warn(&self, text: &str) {
        self.messages.warn(text);
    }

    /// Says what went wrong where there is no [`Error`] to show.
    pub(crate) fn error(&self, text: &str) {
        self.messages.error(text);
    }

    /// Shows an error: heading, text underlined, causes, help.
    pub(crate) fn diagnostic(&self, error: &Error) {
        self.messages.diagnostic(error, &self.decision);
    }

    /// Returns where the events of engines and experiments are shown.
    pub(crate) fn sink(&self) -> Box<dyn EventSink> {
        let messages = self.messages.clone();
        Box::new(Shown {
            decision: self.decision,
            messages: self.messages.clone(),
            progress: match self.decision.progress {
                ProgressKind::Bar => Some(Box::new(Bars::new(messages, self.decision.unicode))),
                ProgressKind::Lines => Some(Box::new(Lines::new(messages))),
                ProgressKind::Hidden => None,
            },
        })
    }

    /// Shows help, which is a result.
    pub(crate) fn help(&self, text: &clap::builder::StyledStr) {
        let text = if self.decision.stdout_colour {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        drop(self.result(text.as_bytes()));
    }

    /// Says how the command line was misunderstood, in the words of its parser.
    pub(crate) fn usage(&self, error: &clap::builder::StyledStr) {
        let plain = error.to_string();
        let text = match visible_drawing(&plain) {
            Cow::Borrowed(_) if self.decision.stderr_colour => error.ansi().to_string(),
            seen => seen.into_owned(),
        };
        let text = text.trim_end().to_owned();
        self.messages.write(&Message::of_escaped(text));
    }

    /// Returns how results are kept from being commands, where the runner of a CI system reads
    /// them.
    pub(crate) const fn is_read_by_a_runner(&self) -> bool {
        self.decision.disarm.is_some()
    }

    /// Returns the columns of stdout.
    pub(crate) const fn width(&self) -> usize {
        self.decision.stdout_width
    }

    /// Returns the lines of the screen that a result has to fit; `None` where none has to.
    pub(crate) const fn screen(&self) -> Option<usize> {
        self.decision.screen
    }

    /// Returns whether more than ASCII may be drawn.
    pub(crate) const fn unicode(&self) -> bool {
        self.decision.unicode
    }

    /// Returns the stylesheet of results on stdout.
    pub(crate) const fn style(&self) -> Palette {
        Palette::when(self.decision.stdout_colour)
    }
}

impl EventSink for Shown {
    fn emit(&self, event: Event) {
        let volume = self.decision.volume;
        match event {
            Event::Warning(text) => self.messages.warn(&text),
            Event::Note(text) => self.messages.note(&text, volume),
            Event::Detail(text) => self.messages.detail(&text, volume),
            Event::Problem(error) => self.messages.diagnostic(&error, &self.decision),
            event => {
                if let Some(progress) = &self.progress {
                    progress.emit(event);
                }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use super::*;
    use crate::ui::ColorWhen;
    use crate::ui::decision::Volume;
    use crate::ui::facts::StreamFacts;

    /// What was written so far, readable from outside.
    #[derive(Clone, Default)]
    pub(crate) struct Tape(Arc<Mutex<Vec<u8>>>);

    impl Tape {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Tape {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Ui {
        pub(in crate::ui) fn messages(&self) -> Messages {
            self.messages.clone()
        }
    }

    pub(crate) fn ui(options: Options) -> (Ui, Tape, Tape) {
        let (out, err) = (Tape::default(), Tape::default());
        let decision = Decision::new(options, &Facts::default());
        let ui = Ui::over(decision, Box::new(out.clone()), Box::new(err.clone()));
        (ui, out, err)
    }

    fn with_volume(volume: Volume) -> (Ui, Tape, Tape) {
        ui(Options {
            volume,
            ..Options::default()
        })
    }

    fn say_everything(ui: &Ui) {
        assert!(matches!(ui.result(b"{}\n"), Written::Whole));
        ui.sink()
            .emit(Event::Detail("connecting to `llm`".to_owned()));
        ui.note("run 0191 stored");
        ui.warn("2 requests were still open");
        ui.error("nothing to compare");
    }

    #[test]
    fn results_go_to_stdout_and_messages_to_stderr() {
        let (ui, out, err) = with_volume(Volume::Normal);
        say_everything(&ui);
        assert_eq!(out.text(), "{}\n");
        assert_eq!(
            err.text(),
            "run 0191 stored\nwarning: 2 requests were still open\nerror: nothing to compare\n"
        );
    }

    #[test]
    fn quiet_keeps_warnings_and_errors_and_verbose_adds_details() {
        let (ui, _, err) = with_volume(Volume::Quiet);
        say_everything(&ui);
        assert_eq!(
            err.text(),
            "warning: 2 requests were still open\nerror: nothing to compare\n"
        );
        let (ui, _, err) = with_volume(Volume::Verbose);
        say_everything(&ui);
        assert!(err.text().starts_with("connecting to `llm`\nrun 0191"));
    }

    #[test]
    fn colour_marks_the_head_only() {
        let (ui, _, err) = ui(Options {
            color: ColorWhen::Always,
            volume: Volume::Normal,
        });
        ui.warn("careful");
        let doubt = Palette::coloured().doubt;
        assert_eq!(err.text(), format!("{doubt}warning:{doubt:#} careful\n"));
    }

    #[test]
    fn a_pipe_closed_early_is_no_error_and_a_full_disk_is() {
        let decision = Decision::new(Options::default(), &Facts::default());
        let over = |kind| {
            let ui = Ui::over(decision, Box::new(Broken(kind)), Box::new(Broken(kind)));
            ui.warn("a message that cannot be written is lost");
            ui.result(b"result")
        };
        assert!(matches!(over(ErrorKind::BrokenPipe), Written::Closed));
        assert!(matches!(over(ErrorKind::StorageFull), Written::Failed(_)));
    }

    /// stumbles S18
    #[test]
    fn a_message_on_a_terminal_is_broken_between_words() {
        let facts = Facts {
            columns: Some(40),
            stderr: StreamFacts {
                terminal: true,
                ..StreamFacts::default()
            },
            ..Facts::default()
        };
        let err = Tape::default();
        let decision = Decision::new(Options::default(), &facts);
        let ui = Ui::over(decision, Box::new(Tape::default()), Box::new(err.clone()));
        ui.note("every smoke test passes: the gate measures and compares");
        ui.warn("the base is older than what is measured now");
        let told = err.text().replace("\u{1b}[33m\u{1b}[1m", "");
        assert!(
            told.starts_with("every smoke test passes: the gate\n  measures and compares\n"),
            "{told}"
        );
        assert!(told.lines().all(|line| line.len() <= 60), "{told}");
        assert!(
            told.contains("\n  is measured now") || told.contains("\n  measured now"),
            "{told}"
        );
    }

    #[test]
    fn what_was_decided_is_told_to_the_reports() {
        let facts = Facts {
            utf8: true,
            columns: Some(72),
            stdout: StreamFacts {
                terminal: true,
                ..StreamFacts::default()
            },
            ..Facts::default()
        };
        let ui = Ui::new(Options::default(), &facts);
        assert_eq!(
            (ui.width(), ui.unicode(), ui.style()),
            (72, true, Palette::coloured())
        );
    }
}
