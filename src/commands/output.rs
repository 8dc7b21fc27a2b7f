//! The result of a command on its way out: to stdout, and to the files of `--out`.

use super::Context;
use crate::args::Out;
use crate::error::Error;
use crate::exit::Status;
use crate::git::Git;
use crate::palette::Palette;
use crate::record::ErrorDocument;
use crate::report::{Brief, Checkout, Doubt, Page, Places, RENDERERS, View, rendered};
use crate::text::{Disarm, visible_drawing, visible_json};
use crate::ui::{Ui, Written};

/// The format for people: its errors go to stderr alone.
pub(super) const HUMAN: &str = "human";

/// The width of human text in a file.
const FILE_WIDTH: usize = 100;

/// Prints why a command line could not be read in the format that it asks for.
pub(crate) fn emit_usage_error(ui: &Ui, format: &str, document: &ErrorDocument) {
    let Some(renderer) = RENDERERS.get(format).filter(|it| it.name() != HUMAN) else {
        return;
    };
    let page = Page {
        width: ui.width(),
        unicode: ui.unicode(),
        palette: Palette::plain(),
        places: Places::default(),
        checkout: Checkout::default(),
        doubt: Doubt::Open,
        next: None,
        brief: None,
        is_read_by_a_runner: ui.is_read_by_a_runner(),
    };
    // The command has failed already: its code stands.
    drop(ui.result(&rendered(renderer, &View::Error(document), &page)));
}

/// How a result is shown where a command knows more than the result itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// What counts as what.
    pub(super) doubt: Doubt,
    /// What to do next.
    pub(super) next: Option<String>,
    /// Where all of it is found, of what is cut to fit a screen; `None` shows all of it anywhere.
    pub(super) rest: Option<String>,
}

impl Context {
    /// Prints a result in the format asked for and returns how the command ends.
    pub(crate) fn emit(&self, view: &View<'_>, status: Status) -> Status {
        self.emit_with(view, status, &Shown::default())
    }

    /// Says why a command has no result: to the user, and, in every format for machines that was
    /// asked for, on stdout and in files.
    pub(crate) fn emit_error(&self, error: &Error) -> u8 {
        self.ui.diagnostic(error);
        let document = ErrorDocument::of(error);
        self.emit_document(&document);
        document.exit
    }

    /// Prints an error document where a format other than the human one was asked for.
    fn emit_document(&self, document: &ErrorDocument) {
        let view = View::Error(document);
        let page = self.page(&Shown::default());
        if self.global.format != HUMAN {
            let renderer = RENDERERS.get(&self.global.format);
            let renderer = renderer.expect("clap takes only registered formats");
            // The command has failed already: its code stands.
            self.written(
                self.ui.result(&rendered(renderer, &view, &page)),
                Status::Passed,
            );
        }
        for out in &self.global.out {
            let _ = self.write_out(out, &view, &page);
        }
    }

    /// Prints a result in the way asked for.
    pub(super) fn emit_with(&self, view: &View<'_>, status: Status, shown: &Shown) -> Status {
        let renderer = RENDERERS
            .get(&self.global.format)
            .expect("clap takes only registered formats");
        let page = self.page(shown);
        let status = self.written(self.ui.result(&rendered(renderer, view, &page)), status);
        let outs = self.global.out.iter();
        outs.fold(status, |status, out| {
            status.and(self.write_out(out, view, &page))
        })
    }

    /// Returns what a result is drawn on, on stdout.
    fn page(&self, shown: &Shown) -> Page {
        Page {
            width: self.ui.width(),
            unicode: self.ui.unicode(),
            palette: self.ui.style(),
            places: self.places.get().cloned().unwrap_or_default(),
            checkout: Checkout {
                root: Git::open(&self.folder()).root(),
            },
            doubt: shown.doubt,
            next: shown.next.clone(),
            brief: self.brief(shown),
            is_read_by_a_runner: self.ui.is_read_by_a_runner(),
        }
    }

    /// Returns the screen that a result has to fit, if there is one.
    fn brief(&self, shown: &Shown) -> Option<Brief> {
        let (rest, rows) = (shown.rest.clone()?, self.ui.screen()?);
        Some(Brief { rows, rest })
    }

    /// Writes a result to a file, as it would go into a pipe.
    fn write_out(&self, out: &Out, view: &View<'_>, page: &Page) -> Status {
        let page = Page {
            width: FILE_WIDTH,
            unicode: true,
            palette: Palette::plain(),
            places: page.places.clone(),
            checkout: page.checkout.clone(),
            doubt: page.doubt,
            next: page.next.clone(),
            brief: None,
            is_read_by_a_runner: page.is_read_by_a_runner,
        };
        let renderer = RENDERERS
            .get(out.format)
            .expect("the flag takes only registered formats");
        let path = self.path(&out.path);
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let made = folder.map_or(Ok(()), std::fs::create_dir_all);
        match made.and_then(|()| std::fs::write(&path, rendered(renderer, view, &page))) {
            Ok(()) => Status::Passed,
            Err(error) => {
                let path = path.display();
                self.ui
                    .error(&format!("`{path}` could not be written: {error}"));
                Status::Unmeasured
            }
        }
    }

    /// Prints lines for people and returns how the command ends.
    pub(crate) fn emit_text(&self, text: &str, status: Status) -> Status {
        self.emit_disarmed(&visible_drawing(text), Disarm::TEXT, status)
    }

    /// Prints a JSON document and returns how the command ends.
    pub(crate) fn emit_json(&self, text: String, status: Status) -> Status {
        self.emit_disarmed(&visible_json(text), Disarm::JSON, status)
    }

    /// Prints what has been escaped; commands in it are broken up where a runner reads it.
    fn emit_disarmed(&self, text: &str, disarm: Disarm, status: Status) -> Status {
        let text = if self.ui.is_read_by_a_runner() {
            disarm.text(text)
        } else {
            text.into()
        };
        self.written(self.ui.result(text.as_bytes()), status)
    }

    /// Prints what is made from the command line alone, and returns how the command ends.
    pub(crate) fn emit_generated(&self, bytes: &[u8]) -> Status {
        self.written(self.ui.result(bytes), Status::Passed)
    }

    /// Whoever closed the pipe has read enough: the command ends as it would have. A result that
    /// could not be written was not delivered.
    fn written(&self, written: Written, status: Status) -> Status {
        match written {
            Written::Whole | Written::Closed => status,
            Written::Failed(error) => {
                self.ui
                    .error(&format!("the result could not be written: {error}"));
                status.and(Status::Unmeasured)
            }
        }
    }
}
