//! Numbers, units, plurals, times, and ids as people read them.
//!
//! Text is made with typographic characters (`–`, `−`, `…`); [`super::text::fold`] takes them back
//! to ASCII where a terminal cannot show them.

/// What stands where there is no number.
pub(super) const NONE: &str = "–";

/// Formats with three significant digits, more only where a whole number has them: `0.123`, `12.3`,
/// `1,234`.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = |value: f64| value.abs().log10().floor();
    let scale = 10_f64.powf(2.0 - magnitude(value));
    // Rounded first: 99.96 is 100, not 100.0.
    let rounded = (value * scale).round() / scale;
    let decimals = (2.0 - magnitude(rounded)).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.decimals$}");
    match decimals {
        0 => minus(&group(&text)),
        _ => minus(&text),
    }
}

/// A hyphen is too short to be seen in front of a number.
fn minus(text: &str) -> String {
    text.replace('-', "−")
}

/// Formats a count with a comma between thousands.
pub(super) fn count(value: u64) -> String {
    group(&value.to_string())
}

fn group(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let mut text = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a count with its noun: `1 case`, `2 cases`.
pub(super) fn plural(value: u64, noun: &str) -> String {
    let ending = match (value, noun.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{} {noun}{ending}", count(value))
}

/// The unit of a column of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeUnit {
    Ms,
    S,
}

/// From here on, seconds are easier to read than ms.
const SECONDS_FROM_MS: f64 = 10_000.0;

impl TimeUnit {
    /// Returns the one unit for all of these, in ms.
    pub(super) fn of(values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let largest = values
            .into_iter()
            .flatten()
            .map(f64::abs)
            .fold(0.0, f64::max);
        if largest >= SECONDS_FROM_MS {
            Self::S
        } else {
            Self::Ms
        }
    }

    /// Returns `ms` or `s`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ms => "ms",
            Self::S => "s",
        }
    }

    /// Formats a time in ms, without the unit.
    pub(super) fn show(self, ms: Option<f64>) -> String {
        let scale = match self {
            Self::Ms => 1.0,
            Self::S => 1e-3,
        };
        ms.map_or_else(|| NONE.to_owned(), |ms| number(ms * scale))
    }
}

/// Formats one time in ms with its unit: `12.3 ms`, `12.3 s`.
pub(super) fn time_ms(ms: f64) -> String {
    let unit = TimeUnit::of([Some(ms)]);
    format!("{} {}", unit.show(Some(ms)), unit.name())
}

/// Formats a length of time in seconds: `0.8 s`, `59 s`, `1 min 15 s`, `2 h 5 min`.
pub(super) fn duration_s(seconds: f64) -> String {
    if !seconds.is_finite() {
        return NONE.to_owned();
    }
    if seconds < 10.0 {
        return format!("{} s", (seconds * 10.0).round() / 10.0);
    }
    let whole = seconds.round() as u64;
    let with = |large: u64, unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {small_unit}"),
    };
    match whole {
        0..=119 => format!("{whole} s"),
        120..=7199 => with(whole / 60, "min", whole % 60, "s"),
        _ => with(whole / 3600, "h", whole % 3600 / 60, "min"),
    }
}

/// Formats a share without the sign: `91.0`, `0.17`, `100`. Never rounds to 0 or 100 what is
/// neither.
fn percent_digits(share: f64) -> String {
    let percent = share * 100.0;
    let size = percent.abs();
    if !percent.is_finite() {
        NONE.to_owned()
    } else if percent == 0.0 || size >= 999.5 || (size - 100.0).abs() < 1e-9 {
        group(&format!("{percent:.0}"))
    } else if size < 0.005 {
        "<0.01".to_owned()
    } else if size < 1.0 {
        format!("{percent:.2}")
    } else if (99.95..100.0).contains(&size) {
        format!("{:.2}", percent.clamp(-99.99, 99.99))
    } else {
        format!("{percent:.1}")
    }
}

/// Formats a share: `91.0 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", minus(&percent_digits(share)))
}

/// Formats the ends of an interval of a share: `87.1–94.2`.
pub(super) fn percent_range(low: f64, high: f64) -> String {
    format!("{}–{}", percent_digits(low), percent_digits(high))
}

/// Formats a share with its interval: `91.0 % (87.1–94.2)`.
pub(super) fn percent_interval(value: f64, low: f64, high: f64) -> String {
    format!("{} ({})", percent(value), percent_range(low, high))
}

/// Formats with a sign in front, `+` too.
pub(super) fn signed(value: f64, show: impl Fn(f64) -> String) -> String {
    let sign = match value {
        value if value > 0.0 => "+",
        value if value < 0.0 => "−",
        _ => "",
    };
    format!("{sign}{}", show(value.abs()))
}

/// Formats a change of a share or of a ratio as a number of points or percent, without the unit:
/// `+1.2`.
pub(super) fn signed_percent_digits(change: f64) -> String {
    signed(change, percent_digits)
}

