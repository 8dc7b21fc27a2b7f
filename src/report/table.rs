//! Tables for a terminal: comfy-table draws, the widths are decided here so that a table never
//! outgrows its page.

use comfy_table::{
    Cell as DrawnCell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle,
    Table as Drawing, TableStyle, Width,
};

use super::block::{Table, Tone};
use super::page::Page;
use super::text::{fold, width, wrap};
use crate::palette::paint;

/// Columns between two columns.
const GAP: usize = 2;

/// A column of text is not squeezed below this while another one is wider.
const READABLE: usize = 8;

/// Draws a table within the page's width, each line without trailing spaces.
pub(super) fn draw(table: &Table, page: &Page) -> Vec<String> {
    let table = fit(&prepared(table, page), page.width);
    let widths = widths(&table, page.width);
    let rule = if page.unicode { '─' } else { '-' };
    let mut drawing = Drawing::new();
    drawing
        .load_style(TableStyle::new().header_separator(LineStyle::none().fill(rule)))
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(
            table
                .columns
                .iter()
                .zip(&widths)
                .map(|(column, width)| marked(&column.head, Tone::Strong, *width, page)),
        );
    for row in &table.rows {
        let cells = row.iter().zip(&widths);
        drawing.add_row(cells.map(|((text, tone), width)| marked(text, *tone, *width, page)));
    }
    let last = table.columns.len().saturating_sub(1);
    for (at, ((column, width), drawn)) in table
        .columns
        .iter()
        .zip(widths)
        .zip(drawing.column_iter_mut())
        .enumerate()
    {
        let gap = if at == last { 0 } else { GAP };
        drawn.set_padding((0, gap as u16));
        drawn.set_constraint(ColumnConstraint::Absolute(Width::Fixed(
            (width + gap) as u16,
        )));
        if column.right {
            drawn.set_cell_alignment(CellAlignment::Right);
        }
    }
    drawing
        .lines()
        .map(|line| coloured(line.trim_end(), page))
        .collect()
}

/// A table as it is drawn: every cell is text, and every side is known.
#[derive(Clone)]
struct Drawn {
    columns: Vec<DrawnColumn>,
    rows: Vec<Vec<(String, Tone)>>,
}

#[derive(Clone)]
struct DrawnColumn {
    head: String,
    right: bool,
    dispensable: u8,
}

/// Writes every cell, folded to what the page can show, before anything is measured.
fn prepared(table: &Table, page: &Page) -> Drawn {
    let text = |text: &str| {
        if page.unicode {
            text.to_owned()
        } else {
            fold(text)
        }
    };
    let columns = table.columns.iter().enumerate();
    let columns = columns.map(|(at, column)| DrawnColumn {
        head: text(&column.head),
        right: table.is_right(at),
        dispensable: column.dispensable,
    });
    let rows = table.rows.iter().map(|row| {
        let cells = row.iter();
        cells.map(|cell| (text(&cell.text()), cell.tone)).collect()
    });
    Drawn {
        columns: columns.collect(),
        rows: rows.collect(),
    }
}

/// Takes away dispensable columns until the rest fits, or none is left to take.
fn fit(table: &Drawn, page_width: usize) -> Drawn {
    let mut table = table.clone();
    while total(&least_widths(&table)) > page_width {
        let victim = table
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.dispensable > 0)
            .max_by_key(|(_, column)| column.dispensable)
            .map(|(at, _)| at);
        let Some(victim) = victim else { break };
        table.columns.remove(victim);
        for row in &mut table.rows {
            row.remove(victim);
        }
    }
    table
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// The width of each column with its content on one line and its head broken at spaces.
fn least_widths(table: &Drawn) -> Vec<usize> {
    let contents = |at: usize| table.rows.iter().map(move |row| width(&row[at].0));
    let head = |column: &DrawnColumn| longest(&column.head, &[' ']);
    table
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| contents(at).fold(head(column).max(1), usize::max))
        .collect()
}

