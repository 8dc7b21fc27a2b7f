//! Draws an error with miette: one heading style, the text underlined, help, and one blank line
//! between several.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, Severity, SourceCode, SourceSpan, SpanContents, ThemeCharacters,
    ThemeStyles,
};

use super::decision::{Decision, MAX_PROSE};
use super::message::Message;
use crate::palette::{Palette, paint};
use crate::text::{visible, visible_drawing, visible_lines, wrap};

/// Draws a diagnostic and everything related to it, without a blank line at the end.
pub(super) fn render(diagnostic: &(dyn Diagnostic + Send + Sync), decision: &Decision) -> Message {
    let mut blocks = Vec::new();
    collect(diagnostic, None, decision, &mut blocks);
    Message::of_escaped(blocks.join("\n").trim_end().to_owned())
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
    let source = source.map(Named);
    let source = source.as_ref().map(|it| it as &dyn SourceCode);
    text.push_str(&drawn(&Body { diagnostic, source }, decision));
    text
}

/// Draws the text underlined, and the help.
fn drawn(body: &Body<'_>, decision: &Decision) -> String {
    let draw = |theme| {
        let mut drawn = String::new();
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .with_width(decision.stderr_width.min(MAX_PROSE))
            .without_cause_chain();
        // Writing to a string cannot fail; a span outside its text is drawn by miette as a message
        // of its own.
        let is_drawn = handler.render_report(&mut drawn, body).is_ok();
        // The first line is the heading of `Body`, which is empty: ours stands in its place.
        let lines = drawn.split_inclusive('\n').skip(1);
        lines.filter(|_| is_drawn).collect::<String>()
    };
    let plain = draw(theme(decision, false));
    match visible_drawing(&plain) {
        Cow::Borrowed(_) if decision.stderr_colour => draw(theme(decision, true)),
        // A text that holds what drives a terminal is shown without colour: nobody could tell whose
        // escapes they are.
        seen => seen.into_owned(),
    }
}

/// Breaks our own lines between words where the terminal would break them within one.
fn wrapped(text: &str, decision: &Decision) -> String {
    let text = visible_lines(text);
    if !decision.stderr_terminal {
        return text;
    }
    let lines = text
        .lines()
        .flat_map(|line| wrap(line, decision.stderr_width, 4));
    lines.collect::<Vec<_>>().join("\n")
}

fn theme(decision: &Decision, colour: bool) -> GraphicalTheme {
    let mut theme = GraphicalTheme::none();
    if decision.unicode {
        theme.characters = ThemeCharacters::unicode();
    }
    if colour {
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
        let help = self.diagnostic.help()?;
        Some(Box::new(visible(&help.to_string()).into_owned()))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let seen = |label: LabeledSpan| {
            let text = label.label().map(|it| visible(it).into_owned());
            let span = self.clipped(*label.inner());
            if label.primary() {
                LabeledSpan::new_primary_with_span(text, span)
            } else {
                LabeledSpan::new_with_span(text, span)
            }
        };
        Some(Box::new(self.diagnostic.labels()?.map(seen)))
    }
}

impl Body<'_> {
    /// Shortens what is underlined to what is shown of a line.
    fn clipped(&self, span: SourceSpan) -> SourceSpan {
        let text = self.source.filter(|_| span.len() > SHOWN_AFTER);
        let text = text.and_then(|it| it.read_span(&span, 0, 0).ok());
        let Some(text) = text else {
            return span;
        };
        let from = span.offset().saturating_sub(text.span().offset());
        let rest = text.data().get(from..).unwrap_or_default();
        let length = boundary(rest, SHOWN_AFTER).min(span.len());
        SourceSpan::new(span.offset().into(), length)
    }
}

/// Lines up to this length, in bytes, are shown whole.
const LONGEST_LINE: usize = 400;
/// What is shown of a longer one before the place that is meant and from there on, in bytes.
const SHOWN_BEFORE: usize = 60;
const SHOWN_AFTER: usize = 200;

/// Returns the last place up to `most` at which a text can be cut, in bytes.
fn boundary(text: &[u8], most: usize) -> usize {
    let follows = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
    let mut at = most.min(text.len());
    while follows(&at) && at > 0 {
        at -= 1;
    }
    at
}

