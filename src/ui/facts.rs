//! What the environment says about the terminal, read once at the edge.

use std::ffi::OsString;
use std::io::IsTerminal;

use terminal_size::{Height, Width, terminal_size_of};

/// Everything outside the command line that decides how we print.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// `NO_COLOR` is set and not empty.
    pub(crate) no_color: bool,
    /// `CI` is set and is neither empty nor `false`.
    pub(crate) ci: bool,
    /// A runner reads what is written, line by line, and obeys what it takes for commands:
    /// `GITHUB_ACTIONS` or `TF_BUILD` is set and is neither empty nor `false`.
    pub(crate) runner: bool,
    /// `TERM` is `dumb`: no cursor movement, no colour.
    pub(crate) dumb: bool,
    /// The locale's characters are UTF-8, and the terminal's font is not a bare console's.
    pub(crate) utf8: bool,
    /// `COLUMNS`, where it is a positive number.
    pub(crate) columns: Option<usize>,
    pub(crate) stdout: StreamFacts,
    pub(crate) stderr: StreamFacts,
}

/// What is known about one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamFacts {
    /// Whether a person reads it as it is written.
    pub(crate) terminal: bool,
    /// The terminal's own width.
    pub(crate) columns: Option<usize>,
    /// The terminal's own height, in lines.
    pub(crate) rows: Option<usize>,
}

impl Facts {
    /// Reads the environment of this process.
    pub(crate) fn of_process() -> Self {
        let facts = |terminal, size: Option<(Width, Height)>| StreamFacts {
            terminal,
            columns: size.map(|(Width(columns), _)| columns.into()),
            rows: size.map(|(_, Height(rows))| rows.into()),
        };
        #[expect(clippy::disallowed_methods, reason = "they are asked what they are")]
        let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
        Self {
            stdout: facts(stdout.is_terminal(), terminal_size_of(&stdout)),
            stderr: facts(stderr.is_terminal(), terminal_size_of(&stderr)),
            ..Self::of_variables(|name| std::env::var_os(name))
        }
    }

    /// Reads the environment variables through a function, so that a test needs no process of its
    /// own.
    pub(crate) fn of_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| {
            variable(name)
                .map(|value| value.to_string_lossy().into_owned())
                .filter(|value| !value.is_empty())
        };
        let is_on = |name: &str| text(name).is_some_and(|value| value.to_lowercase() != "false");
        let term = text("TERM").unwrap_or_default();
        // POSIX: the first of these that is set and not empty decides.
        let locale = text("LC_ALL")
            .or_else(|| text("LC_CTYPE"))
            .or_else(|| text("LANG"))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        Self {
            no_color: text("NO_COLOR").is_some(),
            ci: is_on("CI"),
            runner: is_on("GITHUB_ACTIONS") || is_on("TF_BUILD"),
            dumb: term == "dumb",
            utf8: (utf8 && term != "linux") || text("WT_SESSION").is_some(),
            columns: text("COLUMNS")
                .and_then(|columns| columns.parse().ok())
                .filter(|columns| *columns > 0),
            stdout: StreamFacts::default(),
            stderr: StreamFacts::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Facts;

    fn facts(variables: &[(&str, &str)]) -> Facts {
        Facts::of_variables(|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.into())
        })
    }

    #[test]
    fn empty_variables_count_as_unset() {
        assert_eq!(
            facts(&[("NO_COLOR", ""), ("CI", ""), ("COLUMNS", "")]),
            Facts::default()
        );
        assert!(!facts(&[("CI", "false")]).ci);
        assert!(facts(&[("CI", "1")]).ci);
        assert!(facts(&[("GITHUB_ACTIONS", "true")]).runner);
        assert!(facts(&[("TF_BUILD", "True")]).runner);
        assert!(!facts(&[("TF_BUILD", "False"), ("CI", "true")]).runner);
        assert!(facts(&[("NO_COLOR", "0")]).no_color);
        assert!(facts(&[("TERM", "dumb")]).dumb);
    }

    #[test]
    fn only_a_positive_number_of_columns_counts() {
        assert_eq!(facts(&[("COLUMNS", "132")]).columns, Some(132));
        for wrong in ["0", "-1", "wide", "8 0"] {
            assert_eq!(facts(&[("COLUMNS", wrong)]).columns, None, "{wrong}");
        }
    }

    #[test]
    fn the_first_locale_variable_that_is_set_decides_about_unicode() {
        for (variables, utf8) in [
            (&[][..], false),
            (&[("LANG", "C.UTF-8")], true),
            (&[("LANG", "de_DE.utf8")], true),
            (&[("LANG", "de_DE.ISO-8859-1")], false),
            (&[("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")], false),
            (&[("LC_ALL", ""), ("LC_CTYPE", "en_GB.UTF-8")], true),
            (&[("LANG", "en_GB.UTF-8"), ("TERM", "linux")], false),
            (&[("WT_SESSION", "1")], true),
        ] {
            assert_eq!(facts(variables).utf8, utf8, "{variables:?}");
        }
    }
}