/// The widths to draw: heads on one line where there is room; else the widest column of text gives
/// way, then the widest of all.
fn widths(table: &Drawn, page_width: usize) -> Vec<usize> {
    let mut widths = least_widths(table);
    for (width_now, column) in widths.iter_mut().zip(&table.columns) {
        *width_now = (*width_now).max(width(&column.head));
    }
    let least = least_widths(table);
    // Heads are broken from the right: the first columns are read first.
    for at in (0..widths.len()).rev() {
        if total(&widths) > page_width {
            widths[at] = least[at];
        }
    }
    // First between words, then within them, in the end wherever there is anything left.
    let heads = heads(table);
    let whole_words = longest_words(table, &heads, &[' ']);
    let whole_parts = longest_words(table, &heads, &[' ', '.', '/', '-', '_']);
    let texts = table.columns.iter().zip(heads);
    let squeezed = texts.map(|(column, head)| {
        if column.right {
            usize::MAX
        } else {
            READABLE.max(head)
        }
    });
    let floors = [
        whole_words,
        whole_parts,
        squeezed.collect(),
        vec![1; widths.len()],
    ];
    for floor in floors {
        shrink(&mut widths, &floor, page_width);
    }
    widths
}

/// The width of the longest word in each column's head.
fn heads(table: &Drawn) -> Vec<usize> {
    let columns = table.columns.iter();
    columns
        .map(|column| longest(&column.head, &[' ']))
        .collect()
}

/// The width of the longest word in each column, its head too; words end at these characters.
fn longest_words(table: &Drawn, heads: &[usize], ends: &[char]) -> Vec<usize> {
    let column = |at: usize| table.rows.iter().map(move |row| longest(&row[at].0, ends));
    let heads = heads.iter().enumerate();
    heads
        .map(|(at, head)| column(at).fold((*head).max(1), usize::max))
        .collect()
}

fn longest(text: &str, ends: &[char]) -> usize {
    let words = text.split_inclusive(ends);
    words.map(|word| width(word.trim_end())).max().unwrap_or(0)
}

/// Takes from the widest column that is above its floor until the page is wide enough or every
/// column is at its floor.
fn shrink(widths: &mut [usize], floor: &[usize], page_width: usize) {
    while total(widths) > page_width {
        let above = widths
            .iter()
            .zip(floor)
            .enumerate()
            .filter(|(_, (width, floor))| width > floor);
        let Some((at, _)) = above.max_by_key(|(_, (width, _))| **width) else {
            return;
        };
        widths[at] -= 1;
    }
}

/// Characters of no width that no cleaned text holds: they carry a tone through the drawing, which
/// would count escape codes as text.
const MARKS: [(Tone, char); 5] = [
    (Tone::Good, '\u{2061}'),
    (Tone::Bad, '\u{2062}'),
    (Tone::Doubt, '\u{2063}'),
    (Tone::Strong, '\u{2064}'),
    (Tone::Faint, '\u{200b}'),
];

/// Ends what any of [`MARKS`] began.
const END: char = '\u{2060}';

/// Makes a cell, broken into lines here: between words, a long name after a mark within it.
fn marked(text: &str, tone: Tone, columns: usize, page: &Page) -> DrawnCell {
    // A drawing's spaces count; one that fits is left as it is.
    let text = if width(text) > columns {
        &wrap(text, columns, 0).join("\n")
    } else {
        text
    };
    let mark = MARKS.iter().find(|(marked, _)| *marked == tone);
    let Some((_, mark)) = mark.filter(|_| page.style(tone) != anstyle::Style::new()) else {
        return DrawnCell::new(text);
    };
    // Each word by itself: a cell that is wrapped must not colour its neighbours.
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let bare = word.trim_end_matches([' ', '\n']);
        match bare {
            "" => word.to_owned(),
            bare => format!("{mark}{bare}{END}{}", &word[bare.len()..]),
        }
    });
    DrawnCell::new(words.collect::<String>())
}

fn coloured(line: &str, page: &Page) -> String {
    let mut text = String::with_capacity(line.len());
    let mut open = None;
    for c in line.chars() {
        let style = MARKS
            .iter()
            .find(|(_, mark)| *mark == c)
            .map(|(tone, _)| page.style(*tone));
        match (style, open) {
            (Some(style), _) => {
                text.push_str(&style.render().to_string());
                open = Some(style);
            }
            (None, Some(style)) if c == END => {
                text.push_str(&style.render_reset().to_string());
                open = None;
            }
            (None, None) if c == END => {}
            (None, _) => text.push(c),
        }
    }
    // A word that was broken is coloured up to the end of its line.
    match open {
        Some(style) => text + &style.render_reset().to_string(),
        None => text,
    }
}

/// Paints a text that is not part of a table.
pub(super) fn toned(text: &str, tone: Tone, page: &Page) -> String {
    paint(page.style(tone), text)
}
