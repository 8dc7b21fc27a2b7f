//! `markdown`: the same content for a pull request comment or a job summary, GitHub-flavoured.

use std::iter::Peekable;
use std::str::Chars;

use super::block::{Block, Cell, Conclusion, Table, Title};
use super::content;
use super::text::sentence;
use super::view::View;
use super::{Page, Renderer};
use crate::registry::Entry;
use crate::text::visible;

/// The `markdown` format.
pub(super) struct Markdown;

impl Entry for Markdown {
    fn name(&self) -> &'static str {
        "markdown"
    }

    fn summary(&self) -> &'static str {
        "GitHub-flavoured Markdown, for a comment or a job summary"
    }
}

impl Renderer for Markdown {
    fn render(&self, view: &View<'_>, page: &Page) -> Vec<u8> {
        let mut text = blocks(&content::of(view, page));
        text.push('\n');
        text.into_bytes()
    }
}

fn blocks(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks.iter().map(block).collect();
    parts.join("\n\n")
}

fn block(block: &Block) -> String {
    match block {
        Block::Title(title) => self::title(title),
        Block::Heading(text) => format!("### {}", prose(text)),
        Block::Text(_, text) => beginning(prose(text)),
        Block::Line(text) => code(text),
        Block::Table(table) => self::table(table),
        Block::Chart(chart) => self::table(&chart.table()),
        Block::List(items) => {
            let items: Vec<String> = items.iter().map(|item| escaped(item)).collect();
            beginning(items.join(", "))
        }
        Block::Fold(summary, inside) => format!(
            "<details>\n<summary>{}</summary>\n\n{}\n\n</details>",
            escaped(summary),
            blocks(inside)
        ),
        Block::Warning(warning) => format!(
            "> [!WARNING]\n> {}\n> {}",
            prose(&warning.text()),
            prose(&warning.remedy())
        ),
        Block::Conclusion(it) => conclusion(it),
    }
}

fn title(title: &Title) -> String {
    let name = escaped(&title.name);
    let outcome = title.outcome;
    let word = sentence_case(outcome.word());
    let heading = format!("## {} {word}: {name}", outcome.emoji());
    if title.facts.is_empty() {
        return heading;
    }
    format!("{heading}\n\n{}", escaped(&title.facts.join(" · ")))
}

/// Returns `Cannot tell` of `CANNOT TELL`.
fn sentence_case(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{first}{}", rest.to_lowercase())
}

fn conclusion(conclusion: &Conclusion) -> String {
    let (emoji, word) = (conclusion.outcome.emoji(), conclusion.outcome.word());
    format!("{emoji} **{word}** {}", prose(&conclusion.text()))
}

fn table(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let mut lines = vec![
        line(
            table
                .columns
                .iter()
                .map(|column| escaped(&column.head))
                .collect(),
        ),
        line(
            (0..table.columns.len())
                .map(|at| if table.is_right(at) { "---:" } else { "---" }.to_owned())
                .collect(),
        ),
    ];
    let cell = |cell: &Cell| escaped(&cell.text());
    lines.extend(
        table
            .rows
            .iter()
            .map(|row| line(row.iter().map(cell).collect())),
    );
    lines.join("\n")
}

/// Writes one of our own sentences: what stands between backticks is code, everything else is shown
/// as it is.
fn prose(text: &str) -> String {
    let text = sentence(text);
    let parts: Vec<&str> = text.split('`').collect();
    // Backticks side by side are a stranger's: they would make a longer fence, and turn what is
    // code into text, and text into code.
    let inner = parts.get(1..parts.len() - 1).unwrap_or_default();
    if parts.len().is_multiple_of(2) || inner.iter().any(|part| part.trim().is_empty()) {
        return escape(&text);
    }
    let part = |(at, part): (usize, &&str)| match at % 2 {
        0 => escape(part),
        _ => format!("`{part}`"),
    };
    parts.iter().enumerate().map(part).collect()
}

/// Writes a drawing, in a fence that is longer than any in it.
fn code(text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}text\n{}\n{fence}", visible(text.trim_end()))
}

/// Keeps the beginning of a paragraph from being a heading, a list, or a line under one.
fn beginning(text: String) -> String {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mark = &text[digits..];
    let is_mark = match mark.chars().next() {
        Some('.' | ')') => digits > 0 && mark[1..].chars().next().is_none_or(|c| c == ' '),
        Some('#' | '-' | '+' | '=') => digits == 0,
        _ => false,
    };
    if is_mark {
        return format!("{}\\{mark}", &text[..digits]);
    }
    text
}

