//! What a result is drawn on: so wide, with these characters, in these colours.

use anstyle::Style;

use super::block::Tone;
use super::places::{Checkout, Places};
use crate::palette::Palette;

/// The surface of one rendering. Formats for machines ignore it.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// In columns; no line gets wider, from 40 up.
    pub(crate) width: usize,
    /// Whether more than ASCII may be drawn.
    pub(crate) unicode: bool,
    pub(crate) palette: Palette,
    /// The manifest's lines, for formats that point at them.
    pub(crate) places: Places,
    /// Where files stand in the repository, for formats that name them so.
    pub(crate) checkout: Checkout,
    pub(crate) doubt: Doubt,
    /// What to do next, where the command knows more of it than the result does.
    pub(crate) next: Option<String>,
    /// Where a comparison is to fit a screen.
    pub(crate) brief: Option<Brief>,
    /// Whether a CI system's runner reads it line by line, and obeys what it takes for commands.
    pub(crate) is_read_by_a_runner: bool,
}

/// A screen, and where what does not fit on it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Brief {
    /// In lines.
    pub(crate) rows: usize,
    /// For instance "`stagegate demo -v`".
    pub(crate) rest: String,
}

/// What is shown where it cannot be told whether something passed: it agrees with the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Neither passed nor failed, as exit code 4 says.
    #[default]
    Open,
    /// As failed, by `--inconclusive fail`.
    Failed,
    /// Nothing to stop for, by `--inconclusive neutral`.
    Neutral,
}

impl Page {
    /// Returns the style of a tone.
    pub(super) const fn style(&self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => Style::new(),
            Tone::Good => self.palette.good,
            Tone::Bad => self.palette.bad,
            Tone::Doubt => self.palette.doubt,
            Tone::Strong => self.palette.strong,
            Tone::Faint => self.palette.faint,
        }
    }
}
