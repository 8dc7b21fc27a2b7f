//! Colour, width, characters, and kind of progress: decided once from flags and environment.

use clap::builder::Styles;

use super::facts::{Facts, StreamFacts};
use crate::palette::Palette;
use crate::text::Disarm;

/// When to use colour: `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How much to say on stderr: `-q`, `-v`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Volume {
    /// Warnings and errors only.
    Quiet,
    /// Notes and progress too.
    #[default]
    Normal,
    /// Details too.
    Verbose,
}

/// What the command line says about printing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) color: ColorWhen,
    pub(crate) volume: Volume,
}

/// The width where nothing tells it: what fits every terminal and every CI log.
const DEFAULT_WIDTH: usize = 80;

/// Narrower than this no table can be read; such a terminal wraps.
const MIN_WIDTH: usize = 40;

/// The height of a terminal that does not tell it.
const DEFAULT_ROWS: usize = 24;

/// Lower than this no report fits; such a terminal scrolls.
const MIN_ROWS: usize = 16;

/// Prose wider than this is hard to read.
pub(super) const MAX_PROSE: usize = 100;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProgressKind {
    /// A bar that is redrawn in place.
    Bar,
    /// Now and then a line.
    Lines,
    /// Nothing but warnings.
    Hidden,
}

/// Everything that is decided before the first byte is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) stdout_colour: bool,
    pub(super) stderr_colour: bool,
    pub(super) stdout_width: usize,
    pub(super) stderr_width: usize,
    pub(super) stderr_terminal: bool,
    /// The lines of the screen that a result is read on at once; `None` where it is kept (a file, a
    /// pipe, a CI log), or all of it was asked for.
    pub(super) screen: Option<usize>,
    pub(super) unicode: bool,
    pub(super) volume: Volume,
    pub(super) progress: ProgressKind,
    /// How commands are broken up, where the runner of a CI system reads what is written.
    pub(super) disarm: Option<Disarm>,
}

impl Decision {
    pub(super) fn new(options: Options, facts: &Facts) -> Self {
        let width = |stream: StreamFacts| {
            facts
                .columns
                .or(stream.columns.filter(|_| stream.terminal))
                .unwrap_or(DEFAULT_WIDTH)
                .max(MIN_WIDTH)
        };
        let progress = if options.volume == Volume::Quiet {
            ProgressKind::Hidden
        } else if facts.stderr.terminal && !facts.ci && !facts.dumb {
            ProgressKind::Bar
        } else {
            ProgressKind::Lines
        };
        Self {
            stdout_colour: colour(options.color, facts, facts.stdout),
            stderr_colour: colour(options.color, facts, facts.stderr),
            stdout_width: width(facts.stdout),
            stderr_width: width(facts.stderr),
            stderr_terminal: facts.stderr.terminal,
            screen: (facts.stdout.terminal && !facts.ci && options.volume != Volume::Verbose)
                .then(|| facts.stdout.rows.unwrap_or(DEFAULT_ROWS).max(MIN_ROWS)),
            unicode: facts.utf8 && !facts.dumb,
            volume: options.volume,
            progress,
            disarm: match (facts.runner, facts.utf8) {
                (false, _) => None,
                (true, true) => Some(Disarm::TEXT),
                (true, false) => Some(Disarm::ASCII),
            },
        }
    }
}

/// The flag wins over the environment; the environment only ever takes colour away.
fn colour(when: ColorWhen, facts: &Facts, stream: StreamFacts) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto => stream.terminal && !facts.no_color && !facts.dumb,
    }
}

/// Returns the decision in clap's words, for help (stdout) and usage errors (stderr): with colour
/// where both streams have it, as clap takes one choice for the two.
pub(crate) fn clap_color(when: ColorWhen, facts: &Facts) -> clap::ColorChoice {
    let both = colour(when, facts, facts.stdout) && colour(when, facts, facts.stderr);
    match (when, both) {
        (_, false) => clap::ColorChoice::Never,
        (ColorWhen::Always, true) => clap::ColorChoice::Always,
        (ColorWhen::Auto | ColorWhen::Never, true) => clap::ColorChoice::Auto,
    }
}