/// Writes a text so that Markdown shows it as it is: nothing in it is markup, HTML, a table's end,
/// or a mention.
fn escaped(text: &str) -> String {
    escape(&sentence(text))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = characters.next() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '|' | '\\' | '*' | '`' | '[' | ']' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            // `response_time.p95` reads better without a backslash, and is safe inside a word.
            '_' if !(before.is_alphanumeric()
                && next_is(&mut characters, char::is_alphanumeric)) =>
            {
                escaped.push_str("\\_");
            }
            // Nobody is to be notified because a model said their name, and no issue to be linked
            // because it said a number.
            '@' => escaped.push_str("@\u{200b}"),
            '#' if next_is(&mut characters, |c| c.is_ascii_digit()) => {
                escaped.push_str("#\u{200b}");
            }
            '!' if next_is(&mut characters, |c| c.is_ascii_digit()) => {
                escaped.push_str("\\!\u{200b}");
            }
            // An image where a link follows.
            '!' if next_is(&mut characters, |c| c == '[') => escaped.push_str("\\!"),
            // What looks like an address is no link.
            ':' if next_is(&mut characters, |c| c == '/') => escaped.push_str(":\u{200b}"),
            '.' if is_www(&escaped) => escaped.push_str("\u{200b}."),
            c => escaped.push(c),
        }
        before = c;
    }
    escaped
}

fn next_is(characters: &mut Peekable<Chars<'_>>, is: impl Fn(char) -> bool) -> bool {
    characters.peek().is_some_and(|next| is(*next))
}

fn is_www(text: &str) -> bool {
    let end = text.get(text.len().saturating_sub(3)..);
    end.is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

#[cfg(test)]
mod tests {
    use super::super::block::Tone;
    use super::*;

    /// security 13
    #[test]
    fn backticks_of_strangers_open_no_fence() {
        for (given, shown) in [
            ("```<img src=x>`", "\\`\\`\\`&lt;img src=x&gt;\\`"),
            ("`` `<b>` ``", "\\`\\` \\`&lt;b&gt;\\` \\`\\`"),
            ("`a``<b>`", "\\`a\\`\\`&lt;b&gt;\\`"),
            ("`a` <b> `c`", "`a` &lt;b&gt; `c`"),
            ("`a` is `b", "\\`a\\` is \\`b"),
            ("` `", "\\` \\`"),
            ("`", "\\`"),
        ] {
            assert_eq!(prose(given), shown, "{given}");
        }
        assert_eq!(
            code("a ``` b\n```` c"),
            "`````text\na ``` b\\n```` c\n`````"
        );
    }

    /// security 13
    #[test]
    fn no_number_name_or_address_is_a_link() {
        for (given, shown) in [
            ("see #12, o/r#3", "see #\u{200b}12, o/r#\u{200b}3"),
            ("!7 and ![x](y)", "\\!\u{200b}7 and \\!\\[x\\](y)"),
            ("well done!", "well done!"),
            ("http://a.example", "http:\u{200b}//a.example"),
            ("HTTPS://x ftp://y", "HTTPS:\u{200b}//x ftp:\u{200b}//y"),
            ("www.a.example", "www\u{200b}.a.example"),
            ("xWWW.b", "xWWW\u{200b}.b"),
            ("a@b.example", "a@\u{200b}b.example"),
            ("10:30 C:\\x", "10:30 C:\\\\x"),
        ] {
            assert_eq!(escaped(given), shown, "{given}");
        }
    }

    /// security 13
    #[test]
    fn no_paragraph_begins_as_something_else() {
        let list = |id: &str| block(&Block::List(vec![id.to_owned(), "b".to_owned()]));
        for (given, shown) in [
            ("# h", "\\# h, b"),
            ("-", "\\-, b"),
            ("+ x", "\\+ x, b"),
            ("1. x", "1\\. x, b"),
            ("12) x", "12\\) x, b"),
            ("===", "\\===, b"),
            ("91.0 %", "91.0 %, b"),
            ("q-1", "q-1, b"),
        ] {
            assert_eq!(list(given), shown, "{given}");
        }
        let text = Block::Text(Tone::Plain, "- [ ] approve".to_owned());
        assert_eq!(block(&text), "\\- \\[ \\] approve");
    }

    #[test]
    fn what_we_set_in_code_stays_code() {
        assert_eq!(prose("`a<b` needs *more*"), "`a<b` needs \\*more\\*");
        assert_eq!(prose("a lone ` tick"), "a lone \\` tick");
    }

    #[test]
    fn nothing_from_outside_is_markup() {
        assert_eq!(
            escaped("a|b <script>*x*</script> `y` [z](u) @team _i_ p_95\n# h"),
            "a\\|b &lt;script&gt;\\*x\\*&lt;/script&gt; \\`y\\` \\[z\\](u) @\u{200b}team \\_i\\_ p_95 # h"
        );
    }
}
