//! Draws an error with miette: one heading style, the text underlined, help, and one blank line
//! between several.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode,
    ThemeCharacters, ThemeStyles,
};

use super::decision::{Decision, MAX_PROSE};
use crate::palette::{Palette, paint};
use crate::text::wrap;

/// Draws a diagnostic and everything related to it, without a blank line at the end.
pub(super) fn render(diagnostic: &(dyn Diagnostic + Send + Sync), decision: &Decision) -> String {
    let mut blocks = Vec::new();
    collect(diagnostic, None, decision, &mut blocks);
    blocks.join("\n")
}

/// Draws the diagnostic, then each related one at the same level: several errors are several
/// errors.
fn collect<'a>(
    diagnostic: &'a dyn Diagnostic,
    inherited: Option<&'a dyn SourceCode>,
    decision: &Decision,
    blocks: &mut Vec<String>,
) {
    let source = diagnostic.source_code().or(inherited);
    blocks.push(one(diagnostic, source, decision));
    for related in diagnostic.related().into_iter().flatten() {
        collect(related, source, decision, blocks);
    }
}

fn one(
    diagnostic: &dyn Diagnostic,
    source: Option<&dyn SourceCode>,
    decision: &Decision,
) -> String {
    let width = decision.stderr_width.min(MAX_PROSE);
    let palette = Palette::when(decision.stderr_colour);
    let (head, style) = match diagnostic.severity() {
        Some(Severity::Warning) => ("warning:", palette.doubt),
        Some(Severity::Advice) => ("note:", palette.literal),
        Some(Severity::Error) | None => ("error:", palette.bad),
    };
    let heading = wrapped(&format!("{head} {diagnostic}"), decision);
    let heading = heading.strip_prefix(head).unwrap_or_default();
    let mut text = format!("{}{heading}\n", paint(style, head));
    let mut cause = diagnostic.source();
    while let Some(error) = cause {
        const HEAD: &str = "  caused by:";
        let said = wrapped(&format!("{HEAD} {error}"), decision);
        let said = said.strip_prefix(HEAD).unwrap_or_default();
        for part in [&paint(palette.faint, HEAD), said, "\n"] {
            text.push_str(part);
        }
        cause = error.source();
    }
    let body = Body { diagnostic, source };
    let mut drawn = String::new();
    let handler = GraphicalReportHandler::new_themed(theme(decision))
        .with_links(false)
        .with_width(width)
        .without_cause_chain();
    // Writing to a string cannot fail; a span outside its text is drawn by miette as a message of
    // its own.
    if handler.render_report(&mut drawn, &body).is_ok() {
        // The first line is the heading of `Body`, which is empty: ours stands in its place.
        text.extend(drawn.split_inclusive('\n').skip(1));
    }
    text
}

/// Breaks our own lines between words where the terminal would break them within one.
fn wrapped(text: &str, decision: &Decision) -> String {
    if !decision.stderr_terminal {
        return text.to_owned();
    }
    let lines = text
        .lines()
        .flat_map(|line| wrap(line, decision.stderr_width, 4));
    lines.collect::<Vec<_>>().join("\n")
}

fn theme(decision: &Decision) -> GraphicalTheme {
    let mut theme = GraphicalTheme::none();
    if decision.unicode {
        theme.characters = ThemeCharacters::unicode();
    }
    if decision.stderr_colour {
        theme.styles = ThemeStyles::ansi();
    }
    theme
}

/// A diagnostic without its heading and its relatives, which we draw ourselves.
struct Body<'a> {
    diagnostic: &'a dyn Diagnostic,
    source: Option<&'a dyn SourceCode>,
}

impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.diagnostic, f)
    }
}

impl fmt::Display for Body<'_> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Body<'_> {}

impl Diagnostic for Body<'_> {
    fn severity(&self) -> Option<Severity> {
        self.diagnostic.severity()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.diagnostic.labels()
    }
}

#[cfg(test)]
mod tests {
    use miette::{Diagnostic, NamedSource, SourceSpan};

    use super::render;
    use crate::ui::decision::{ColorWhen, Decision, Options, Volume};
    use crate::ui::facts::Facts;

    #[derive(Debug, thiserror::Error, Diagnostic)]
    #[error("unknown key `timout` in `stage.llm`")]
    #[diagnostic(help("Did you mean `timeout`?"))]
    struct UnknownKey {
        #[label("here")]
        span: SourceSpan,
    }

    #[derive(Debug, thiserror::Error, Diagnostic)]
    #[error("2 problems in `stagegate.toml`")]
    struct Problems {
        #[source_code]
        text: NamedSource<String>,
        #[related]
        related: Vec<UnknownKey>,
    }

    #[derive(Debug, thiserror::Error, Diagnostic)]
    #[error("cannot read `golden/support.jsonl`")]
    #[diagnostic(help(
        "Write the file, or change `golden` of `eval.answers`, whichever is easier for you and everyone \
         who will read the manifest after you."
    ))]
    struct Unreadable(#[source] std::io::Error);

    fn decision(unicode: bool, color: ColorWhen) -> Decision {
        let facts = Facts {
            utf8: unicode,
            ..Facts::default()
        };
        let volume = Volume::Normal;
        Decision::new(Options { color, volume }, &facts)
    }

    fn problems() -> Problems {
        let text = "[stage.llm]\ntimout = \"3s\"\n";
        Problems {
            text: NamedSource::new("stagegate.toml", text.to_owned()),
            related: vec![
                UnknownKey {
                    span: (12, 6).into(),
                },
                UnknownKey {
                    span: (21, 4).into(),
                },
            ],
        }
    }

    #[test]
    fn several_errors_stand_apart_each_with_its_heading_text_and_help() {
        insta::assert_snapshot!(render(&problems(), &decision(true, ColorWhen::Never)), @r#"
        error: 2 problems in `stagegate.toml`

        error: unknown key `timout` in `stage.llm`
           ╭─[stagegate.toml:2:1]
         1 │ [stage.llm]
         2 │ timout = "3s"
           · ───┬──
           ·    ╰── here
           ╰────
          help: Did you mean `timeout`?

        error: unknown key `timout` in `stage.llm`
           ╭─[stagegate.toml:2:10]
         1 │ [stage.llm]
         2 │ timout = "3s"
           ·          ──┬─
           ·            ╰── here
           ╰────
          help: Did you mean `timeout`?
        "#);
    }

    #[test]
    fn without_unicode_everything_drawn_is_ascii() {
        let text = render(&problems(), &decision(false, ColorWhen::Never));
        assert!(text.is_ascii(), "{text}");
        assert!(text.contains("stagegate.toml:2:1"), "{text}");
    }

    #[test]
    fn causes_and_help_follow_the_heading() {
        let error = Unreadable(std::io::Error::other("permission denied"));
        insta::assert_snapshot!(render(&error, &decision(false, ColorWhen::Never)), @r"
        error: cannot read `golden/support.jsonl`
          caused by: permission denied
          help: Write the file, or change `golden` of `eval.answers`, whichever is
                easier for you and everyone who will read the manifest after you.
        ");
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let text = render(&problems(), &decision(true, ColorWhen::Always));
        assert!(text.contains("\u{1b}["));
        assert_eq!(
            anstream::adapter::strip_str(&text).to_string(),
            render(&problems(), &decision(true, ColorWhen::Never))
        );
    }
}
