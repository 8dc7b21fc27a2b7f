//! Limits: a value in the unit of its metric.

use super::unit::{Better, Unit};
use crate::measure::{Rate, Share, parse_duration};

/// A limit of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limit {
    /// In ms for times, in [0, 1] for shares, per second for rates.
    pub(crate) value: f64,
    pub(crate) unit: Unit,
}

/// How a limit is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Written<'a> {
    Text(&'a str),
    Number(f64),
}

impl Limit {
    /// Reads a limit of that unit; `Err` says what is wrong with it.
    pub(crate) fn read(written: Written<'_>, unit: Unit) -> Result<Self, String> {
        let value = match (written, unit) {
            (Written::Text(text), Unit::Time) => parse_duration(text)
                .map(|time| time.as_secs_f64() * 1e3)
                .map_err(|error| error.to_string()),
            (Written::Number(number), Unit::Time) => Err(format!(
                "`{number}` has no unit; write it like `250ms`, `2s`, or `5m`"
            )),
            (Written::Text(text), Unit::Share) => text
                .parse::<Share>()
                .map(Share::value)
                .map_err(|error| error.to_string()),
            (Written::Number(number), Unit::Share) => Share::new(number)
                .map(Share::value)
                .ok_or_else(|| format!("`{number}` is not a share between 0 and 1")),
            (Written::Text(text), Unit::Rate) => text
                .parse::<Rate>()
                .map(Rate::per_second)
                .map_err(|error| error.to_string()),
            (Written::Text(text), Unit::Number) => number(text.parse().ok(), &text),
            (Written::Number(given), Unit::Rate | Unit::Number) => number(Some(given), &given),
        };
        Ok(Self {
            value: value?,
            unit,
        })
    }

    /// Returns whether a value keeps the limit of something of which more, or less, is better.
    pub(crate) fn is_kept(self, value: f64, better: Better) -> bool {
        match better {
            Better::Higher => value >= self.value,
            Better::Lower | Better::Neither => value <= self.value,
        }
    }
}

fn number(value: Option<f64>, written: &dyn std::fmt::Display) -> Result<f64, String> {
    value
        .filter(|number| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| format!("`{written}` is not a number of zero or more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, unit: Unit) -> Option<f64> {
        Limit::read(Written::Text(text), unit)
            .ok()
            .map(|it| it.value)
    }

    #[test]
    fn a_limit_is_read_in_the_unit_of_its_metric() {
        assert_eq!(read("250ms", Unit::Time), Some(250.0));
        assert_eq!(read("5%", Unit::Share), Some(0.05));
        assert_eq!(read("600/m", Unit::Rate), Some(10.0));
        assert_eq!(read("1.5", Unit::Number), Some(1.5));
        for (wrong, unit) in [
            ("20", Unit::Time),
            ("20/s", Unit::Share),
            ("5%", Unit::Rate),
            ("-1", Unit::Number),
        ] {
            assert_eq!(read(wrong, unit), None, "{wrong}");
        }
        assert!(Limit::read(Written::Number(2.0), Unit::Share).is_err());
        assert!(Limit::read(Written::Number(2.0), Unit::Rate).is_ok());
    }
}
