//! Units are read as they are written, and nothing else is.

use proptest::prelude::*;

use serde::de::IntoDeserializer;

use super::*;

#[test]
fn durations_rates_and_shares_are_read() {
    assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
    assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
    assert_eq!(parse_duration("5m"), Ok(Duration::from_mins(5)));
    assert!((("600/m").parse::<Rate>().unwrap().per_second() - 10.0).abs() < 1e-12);
    assert!((("5%").parse::<Share>().unwrap().value() - 0.05).abs() < 1e-12);
}

#[test]
fn what_is_no_unit_is_refused_with_an_example() {
    for wrong in [
        "", "5", "-1s", "1x", "s", "infs", "nans", "1e3s", "5 s s", "20µ", "20es",
    ] {
        assert!(parse_duration(wrong).is_err(), "{wrong}");
    }
    for wrong in ["20", "0/s", "-3/s", "inf/s", "1/d"] {
        assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
    }
    for wrong in ["101%", "-0.1", "nan", "x"] {
        assert!(wrong.parse::<Share>().is_err(), "{wrong}");
    }
    assert_eq!(
        "20".parse::<Rate>().unwrap_err().to_string(),
        "`20` is not a rate; write it like `20/s`, `600/m`, or `1000/h`"
    );
}

#[test]
fn durations_are_written_as_they_are_read() {
    for text in ["250ms", "1.5s", "5m", "90s", "0ms", "20us"] {
        assert_eq!(show_duration(parse_duration(text).unwrap()), text);
    }
}

#[test]
fn microseconds_may_be_written_with_their_own_sign() {
    for text in ["20us", "20µs", "20\u{3bc}s"] {
        assert_eq!(
            parse_duration(text),
            Ok(Duration::from_micros(20)),
            "{text}"
        );
    }
}

/// A load of one request an hour is not a load of none.
#[test]
fn a_small_rate_is_not_written_as_none() {
    for (rate, shown) in [
        (1.0 / 3600.0, "0.0002778/s"),
        (0.000_012_347, "0.00001235/s"),
        (0.05, "0.05/s"),
        (0.0, "0/s"),
        (0.12345, "0.1235/s"),
        (20.0, "20/s"),
    ] {
        assert_eq!(show_rate(rate), shown);
    }
    assert_eq!("1/h".parse::<Rate>().unwrap().to_string(), "0.0002778/s");
}

#[test]
fn minutes_and_hours_have_both_of_their_names() {
    let rate = |text: &str| text.parse::<Rate>().unwrap().per_second();
    assert!((rate("600/min") - 10.0).abs() < 1e-12);
    assert!((rate(" 36000 / h ") - 10.0).abs() < 1e-12);
    assert_eq!(parse_duration("2min"), parse_duration("120s"));
    assert_eq!(parse_duration("1h"), Ok(Duration::from_hours(1)));
}

#[test]
fn a_rate_at_a_moment_may_be_none_and_a_rate_may_not() {
    assert_eq!("0/s".parse::<AnyRate>().unwrap().per_second(), 0.0);
    assert!("0/s".parse::<Rate>().is_err());
    for wrong in ["-1/s", "nan/s", "inf/s", "0", "/s", "1/"] {
        assert!(wrong.parse::<AnyRate>().is_err(), "{wrong}");
    }
}

/// What TOML and JSON hold: a text, or a number where a number says it all.
#[test]
fn documents_hold_units_as_text_and_shares_as_numbers_too() {
    let share = |value: serde_json::Value| serde_json::from_value::<Share>(value);
    assert_eq!(share(0.05.into()).unwrap(), share("5%".into()).unwrap());
    // TOML has signed integers.
    let whole = |number: i64| {
        let number: de::value::I64Deserializer<de::value::Error> = number.into_deserializer();
        Share::deserialize(number).map(Share::value)
    };
    assert_eq!(whole(1), Ok(1.0));
    assert!(whole(2).is_err() && whole(-1).is_err());
    for wrong in [1.5.into(), "150%".into(), true.into()] {
        assert!(share(wrong).is_err());
    }
    let rate = |value: serde_json::Value| serde_json::from_value::<Rate>(value);
    assert_eq!(rate("600/m".into()).unwrap().per_second(), 10.0);
    let message = rate(20.into()).unwrap_err().to_string();
    assert!(message.contains("a rate such as `20/s`"), "{message}");
    let any = serde_json::from_value::<AnyRate>("0/m".into()).unwrap();
    assert_eq!(any.per_second(), 0.0);
}

proptest! {
    #[test]
    fn what_is_written_is_read_again_to_half_a_thousandth(ns in 0..3_000_000_000_000_000_u64) {
        let duration = Duration::from_nanos(ns);
        let read = parse_duration(&show_duration(duration)).unwrap().as_secs_f64();
        let off = (read - duration.as_secs_f64()).abs();
        prop_assert!(off <= 5.1e-4 * duration.as_secs_f64(), "{}", show_duration(duration));
    }

    #[test]
    fn a_rate_is_read_again_as_it_was_written(power in -7.0..7.0_f64) {
        let rate = 10_f64.powf(power);
        let read = show_rate(rate).parse::<Rate>().unwrap().per_second();
        prop_assert!((read / rate - 1.0).abs() <= 5.1e-4, "{}", show_rate(rate));
        let again = show_rate(read);
        prop_assert_eq!(again, show_rate(rate));
    }

    #[test]
    fn a_share_is_read_again_as_it_was_written(share in 0.0..=1.0_f64) {
        let share = Share::new(share).unwrap();
        let read: Share = share.to_string().parse().unwrap();
        prop_assert!((read.value() - share.value()).abs() <= 5.1e-7);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,12}") {
        let _either = parse_duration(&text);
        if let Ok(rate) = text.parse::<Rate>() {
            prop_assert!(rate.per_second() > 0.0 && rate.per_second().is_finite());
        }
        if let Ok(share) = text.parse::<Share>() {
            prop_assert!((0.0..=1.0).contains(&share.value()));
        }
    }
}
