//! Drawings of one line: numbers until a format draws them, text formats with block characters.

use super::format::{bar, sparkline};

/// The length of the longest bar in a text, in characters.
const LENGTH: usize = 20;

/// A chart so small that it stands in a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Drawing {
    /// Columns, each as high as its count.
    Columns(Vec<u64>),
    /// A bar; 1 is the longest of its table. Less than nothing has none.
    Bar(f64),
    /// One that only exists as characters, whose spaces count.
    Characters(String),
}

impl Drawing {
    /// Draws it with block characters.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Columns(counts) => sparkline(counts),
            Self::Bar(fraction) => bar(*fraction, LENGTH),
            Self::Characters(text) => text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_as_long_or_as_high_as_its_numbers() {
        assert_eq!(Drawing::Bar(0.5).text(), "█".repeat(10));
        assert_eq!(Drawing::Bar(-0.5).text(), "");
        assert_eq!(Drawing::Columns(vec![1, 1_000]).text(), "▁█");
        assert_eq!(Drawing::Characters("  x ".to_owned()).text(), "  x ");
    }
}
