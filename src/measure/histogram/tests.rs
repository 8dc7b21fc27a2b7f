//! Histograms lose nothing when they are added up, written, and read again.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn of(values: impl IntoIterator<Item = u64>) -> Histogram {
    let mut histogram = Histogram::default();
    for us in values {
        histogram.record_us(us);
    }
    histogram
}

/// statistics 6: no digits that only the arithmetic left.
#[test]
fn a_mean_is_as_short_as_it_can_be_written() {
    for (us, mean) in [
        (&[95, 96][..], 0.0955),
        (&[80, 81, 81], 0.080_666_667),
        (&[7], 0.007),
    ] {
        let mut histogram = Histogram::default();
        for it in us {
            histogram.record_us(*it);
        }
        assert_eq!(histogram.mean_ms(), Some(mean));
    }
}

#[test]
fn too_few_samples_give_no_percentile() {
    let needed: Vec<u64> = [0.5, 0.9, 0.95, 0.99, 0.999].map(min_samples).to_vec();
    assert_eq!(needed, [6, 36, 72, 368, 3688]);
    assert_eq!(of(1..=71).percentile_ms(0.95, 0), None);
    assert_eq!(of(1..=72).percentile_ms(0.95, 0), Some(0.069));
}

#[test]
fn what_was_still_open_takes_back_the_percentiles_it_could_move() {
    let histogram = of(1001..=2000);
    assert_eq!(
        histogram.percentile_ms(0.5, 5),
        histogram.percentile_ms(0.5, 0)
    );
    assert_eq!(histogram.percentile_ms(0.99, 20), None);
}

#[test]
fn a_histogram_survives_its_encoding() {
    let histogram = of([1, 5, 1000, 123_456, 3_600_000_000]);
    assert_eq!(
        Histogram::decode(&histogram.encode()).unwrap().counts,
        histogram.counts
    );
    assert!(Histogram::decode("AAAA").is_err());
}

#[test]
fn intervals_hold_what_fell_into_them() {
    let mut intervals = Intervals::new(Duration::from_secs(1));
    for (at, ns) in [(0, 1_000), (999_999_999, 2_000), (2_500_000_000, 3_000)] {
        intervals.record(at, ns);
    }
    let found: Vec<(f64, f64, u64)> = intervals
        .finish()
        .iter()
        .map(|(s, e, h)| (*s, *e, h.unpack().count()))
        .collect();
    assert_eq!(found, [(0.0, 1.0, 2), (2.0, 3.0, 1)]);
}

#[test]
fn ranks_are_rounded_outward() {
    let histogram = of([1, 2, 4097]);
    assert_eq!(histogram.rank_ms(2), Some((0.002, 0.002)));
    assert_eq!(histogram.rank_ms(3), Some((4.096, 4.099)));
    assert_eq!(histogram.rank_ms(4), None);
}

/// Returns the reference of that id.
fn vector(id: &str) -> Value {
    let text = include_str!("../../../tests/fixtures/vectors/latency.json");
    let vectors: Vec<Value> = serde_json::from_str(text).unwrap();
    vectors.into_iter().find(|it| it["id"] == id).unwrap()
}

fn whole(value: &Value) -> Vec<u64> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|it| it.as_u64().unwrap()).collect()
}

#[test]
fn buckets_have_the_ends_of_the_reference() {
    let vector = vector("hdr_equivalents");
    let (low, high) = (
        &vector["expected"]["lowest"],
        &vector["expected"]["highest"],
    );
    let ends = whole(low).into_iter().zip(whole(high));
    for (value, (low, high)) in whole(&vector["inputs"]["values"]).into_iter().zip(ends) {
        let found = of([value]).rank_ms(1).unwrap();
        assert_eq!(found, (low as f64 / 1e3, high as f64 / 1e3), "{value}");
    }
}

