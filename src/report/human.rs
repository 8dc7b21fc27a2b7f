//! `human`: for a terminal, readable without colour, never wider than the page.

use super::block::{Block, Table, Title, Tone};
use super::content;
use super::table::{draw, toned};
use super::text::{clean, cut, cut_off, fold, wrap};
use super::view::View;
use super::{Brief, Page, Renderer};
use crate::record::DiffDocument;
use crate::registry::Entry;

/// The `human` format.
pub(super) struct Human;

impl Entry for Human {
    fn name(&self) -> &'static str {
        "human"
    }

    fn summary(&self) -> &'static str {
        "tables for a terminal, the default"
    }
}

/// So much of a paragraph is shown, in characters.
const LONGEST: usize = 5000;

/// Prose wider than this is hard to read.
const MAX_PROSE: usize = 100;

impl Renderer for Human {
    fn render(&self, view: &View<'_>, page: &Page) -> Vec<u8> {
        match (&page.brief, view) {
            (Some(brief), View::Diff(diff)) => short(diff, brief, page),
            _ => drawn(&content::of(view, page), page),
        }
        .into_bytes()
    }
}

/// Says whether a block stands right below another: what belongs to a heading, or follows its like.
const fn stands_close(before: &Block, block: &Block) -> bool {
    matches!(
        (before, block),
        (Block::Heading(_), _)
            | (
                Block::Text(..),
                Block::Text(..) | Block::Line(_) | Block::List(_)
            )
            | (Block::Warning(_), Block::Warning(_))
            | (Block::Title(_), Block::Text(..))
    )
}

/// Draws blocks one below the other.
fn drawn(blocks: &[Block], page: &Page) -> String {
    let mut writer = Writer {
        page,
        text: String::new(),
    };
    writer.blocks(blocks);
    writer.text
}

/// Draws as much of a comparison as fits the screen, the reasons first, and its conclusion last.
fn short(diff: &DiffDocument, brief: &Brief, page: &Page) -> String {
    let rest = Block::Text(Tone::Faint, format!("all of it: {}", brief.rest));
    let conclusion = content::conclusion(&View::Diff(diff), page);
    let conclusion: Vec<Block> = conclusion.into_iter().map(Block::Conclusion).collect();
    let end = format!("\n{}{}", drawn(&[rest], page), drawn(&conclusion, page));
    let mut text = String::new();
    for section in content::sections(diff) {
        let gap = if text.is_empty() { "" } else { "\n" };
        let next = format!("{gap}{}", drawn(&section, page));
        // One line is the prompt's that follows.
        if [&text, &next, &end]
            .map(|it| it.lines().count())
            .iter()
            .sum::<usize>()
            < brief.rows
        {
            text.push_str(&next);
        }
    }
    text + &end
}

struct Writer<'a> {
    page: &'a Page,
    text: String,
}

impl Writer<'_> {
    fn blocks(&mut self, blocks: &[Block]) {
        for (at, block) in blocks.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| &blocks[before]);
            let close = match before {
                Some(before) => stands_close(before, block),
                None => self.text.is_empty(),
            };
            if !close {
                self.text.push('\n');
            }
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Title(title) => self.title(title),
            Block::Heading(text) => self.prose(Tone::Strong, text, 0),
            Block::Text(tone, text) => self.prose(*tone, text, 0),
            Block::Line(text) => {
                let line = cut(&self.folded(text), self.page.width);
                self.line(line.trim_end());
            }
            Block::Table(table) => self.table(table),
            Block::Chart(chart) => self.table(&chart.table()),
            Block::List(items) => self.prose(Tone::Plain, &format!("  {}", items.join(", ")), 2),
            Block::Fold(summary, blocks) => {
                self.prose(Tone::Strong, summary, 0);
                for block in blocks {
                    match block {
                        Block::Text(tone, text) => self.prose(*tone, text, 2),
                        block => self.block(block),
                    }
                }
            }
            Block::Warning(warning) => {
                self.headed("note:", Tone::Doubt, &warning.text(), 6);
                self.prose(Tone::Faint, &format!("      {}", warning.remedy()), 6);
            }
            Block::Conclusion(it) => {
                self.headed(it.outcome.word(), it.outcome.tone(), &it.text(), 2);
            }
        }
    }

    fn table(&mut self, table: &Table) {
        for line in draw(table, self.page) {
            self.line(&line);
        }
    }

    fn title(&mut self, title: &Title) {
        let (word, tone) = (title.outcome.word(), title.outcome.tone());
        self.headed(word, tone, &format!(" {}", title.name), 6);
        if !title.facts.is_empty() {
            self.prose(Tone::Faint, &title.facts.join(" · "), 0);
        }
    }

    /// Writes a paragraph whose first word has a tone of its own.
    fn headed(&mut self, head: &str, tone: Tone, text: &str, hanging: usize) {
        let text = format!("{head} {}", self.folded(text));
        for (at, line) in self.wrapped(&text, hanging).iter().enumerate() {
            let line = match (at, line.strip_prefix(head)) {
                (0, Some(rest)) => format!("{}{rest}", toned(head, tone, self.page)),
                _ => line.clone(),
            };
            self.line(&line);
        }
    }

    fn prose(&mut self, tone: Tone, text: &str, hanging: usize) {
        let folded = self.folded(text);
        for line in self.wrapped(&folded, hanging) {
            let indent = line.len() - line.trim_start().len();
            let (indent, words) = line.split_at(indent);
            let line = format!("{indent}{}", toned(words, tone, self.page));
            self.line(&line);
        }
    }

    fn wrapped(&self, text: &str, hanging: usize) -> Vec<String> {
        wrap(text, self.page.width.min(MAX_PROSE), hanging)
    }

    /// Leading spaces are ours; the rest may come from outside.
    fn folded(&self, text: &str) -> String {
        let words = text.trim_start_matches(' ');
        let indent = &text[..text.len() - words.len()];
        let words = if self.page.unicode {
            clean_keeping_gaps(words)
        } else {
            fold(&clean_keeping_gaps(words))
        };
        format!("{indent}{words}")
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// Cleans word by word, as drawings need their spaces.
fn clean_keeping_gaps(text: &str) -> String {
    let text = cut_off(text, LONGEST);
    text.split(' ').map(clean).collect::<Vec<_>>().join(" ")
}
