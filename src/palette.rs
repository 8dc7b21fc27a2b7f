//! Layer 0: colours by meaning; the one palette of results, messages, and help.

use anstyle::{AnsiColor, Style};

/// What colour says; every text must also read without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Palette {
    /// Passed, met, fixed, improved.
    pub(crate) good: Style,
    /// Failed, missed, broke, regressed; errors.
    pub(crate) bad: Style,
    /// Cannot tell; warnings.
    pub(crate) doubt: Style,
    /// What matters most: titles, names.
    pub(crate) strong: Style,
    /// What matters least: notes, rulers.
    pub(crate) faint: Style,
    /// What can be typed: flags, keys, commands.
    pub(crate) literal: Style,
}

impl Palette {
    /// Returns the palette with colours. Only the terminal's own eight, which its theme keeps
    /// legible.
    pub(crate) const fn coloured() -> Self {
        Self {
            good: AnsiColor::Green.on_default().bold(),
            bad: AnsiColor::Red.on_default().bold(),
            doubt: AnsiColor::Yellow.on_default().bold(),
            strong: Style::new().bold(),
            faint: Style::new().dimmed(),
            literal: AnsiColor::Cyan.on_default(),
        }
    }

    /// Returns the palette that writes no escape code at all.
    pub(crate) const fn plain() -> Self {
        let none = Style::new();
        Self {
            good: none,
            bad: none,
            doubt: none,
            strong: none,
            faint: none,
            literal: none,
        }
    }

    /// Returns the coloured or the plain palette.
    pub(crate) const fn when(coloured: bool) -> Self {
        if coloured {
            Self::coloured()
        } else {
            Self::plain()
        }
    }
}

/// Writes a text in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::{Palette, paint};

    #[test]
    fn the_plain_palette_writes_no_escape_code() {
        assert_eq!(paint(Palette::when(false).bad, "missed"), "missed");
        assert_eq!(
            paint(Palette::when(true).bad, "missed"),
            "\u{1b}[1m\u{1b}[31mmissed\u{1b}[0m"
        );
    }
}