/// The p95 of three workers is that of all their requests, and not the mean of three.
#[test]
fn workers_are_merged_as_in_the_reference() {
    let vector = vector("hdr_merge_vs_average");
    let mut merged = Histogram::default();
    let mut alone = Vec::new();
    for worker in vector["inputs"]["workers"].as_array().unwrap() {
        let mut own = Histogram::default();
        for (us, count) in worker.as_object().unwrap() {
            for _ in 0..count.as_u64().unwrap() {
                own.record_us(us.parse().unwrap());
            }
        }
        merged.merge(&own);
        alone.push((own.quantile_ms(0.95).unwrap() * 1e3).round() as u64);
    }
    let expected = &vector["expected"];
    assert_eq!(alone, whole(&expected["worker_p95"]));
    let p95 = merged.quantile_ms(0.95).unwrap() * 1e3;
    assert_eq!(Some(p95), expected["merged_p95"].as_f64());
}

#[test]
fn nothing_was_recorded_in_an_empty_one() {
    let empty = Histogram::default();
    assert!(empty.is_empty());
    let figures = [
        empty.mean_ms(),
        empty.min_ms(),
        empty.max_ms(),
        empty.quantile_ms(0.5),
        empty.percentile_ms(0.5, 0),
    ];
    assert_eq!(figures, [None; 5]);
    assert_eq!((empty.rank_ms(1), empty.count_above_ms(0.0)), (None, 0));
    let read = Histogram::decode(&empty.encode()).unwrap();
    assert_eq!(read, empty);
    assert_eq!(empty.pack().unpack(), empty);
}

#[test]
fn a_time_of_centuries_is_recorded_too() {
    let mut histogram = Histogram::default();
    histogram.record_ns(u64::MAX);
    histogram.record_ns(499);
    histogram.record_ns(500);
    assert_eq!(histogram.count(), 3);
    assert_eq!(histogram.rank_ms(1), Some((0.0, 0.0)));
    assert_eq!(histogram.rank_ms(2), Some((0.001, 0.001)));
}

#[test]
fn what_went_back_in_time_counts_in_the_interval_at_hand() {
    let mut intervals = Intervals::new(Duration::from_millis(500));
    for at in [1_600_000_000, 1_400_000_000, 1_999_999_999] {
        intervals.record(at, 1_000);
    }
    let found = intervals.finish();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0, found[0].1), (1.5, 2.0));
    assert_eq!(found[0].2.unpack().count(), 3);
    assert!(Intervals::new(Duration::from_secs(1)).finish().is_empty());
}

fn times() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(0..5_000_000_u64, 1..60)
}

