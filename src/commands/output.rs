//! The result of a command on its way out: to stdout, and to the files of `--out`.

use super::Context;
use crate::args::Out;
use crate::exit::Status;
use crate::palette::Palette;
use crate::report::{Doubt, Page, RENDERERS, View};
use crate::ui::Written;

/// The width of human text in a file.
const FILE_WIDTH: usize = 100;

impl Context {
    /// Prints a result in the format asked for and returns how the command ends.
    pub(crate) fn emit(&self, view: &View<'_>, status: Status) -> Status {
        self.emit_with(view, status, Doubt::Open)
    }

    /// Prints a result of which what cannot be told counts as `doubt` says.
    pub(crate) fn emit_with(&self, view: &View<'_>, status: Status, doubt: Doubt) -> Status {
        let renderer = RENDERERS
            .get(&self.global.format)
            .expect("clap takes only registered formats");
        let page = Page {
            width: self.ui.width(),
            unicode: self.ui.unicode(),
            palette: self.ui.style(),
            places: self.places.get().cloned().unwrap_or_default(),
            doubt,
        };
        let status = self.written(self.ui.result(&renderer.render(view, &page)), status);
        let outs = self.global.out.iter();
        outs.fold(status, |status, out| {
            status.and(self.write_out(out, view, &page))
        })
    }

    /// Writes a result to a file, as it would go into a pipe.
    fn write_out(&self, out: &Out, view: &View<'_>, page: &Page) -> Status {
        let page = Page {
            width: FILE_WIDTH,
            unicode: true,
            palette: Palette::plain(),
            places: page.places.clone(),
            doubt: page.doubt,
        };
        let renderer = RENDERERS
            .get(out.format)
            .expect("the flag takes only registered formats");
        let path = self.path(&out.path);
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let made = folder.map_or(Ok(()), std::fs::create_dir_all);
        match made.and_then(|()| std::fs::write(&path, renderer.render(view, &page))) {
            Ok(()) => Status::Passed,
            Err(error) => {
                let path = path.display();
                self.ui
                    .error(&format!("`{path}` could not be written: {error}"));
                Status::Unmeasured
            }
        }
    }

    /// Prints text as it is and returns how the command ends.
    pub(crate) fn emit_text(&self, text: &str, status: Status) -> Status {
        self.written(self.ui.result(text.as_bytes()), status)
    }

    /// Whoever closed the pipe has read enough: the command ends as it would have. A result that could not be written
    /// was not delivered.
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
