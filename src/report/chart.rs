//! Charts: numbers until a format draws them. Text formats draw with block characters inside a
//! table.

use super::cell::Value;
use super::drawing::Drawing;
use super::tabular::Table;

/// A chart.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Chart {
    /// How the response times of stages are spread.
    Spreads(Vec<Spread>),
}

/// How values are spread.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) name: String,
    /// The smallest value, in ms.
    pub(super) low_ms: f64,
    /// The values in each bucket; the buckets are equally wide on a logarithmic scale.
    pub(super) counts: Vec<u64>,
    /// The largest value, in ms.
    pub(super) high_ms: f64,
}

impl Chart {
    /// Returns it as a table, for the formats that are text.
    pub(super) fn table(&self) -> Table {
        let Self::Spreads(spreads) = self;
        let mut table = Table::default()
            .text("stage")
            .typed("min")
            .text("response time, log scale")
            .typed("max");
        for spread in spreads {
            table.row(vec![
                spread.name.as_str().into(),
                Value::Time(Some(spread.low_ms)).into(),
                Drawing::Columns(spread.counts.clone()).into(),
                Value::Time(Some(spread.high_ms)).into(),
            ]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::super::cell::Cell;
    use super::*;

    #[test]
    fn a_chart_is_numbers_until_it_is_drawn() {
        let chart = Chart::Spreads(vec![Spread {
            name: "api".to_owned(),
            low_ms: 1.5,
            counts: vec![0, 1, 500, 1_000],
            high_ms: 12_000.0,
        }]);
        let table = chart.table();
        let row: Vec<String> = table.rows[0].iter().map(Cell::text).collect();
        assert_eq!(row, ["api", "1.50 ms", " ▁▄█", "12.0 s"]);
        let right: Vec<bool> = (0..4).map(|at| table.is_right(at)).collect();
        assert_eq!(right, [false, true, false, true]);
    }
}
