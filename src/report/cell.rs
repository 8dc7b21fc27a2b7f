//! The cells of a table, by what they hold: how a value is written, and on which side it stands,
//! come from its type.

use super::drawing::Drawing;
use super::format::{NONE, TimeUnit, count, number, percent, time_ms};
use super::text::{clean, cut_off};

/// The characters of a cell: a name of a stranger may be as long as a book.
const LONGEST: usize = 1000;

/// How much a text matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Plain,
    Good,
    Bad,
    Doubt,
    Strong,
    Faint,
}

/// What a cell holds. `None` is a value that is not known.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Cleaned.
    Text(String),
    Count(u64),
    Number(Option<f64>),
    /// In [0, 1].
    Share(Option<f64>),
    /// In ms, with its unit.
    Time(Option<f64>),
    /// In ms, shown in the unit that the head of its column names.
    TimeIn(TimeUnit, Option<f64>),
    Drawing(Drawing),
}

/// One cell of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) value: Value,
    pub(super) tone: Tone,
}

impl Cell {
    /// Makes a cell of text, which may come from outside.
    pub(super) fn toned(tone: Tone, text: impl AsRef<str>) -> Self {
        let text = clean(&cut_off(text.as_ref(), LONGEST));
        Value::Text(text).toned(tone)
    }

    /// Returns it as people read it.
    pub(super) fn text(&self) -> String {
        let known = |value: Option<f64>, show: fn(f64) -> String| {
            value.map_or_else(|| NONE.to_owned(), show)
        };
        match &self.value {
            Value::Text(text) => text.clone(),
            Value::Count(value) => count(*value),
            Value::Number(value) => known(*value, number),
            Value::Share(value) => known(*value, percent),
            Value::Time(value) => known(*value, time_ms),
            Value::TimeIn(unit, value) => unit.show(*value),
            Value::Drawing(drawing) => drawing.text(),
        }
    }

    /// Returns whether it is a number, which stands on the right.
    pub(super) const fn is_number(&self) -> bool {
        match self.value {
            Value::Text(_) | Value::Drawing(_) => false,
            Value::Count(_)
            | Value::Number(_)
            | Value::Share(_)
            | Value::Time(_)
            | Value::TimeIn(..) => true,
        }
    }
}

impl Value {
    /// Makes a cell of that tone.
    pub(super) const fn toned(self, tone: Tone) -> Cell {
        Cell { value: self, tone }
    }
}

impl From<Drawing> for Cell {
    fn from(drawing: Drawing) -> Self {
        Value::Drawing(drawing).into()
    }
}

impl From<Value> for Cell {
    fn from(value: Value) -> Self {
        value.toned(Tone::Plain)
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::toned(Tone::Plain, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_by_its_type_and_what_is_not_known_is_a_dash() {
        let text = |value: Value| Cell::from(value).text();
        for (value, shown) in [
            (Value::Count(1_234), "1,234"),
            (Value::Number(Some(0.5)), "0.500"),
            (Value::Share(Some(0.017)), "1.7 %"),
            (Value::Time(Some(12.34)), "12.3 ms"),
            (Value::TimeIn(TimeUnit::S, Some(12_340.0)), "12.3"),
            (Value::Share(None), NONE),
            (Value::Time(None), NONE),
            (Value::TimeIn(TimeUnit::Ms, None), NONE),
        ] {
            assert_eq!(text(value.clone()), shown);
            assert!(Cell::from(value).is_number());
        }
        assert!(!Cell::from("1,234").is_number());
        assert_eq!(Cell::from("a\u{1b}[31mb\n").text(), "a[31mb");
    }
}