proptest! {
    #[test]
    fn adding_up_does_not_depend_on_the_order(mut one in times(), other in times()) {
        let (mut left, mut right) = (of(one.clone()), of(other.clone()));
        left.merge(&of(other.clone()));
        right.merge(&of(one.clone()));
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(left.encode(), right.encode());
        one.extend(other);
        one.sort_unstable();
        prop_assert_eq!(left.encode(), of(one).encode());
    }

    #[test]
    fn documents_and_packs_keep_every_count(times in times()) {
        let histogram = of(times);
        let text = serde_json::to_string(&histogram).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Histogram>(&text).unwrap(), &histogram);
        let packed = histogram.pack();
        prop_assert_eq!(&packed.unpack(), &histogram);
        prop_assert_eq!(serde_json::to_string(&packed).unwrap(), text.clone());
        prop_assert_eq!(serde_json::from_str::<Packed>(&text).unwrap(), packed);
    }

    #[test]
    fn a_quantile_is_the_value_of_its_rank_to_a_thousandth(
        mut times in times(), share in 0.001..1.0_f64,
    ) {
        let histogram = of(times.clone());
        times.sort_unstable();
        let rank = (share * times.len() as f64).ceil() as usize;
        let exact = times[rank.max(1) - 1] as f64 / 1e3;
        let found = histogram.quantile_ms(share).unwrap();
        prop_assert!((found - exact).abs() <= 0.001 * exact + 1e-9, "{} {}", found, exact);
        let (low, high) = histogram.rank_ms(rank.max(1) as u64).unwrap();
        prop_assert!(low <= exact && exact <= high);
    }

    #[test]
    fn quantiles_and_what_is_above_them_go_one_way(times in times(), a in 0.0..1.0_f64, b in 0.0..1.0_f64) {
        let histogram = of(times);
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(histogram.quantile_ms(low) <= histogram.quantile_ms(high));
        let (low, high) = (low * 5e3, high * 5e3);
        prop_assert!(histogram.count_above_ms(low) >= histogram.count_above_ms(high));
        prop_assert_eq!(histogram.count_above_ms(1e9), 0);
        prop_assert!(histogram.min_ms() <= histogram.mean_ms().map(|it| it + 1e-9));
    }

    #[test]
    fn the_more_is_open_the_less_is_reported(count in 1..4_000_u64, open in 0..50_u64, share in 0.5..0.999_f64) {
        let histogram = of((0..count).map(|i| 1000 + i));
        let reported = histogram.percentile_ms(share, open);
        if let Some(value) = reported {
            prop_assert_eq!(histogram.percentile_ms(share, 0), Some(value));
            prop_assert!(count >= min_samples(share));
        }
        prop_assert!(reported.is_some() || histogram.percentile_ms(share, open + 7).is_none());
    }

    #[test]
    fn a_broken_text_is_an_error_and_no_panic(times in times(), at in 0..400_usize, byte in any::<u8>()) {
        let mut bytes = STANDARD.decode(of(times).encode()).unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(read) = Histogram::decode(&STANDARD.encode(&bytes)) {
            let _whatever = read.quantile_ms(0.99);
        }
        let _short = Histogram::decode(&STANDARD.encode(&bytes[..at]));
        let _random = Histogram::decode(&String::from_utf8_lossy(&bytes));
    }
}

/// Returns an encoding with some bytes of the plain form replaced.
fn spoilt(at: usize, with: &[u8]) -> String {
    let mut bytes = Vec::new();
    V2Serializer::new()
        .serialize(&of([1, 2, 3]).trimmed(), &mut bytes)
        .unwrap();
    bytes[at..at + with.len()].copy_from_slice(with);
    STANDARD.encode(bytes)
}

// security 21
#[test]
fn what_others_announce_is_looked_at_first() {
    for (at, with, said) in [
        (4, u32::MAX.to_be_bytes(), "cut off"),
        (4, 0x7fff_ffff_u32.to_be_bytes(), "cut off"),
        (12, 0_u32.to_be_bytes(), "0 significant digits"),
        (12, 5_u32.to_be_bytes(), "5 significant digits"),
        (0, [0; 4], "no HdrHistogram"),
    ] {
        let error = Histogram::decode(&spoilt(at, &with)).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    let error = Histogram::decode(&"A".repeat((1 << 20) + 4)).unwrap_err();
    assert!(error.contains("larger than 1 MiB"), "{error}");
}

// security 21
#[test]
fn a_histogram_that_inflates_for_ever_is_refused() {
    use std::io::Write as _;

    let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    deflated.write_all(&vec![0; 64 << 20]).unwrap();
    let deflated = deflated.finish().unwrap();
    let mut bytes = vec![0x1c, 0x84, 0x93, 0x14];
    bytes.extend((deflated.len() as u32).to_be_bytes());
    bytes.extend(deflated);
    let error = Histogram::decode(&STANDARD.encode(bytes)).unwrap_err();
    assert!(error.contains("larger than 1 MiB"), "{error}");
}

// security 21
#[test]
fn counts_that_cannot_be_added_up_are_refused() {
    let many = |count: u64| {
        let mut histogram = Histogram::default();
        histogram.counts.record_n(5, count).unwrap();
        histogram
    };
    let most = Histogram::decode(&many(MOST_COUNTED).encode()).unwrap();
    let mut sum = Histogram::default();
    for _ in 0..1000 {
        sum.merge(&most);
    }
    assert_eq!(sum.pack().unpack().count(), 1000 * MOST_COUNTED);
    let error = Histogram::decode(&many(MOST_COUNTED + 1).encode()).unwrap_err();
    assert!(error.contains("counted more than"), "{error}");
}