/// Returns as much of a run's id as identifies it in practice. A UUID v7 begins with 48 bits of
/// time in ms: 13 characters with the hyphen.
pub(super) fn short_id(id: &str) -> &str {
    id.char_indices().nth(13).map_or(id, |(end, _)| &id[..end])
}

/// Returns as much of a commit id as git shows.
pub(super) fn short_commit(commit: &str) -> &str {
    commit
        .char_indices()
        .nth(7)
        .map_or(commit, |(end, _)| &commit[..end])
}

/// Returns a release's names as people say them: `v1.2.0 (3f2a1bc)`, with a mark when the work tree
/// differed.
pub(super) fn release(commit: Option<&str>, tag: Option<&str>, dirty: bool) -> String {
    let mut text = match (tag, commit.map(short_commit)) {
        (Some(tag), Some(commit)) => format!("{tag} ({commit})"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "no commit".to_owned(),
    };
    if dirty {
        text.push_str(" + uncommitted changes");
    }
    text
}

/// Returns a horizontal bar of at most `length` columns, in eighths of a column.
pub(super) fn bar(fraction: f64, length: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (fraction.clamp(0.0, 1.0) * length as f64 * 8.0).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

/// Returns one character per count, as high as the count is beside the largest.
pub(super) fn sparkline(counts: &[u64]) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let largest = counts.iter().copied().max().unwrap_or(0).max(1);
    let level = |count: u64| match count {
        0 => ' ',
        // One request in a thousand must still be seen.
        count => LEVELS[((count * 8).div_ceil(largest) as usize).clamp(1, 8) - 1],
    };
    counts.iter().map(|count| level(*count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_significant_digits() {
        let shown = [
            0.0,
            0.000_123_4,
            0.0123,
            0.123_45,
            1.0,
            9.999,
            12.34,
            99.96,
            123.4,
            1234.4,
        ]
        .map(number);
        assert_eq!(
            shown,
            [
                "0", "0.000123", "0.0123", "0.123", "1.00", "10.0", "12.3", "100", "123", "1,234"
            ]
        );
        assert_eq!(number(f64::NAN), "–");
        assert_eq!(number(-12.34), "−12.3");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn a_column_of_times_has_one_unit() {
        let column = [Some(8.0), Some(12_000.0), None];
        let unit = TimeUnit::of(column);
        assert_eq!(column.map(|ms| unit.show(ms)), ["0.00800", "12.0", "–"]);
        assert_eq!(unit.name(), "s");
        assert_eq!(time_ms(9_999.0), "9,999 ms");
        assert_eq!(time_ms(10_000.0), "10.0 s");
    }

    #[test]
    fn shares_never_round_to_all_or_nothing() {
        let shown = [
            0.0, 0.000_01, 0.0017, 0.05, 0.91, 0.9996, 0.999_999, 1.0, -0.031,
        ]
        .map(percent);
        assert_eq!(
            shown,
            [
                "0 %", "<0.01 %", "0.17 %", "5.0 %", "91.0 %", "99.96 %", "99.99 %", "100 %",
                "−3.1 %"
            ]
        );
        assert_eq!(percent_interval(0.91, 0.871, 0.942), "91.0 % (87.1–94.2)");
    }

    #[test]
    fn changes_carry_their_sign() {
        assert_eq!(
            [0.123, -0.041, 0.0].map(signed_percent_digits),
            ["+12.3", "−4.1", "0"]
        );
    }

    #[test]
    fn nouns_agree_with_their_count() {
        assert_eq!(plural(1, "case"), "1 case");
        assert_eq!(plural(0, "case"), "0 cases");
        assert_eq!(plural(2000, "pass"), "2,000 passes");
    }

    #[test]
    fn times_are_read_aloud() {
        let shown = [0.0, 0.84, 9.96, 60.0, 135.0, 3600.0, 7500.0].map(duration_s);
        assert_eq!(
            shown,
            [
                "0 s",
                "0.8 s",
                "10 s",
                "60 s",
                "2 min 15 s",
                "60 min",
                "2 h 5 min"
            ]
        );
    }

    #[test]
    fn ids_and_releases_are_short() {
        assert_eq!(
            short_id("0191a2b3-c4d5-7e6f-8a9b-0c1d2e3f4a5b"),
            "0191a2b3-c4d5"
        );
        assert_eq!(short_id("é"), "é");
        let commit = "3f2a1bc9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3";
        assert_eq!(
            release(Some(commit), Some("v1.2.0"), false),
            "v1.2.0 (3f2a1bc)"
        );
        assert_eq!(
            release(Some(commit), None, true),
            "3f2a1bc + uncommitted changes"
        );
        assert_eq!(release(None, None, false), "no commit");
    }

    #[test]
    fn bars_and_sparklines_show_what_is_small() {
        assert_eq!(bar(0.5, 5), "██▌");
        assert_eq!(bar(7.0, 3), "███");
        assert_eq!(bar(f64::NAN, 3), "");
        assert_eq!(sparkline(&[0, 1, 500, 1000]), " ▁▄█");
        assert_eq!(sparkline(&[0, 0]), "  ");
    }
}
