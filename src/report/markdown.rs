//! `markdown`: the same content for a pull request comment or a job summary, GitHub-flavoured.

use super::block::{Block, Cell, Conclusion, Table, Title};
use super::content;
use super::text::clean;
use super::view::View;
use super::{Page, Renderer};
use crate::registry::Entry;

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
        Block::Text(_, text) => prose(text),
        Block::Line(text) => format!("```text\n{}\n```", text.trim_end()),
        Block::Table(table) => self::table(table),
        Block::Chart(chart) => self::table(&chart.table()),
        Block::List(items) => {
            let items: Vec<String> = items.iter().map(|item| escaped(item)).collect();
            items.join(", ")
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
    let text = clean(text);
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped(&text);
    }
    let part = |(at, part): (usize, &&str)| match at % 2 {
        0 => escape(part),
        _ => format!("`{part}`"),
    };
    parts.iter().enumerate().map(part).collect()
}

/// Writes a text so that Markdown shows it as it is: nothing in it is markup, HTML, a table's end,
/// or a mention.
fn escaped(text: &str) -> String {
    escape(&clean(text))
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
                && characters.peek().is_some_and(|next| next.is_alphanumeric())) =>
            {
                escaped.push_str("\\_");
            }
            // Nobody is to be notified because a model said their name.
            '@' => escaped.push_str("@\u{200b}"),
            c => escaped.push(c),
        }
        before = c;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

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