/// Returns the palette in clap's words.
pub(crate) const fn clap_styles() -> Styles {
    let palette = Palette::coloured();
    Styles::plain()
        .header(palette.strong)
        .usage(palette.strong)
        .literal(palette.literal)
        .placeholder(palette.literal)
        .error(palette.bad)
        .invalid(palette.doubt)
        .valid(palette.good)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: StreamFacts = StreamFacts {
        terminal: true,
        columns: Some(120),
        rows: Some(40),
    };
    const PIPE: StreamFacts = StreamFacts {
        terminal: false,
        columns: None,
        rows: None,
    };

    fn facts() -> Facts {
        Facts {
            utf8: true,
            stdout: TERMINAL,
            stderr: TERMINAL,
            ..Facts::default()
        }
    }

    fn decide(color: ColorWhen, volume: Volume, facts: &Facts) -> Decision {
        Decision::new(Options { color, volume }, facts)
    }

    #[test]
    fn the_colour_flag_wins_and_the_environment_only_takes_away() {
        use ColorWhen::{Always, Auto, Never};
        let with = |no_color, dumb, stdout| Facts {
            no_color,
            dumb,
            stdout,
            ..facts()
        };
        for (color, no_color, dumb, stream, expected) in [
            (Auto, false, false, TERMINAL, true),
            (Auto, false, false, PIPE, false),
            (Auto, true, false, TERMINAL, false),
            (Auto, false, true, TERMINAL, false),
            (Always, false, false, TERMINAL, true),
            (Always, false, false, PIPE, true),
            (Always, true, false, TERMINAL, true),
            (Always, true, true, PIPE, true),
            (Never, false, false, TERMINAL, false),
            (Never, false, false, PIPE, false),
        ] {
            let decision = decide(color, Volume::Normal, &with(no_color, dumb, stream));
            assert_eq!(
                decision.stdout_colour, expected,
                "{color:?} {no_color} {dumb} {stream:?}"
            );
        }
    }

    #[test]
    fn each_stream_is_decided_by_itself() {
        let piped = Facts {
            stdout: PIPE,
            ..facts()
        };
        let decision = decide(ColorWhen::Auto, Volume::Normal, &piped);
        assert!(!decision.stdout_colour);
        assert!(decision.stderr_colour);
        assert_eq!((decision.stdout_width, decision.stderr_width), (80, 120));
    }

    #[test]
    fn ci_takes_away_the_bar_but_not_the_colour_of_its_terminal() {
        let ci = Facts {
            ci: true,
            ..facts()
        };
        let decision = decide(ColorWhen::Auto, Volume::Normal, &ci);
        assert_eq!(decision.progress, ProgressKind::Lines);
        assert!(decision.stderr_colour);
    }

    #[test]
    fn progress_is_a_bar_only_where_a_person_watches() {
        let piped = Facts {
            stderr: PIPE,
            ..facts()
        };
        let dumb = Facts {
            dumb: true,
            ..facts()
        };
        for (facts, volume, expected) in [
            (&facts(), Volume::Normal, ProgressKind::Bar),
            (&facts(), Volume::Verbose, ProgressKind::Bar),
            (&facts(), Volume::Quiet, ProgressKind::Hidden),
            (&piped, Volume::Normal, ProgressKind::Lines),
            (&piped, Volume::Quiet, ProgressKind::Hidden),
            (&dumb, Volume::Normal, ProgressKind::Lines),
        ] {
            assert_eq!(decide(ColorWhen::Auto, volume, facts).progress, expected);
        }
    }

    #[test]
    fn columns_wins_over_the_terminal_and_80_is_the_default() {
        for (columns, stream, expected) in [
            (None, TERMINAL, 120),
            (Some(100), TERMINAL, 100),
            (Some(100), PIPE, 100),
            (None, PIPE, 80),
            (Some(10), PIPE, 40),
        ] {
            let facts = Facts {
                stdout: stream,
                columns,
                ..facts()
            };
            let decision = decide(ColorWhen::Auto, Volume::Normal, &facts);
            assert_eq!(decision.stdout_width, expected);
        }
    }

    #[test]
    fn unicode_needs_the_locale_and_a_terminal_that_is_not_dumb() {
        for (dumb, utf8, expected) in [
            (false, true, true),
            (false, false, false),
            (true, true, false),
        ] {
            let facts = Facts {
                dumb,
                utf8,
                ..facts()
            };
            let decision = decide(ColorWhen::Auto, Volume::Normal, &facts);
            assert_eq!(decision.unicode, expected);
        }
    }

    #[test]
    fn clap_gets_the_same_decision() {
        let piped = Facts {
            stdout: PIPE,
            ..facts()
        };
        for (when, facts, expected) in [
            (ColorWhen::Auto, &facts(), clap::ColorChoice::Auto),
            (ColorWhen::Auto, &piped, clap::ColorChoice::Never),
            (ColorWhen::Always, &piped, clap::ColorChoice::Always),
            (ColorWhen::Never, &facts(), clap::ColorChoice::Never),
        ] {
            assert_eq!(clap_color(when, facts), expected);
        }
    }
}