/// Returns what is shown of a text around the place at `at`: all of it, or, where a line is long,
/// only what is around that place in its line.
fn window(data: &[u8], at: usize) -> Range<usize> {
    let is_long = |line: &[u8]| line.len() > LONGEST_LINE;
    if !data.split(|byte| *byte == b'\n').any(is_long) {
        return 0..data.len();
    }
    let at = at.min(data.len());
    let begins = data[..at].iter().rposition(|it| *it == b'\n');
    let begins = begins.map_or(0, |end| end + 1);
    let ends = data[at..].iter().position(|it| *it == b'\n');
    let ends = ends.map_or(data.len(), |length| at + length);
    let from = boundary(data, at.saturating_sub(SHOWN_BEFORE)).max(begins);
    from..at + boundary(&data[at..ends], SHOWN_AFTER)
}

fn lines_in(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

/// A text whose name is on one line.
struct Named<'a>(&'a dyn SourceCode);

impl SourceCode for Named<'_> {
    fn read_span<'b>(
        &'b self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'b> + 'b>, MietteError> {
        let found = self.0.read_span(span, before, after)?;
        let (data, column) = (found.data(), found.column());
        let at = span.offset().saturating_sub(found.span().offset());
        let shown = window(data, at);
        // Where what is shown begins in its line, which may be the first that was found.
        let line_begins = data[..shown.start].iter().rposition(|it| *it == b'\n');
        let column = match line_begins {
            Some(end) => shown.start - end - 1,
            None => column + shown.start,
        };
        let line = found.line() + lines_in(&data[..shown.start]);
        let lines = found.line_count();
        let begins = found.span().offset() + shown.start;
        let span = SourceSpan::new(begins.into(), shown.len());
        let data = &data[shown];
        Ok(Box::new(match found.name() {
            Some(name) => MietteSpanContents::new_named(
                visible(name).into_owned(),
                data,
                span,
                line,
                column,
                lines,
            ),
            None => MietteSpanContents::new(data, span, line, column, lines),
        }))
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

    // security 12, 20
    #[test]
    fn a_line_of_a_megabyte_is_cut_to_what_is_around_the_place() {
        let drawn = |text: &str, span: (usize, usize)| {
            let error = Problems {
                text: NamedSource::new("stagegate.toml", text.to_owned()),
                related: vec![UnknownKey { span: span.into() }],
            };
            drawn(&error, &decision(true, ColorWhen::Never))
        };
        let long = "ü".repeat(500_000);
        let last = long.len();
        for text in [
            format!("{long}timout = 1{long}\nb = 2\n"),
            format!("a = 1\n{long}timout = 1{long}\n"),
            format!("{long}timout = 1"),
        ] {
            let at = text.find("timout").unwrap();
            let shown = drawn(&text, (at, 6));
            assert!(shown.contains("üütimout = 1"), "{shown}");
            assert!(shown.len() < 3000, "{}", shown.len());
        }
        // What is underlined may be long itself, and stand before a long line.
        let shown = drawn(&format!("a = 1\n{long} = 1\n"), (6, last));
        assert!(shown.contains("üüüü") && shown.len() < 3000, "{shown}");
        let shown = drawn(&format!("timout = 1\n{long} = 1\n"), (0, 6));
        assert!(
            shown.contains("timout = 1") && shown.len() < 3000,
            "{shown}"
        );
    }

    fn drawn(error: &(dyn Diagnostic + Send + Sync), decision: &Decision) -> String {
        format!("{}\n", render(error, decision).text())
    }

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
        insta::assert_snapshot!(drawn(&problems(), &decision(true, ColorWhen::Never)), @r#"
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
        let text = drawn(&problems(), &decision(false, ColorWhen::Never));
        assert!(text.is_ascii(), "{text}");
        assert!(text.contains("stagegate.toml:2:1"), "{text}");
    }

    #[test]
    fn causes_and_help_follow_the_heading() {
        let error = Unreadable(std::io::Error::other("permission denied"));
        insta::assert_snapshot!(drawn(&error, &decision(false, ColorWhen::Never)), @r"
        error: cannot read `golden/support.jsonl`
          caused by: permission denied
          help: Write the file, or change `golden` of `eval.answers`, whichever is
                easier for you and everyone who will read the manifest after you.
        ");
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let text = drawn(&problems(), &decision(true, ColorWhen::Always));
        assert!(text.contains("\u{1b}["));
        assert_eq!(
            anstream::adapter::strip_str(&text).to_string(),
            drawn(&problems(), &decision(true, ColorWhen::Never))
        );
    }
}
