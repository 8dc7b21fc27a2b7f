//! Where the time goes, in one sentence.

use crate::record::{Level, Place, ProfileCell, ProfileResult};

/// A stage whose mean grew by less than this under load did not wait for anything worth naming.
const NOTABLE_GROWTH: f64 = 1.2;

/// The whole is at most this share shorter than its parts, or they are not called one after
/// another.
const OVERLAP: f64 = 0.05;
/// What the whole may be spread beyond its parts, in means of the part that is named: less than one
/// call of it.
const UNEXPLAINED: f64 = 0.5;
/// The lower half of the whole is spread at least by this share of what that of a part is which is
/// called for every request, but for what a clock and a machine add, in means of the part. With 200
/// requests of an exponential time, the share falls below it in one profile of a hundred.
const INHERITED: f64 = 0.6;
const BLUR: f64 = 0.1;
/// With fewer calls beside the load a mean says nothing.
const FEWEST_CALLS: u64 = 5;

/// Returns which part takes most of the whole's time under the given load, and which one the load
/// slows most.
///
/// By means, because the means of parts that follow one another add up to the whole's and
/// percentiles do not. A pipeline's parts do follow one another. Of a stage that calls others this
/// cannot be seen: its parts are added up only where none is `nested` in another and the sum is not
/// above the whole, and one is named only where it is the largest even if all that is left of the
/// whole were further calls of another, and where the whole is spread as if it were called for
/// every request. `None` where something was not measured.
pub(super) fn summary(profile: &ProfileResult, nested: &[String]) -> Option<String> {
    let whole = mean(profile, &profile.whole, Place::Inside, Level::Given)?;
    if profile.parts.is_empty() {
        return Some(alone(profile, whole));
    }
    let parts = profile.parts.iter().map(|part| {
        let cell = cell(profile, part, Place::Inside, Level::Given)?;
        Some((part.as_str(), cell.mean?, cell.count))
    });
    let mut parts = parts.collect::<Option<Vec<_>>>()?;
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (first, most, _) = *parts.first()?;
    let (of, load) = (&profile.whole, &profile.load);
    let growth = growth(profile);
    if profile.driven {
        let share = share(most, whole);
        let (most, whole) = (short(most), short(whole));
        return Some(format!(
            "`{first}` takes {share} of the time of `{of}` at {load}: {most} of {whole} ms on average; {growth}."
        ));
    }
    let seldom = parts.iter().find(|it| it.2 < FEWEST_CALLS);
    if let (Some((part, ..)), true) = (seldom, nested.is_empty()) {
        return Some(format!(
            "`{part}` was called fewer than {FEWEST_CALLS} times beside the load, which is too few to say where the time goes: give a longer `--duration`; {growth}."
        ));
    }
    let own = whole - parts.iter().map(|(_, mean, _)| mean).sum::<f64>();
    let second = parts.get(1).map_or(0.0, |it| it.1);
    let adds_up = nested.is_empty() && own >= -OVERLAP * whole;
    let share = share(most, whole);
    let (total, mean) = (short(whole), short(most));
    let is_named =
        adds_up && most > second + own.max(0.0) && is_always_called(profile, first, most);
    Some(if is_named {
        format!(
            "`{first}` takes {share} of the time of `{of}` at {load}: {mean} of {total} ms on average, if `{of}` calls each of its stages once, one after another; {growth}."
        )
    } else {
        let more = if adds_up {
            let own = short(own);
            format!(", {own} ms more than one call of each of its stages")
        } else {
            String::new()
        };
        format!(
            "`{of}` takes {total} ms on average at {load}{more}; its parts cannot be added up: nested, repeated, conditional or parallel calls, or time of its own; traces or proxies tell; {growth}."
        )
    })
}

/// Returns whether the whole is spread as it must be where a part is called for every request: by
/// no call more than all parts together, and no less than the part. Calls for some requests only
/// make two kinds of them, a call apart; and where the others are the half or more, what the part
/// is spread by is not seen among these.
fn is_always_called(profile: &ProfileResult, part: &str, mean: f64) -> bool {
    let of = |stage: &str, place| cell(profile, stage, place, Level::Given)?.spread;
    let Some(whole) = of(&profile.whole, Place::Inside) else {
        return true;
    };
    let most = |part: &String| {
        let both = [Place::Inside, Place::Alone].map(|place| of(part, place));
        let all = both.into_iter().flatten().map(|it| it.below + it.above);
        all.fold(0.0, f64::max)
    };
    let explained: f64 = profile.parts.iter().map(most).sum();
    // Alone it was called often enough to tell.
    let alone = of(part, Place::Alone).map_or(0.0, |it| it.below);
    whole.below + BLUR * mean >= INHERITED * alone
        && whole.below + whole.above <= explained + UNEXPLAINED * mean
}

fn share(part: f64, whole: f64) -> String {
    format!("{:.0} %", (100.0 * part / whole).clamp(0.0, 100.0))
}

fn alone(profile: &ProfileResult, whole: f64) -> String {
    let name = &profile.whole;
    match mean(profile, name, Place::Inside, Level::Low) {
        Some(low) if whole > low * NOTABLE_GROWTH => format!(
            "`{name}` takes {} ms on average at {}, and {} ms when it has nothing else to do: the rest is waiting.",
            short(whole),
            profile.load,
            short(low),
        ),
        _ => format!(
            "`{name}` takes {} ms on average at {}, no more than when it has nothing else to do.",
            short(whole),
            profile.load,
        ),
    }
}

/// Says which part the load slows most, against the part alone at low load.
fn growth(profile: &ProfileResult) -> String {
    let grown = profile.parts.iter().filter_map(|part| {
        let low = mean(profile, part, Place::Alone, Level::Low)?;
        let given = mean(profile, part, Place::Inside, Level::Given)?;
        (low > 0.0).then(|| (given / low, part, low, given))
    });
    match grown.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((ratio, part, low, given)) if ratio >= NOTABLE_GROWTH => format!(
            "the load slows `{part}` most, from {} ms alone to {} ms",
            short(low),
            short(given)
        ),
        _ => "no stage is notably slower than alone".to_owned(),
    }
}

fn mean(profile: &ProfileResult, stage: &str, place: Place, load: Level) -> Option<f64> {
    cell(profile, stage, place, load)?.mean
}

fn cell<'a>(
    profile: &'a ProfileResult,
    stage: &str,
    place: Place,
    load: Level,
) -> Option<&'a ProfileCell> {
    let is_it =
        |cell: &&ProfileCell| cell.stage == *stage && cell.place == place && cell.load == load;
    profile.cells.iter().find(is_it)
}

fn short(ms: f64) -> String {
    if ms < 9.95 {
        format!("{ms:.1}")
    } else {
        format!("{ms:.0}")
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

    use super::super::cell::spread;
    use super::*;
    use crate::measure::Histogram;

    fn profile(driven: bool, cells: &[(&str, Place, Level, f64)]) -> ProfileResult {
        ProfileResult {
            whole: "chat".to_owned(),
            parts: vec!["retrieve".to_owned(), "llm".to_owned()],
            driven,
            load: "20/s".to_owned(),
            cells: cells
                .iter()
                .map(|(stage, place, load, mean)| ProfileCell {
                    stage: (*stage).to_owned(),
                    place: *place,
                    load: *load,
                    count: 100,
                    failed: 0,
                    mean: Some(*mean),
                    p50: None,
                    p95: None,
                    spread: None,
                })
                .collect(),
            ..ProfileResult::default()
        }
    }

    #[test]
    fn the_part_with_most_of_the_time_is_named_and_the_one_that_waits() {
        let cells = [
            ("chat", Place::Inside, Level::Given, 100.0),
            ("retrieve", Place::Inside, Level::Given, 30.0),
            ("llm", Place::Inside, Level::Given, 69.0),
            ("retrieve", Place::Alone, Level::Low, 5.0),
            ("llm", Place::Alone, Level::Low, 66.0),
        ];
        insta::assert_snapshot!(summary(&profile(true, &cells), &[]).unwrap(), @"`llm` takes 69 % of the time of `chat` at 20/s: 69 of 100 ms on average; the load slows `retrieve` most, from 5.0 ms alone to 30 ms.");
        let slow = [&cells[1..], &[("chat", Place::Inside, Level::Given, 300.0)]].concat();
        insta::assert_snapshot!(summary(&profile(false, &slow), &[]).unwrap(), @"`chat` takes 300 ms on average at 20/s, 201 ms more than one call of each of its stages; its parts cannot be added up: nested, repeated, conditional or parallel calls, or time of its own; traces or proxies tell; the load slows `retrieve` most, from 5.0 ms alone to 30 ms.");
    }

    /// What a gateway's profile says of the means that a pipeline shows: of the gateway, and of one
    /// call of each part.
    fn said(gateway: f64, parts: &[(&str, f64)], nested: &[&str]) -> String {
        let whole = [("gateway", gateway)];
        let cells = parts.iter().chain(&whole);
        let cell = |(stage, mean): &(&str, f64)| ProfileCell {
            stage: (*stage).to_owned(),
            place: Place::Inside,
            load: Level::Given,
            count: 12,
            failed: 0,
            mean: Some(*mean),
            p50: None,
            p95: None,
            spread: None,
        };
        let profile = ProfileResult {
            whole: "gateway".to_owned(),
            parts: parts.iter().map(|it| it.0.to_owned()).collect(),
            load: "10/s".to_owned(),
            cells: cells.map(cell).collect(),
            ..ProfileResult::default()
        };
        let nested: Vec<String> = nested.iter().map(ToString::to_string).collect();
        summary(&profile, &nested).unwrap()
    }

    /// Statistics, section 5: the profile is right or silent. The first two of its eight pipelines
    /// are driven, and right above.
    #[test]
    fn what_cannot_be_seen_from_outside_is_not_said() {
        let names = |said: &str, part: &str| said.starts_with(&format!("`{part}` takes"));
        let silent = |said: &str| said.contains("cannot be added up");
        // Own 20, then a 30, b 60, c 10.
        let found = said(121.0, &[("a", 30.5), ("b", 60.5), ("c", 10.5)], &[]);
        assert!(names(&found, "b"), "{found}");
        insta::assert_snapshot!(found, @"`b` takes 50 % of the time of `gateway` at 10/s: 60 of 121 ms on average, if `gateway` calls each of its stages once, one after another; no stage is notably slower than alone.");
        // Gateway 10 → a 10 → b 80.
        let found = said(102.0, &[("a", 91.0), ("b", 80.0)], &["b"]);
        assert!(silent(&found), "{found}");
        insta::assert_snapshot!(found, @"`gateway` takes 102 ms on average at 10/s; its parts cannot be added up: nested, repeated, conditional or parallel calls, or time of its own; traces or proxies tell; no stage is notably slower than alone.");
        // Gateway 10, a 50, b 40 twice; a 60, b 40 twice.
        assert!(silent(&said(142.0, &[("a", 50.5), ("b", 40.5)], &[])));
        assert!(silent(&said(152.0, &[("a", 60.5), ("b", 40.5)], &[])));
        // Gateway 40, a 100 for a fifth of the requests.
        assert!(silent(&said(61.0, &[("a", 100.5)], &[])));
        assert!(silent(&said(71.0, &[("a", 100.0)], &[])));
        // Gateway 10, a 60 beside b 90; and with 100 ms of its own, which hide that.
        assert!(silent(&said(101.0, &[("a", 60.5), ("b", 90.5)], &[])));
        assert!(silent(&said(191.0, &[("a", 60.5), ("b", 90.5)], &[])));
        // Gateway 5 → b, one worker of 50 ms.
        let found = said(71.0, &[("b", 66.0)], &[]);
        assert!(names(&found, "b"), "{found}");
    }

    /// How long a call takes, in ms.
    #[derive(Clone, Copy, Debug)]
    enum Takes {
        Exactly(f64),
        /// Exponentially distributed.
        About(f64),
    }

    struct Chance(ChaCha8Rng);

    impl Chance {
        fn uniform(&mut self) -> f64 {
            (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
        }

        fn call(&mut self, takes: Takes) -> f64 {
            match takes {
                Takes::Exactly(ms) => ms + self.uniform(),
                Takes::About(ms) => -ms * (1.0 - self.uniform()).ln(),
            }
        }
    }

    fn simulated_cell(stage: &str, place: Place, times: &[f64]) -> ProfileCell {
        let mut all = Histogram::default();
        for ms in times {
            all.record_ns((ms * 1e6) as u64);
        }
        ProfileCell {
            stage: stage.to_owned(),
            place,
            load: Level::Given,
            count: all.count(),
            failed: 0,
            mean: all.mean_ms(),
            p50: None,
            p95: None,
            spread: spread(&all),
        }
    }

    /// What the profile of a gateway says that takes so long of its own, 5 ms more or less, and
    /// calls each of its parts for that share of the requests.
    fn simulated(seed: u64, own: f64, parts: &[(&str, Takes, f64)]) -> String {
        let mut chance = Chance(ChaCha8Rng::seed_from_u64(seed));
        let mut cells = Vec::new();
        for (part, takes, _) in parts {
            for (place, calls) in [(Place::Alone, 200), (Place::Inside, 60)] {
                let times: Vec<f64> = (0..calls).map(|_| chance.call(*takes)).collect();
                cells.push(simulated_cell(part, place, &times));
            }
        }
        let mut request = || {
            let mut takes = own - 5.0 + 10.0 * chance.uniform();
            for (_, part, share) in parts {
                if chance.uniform() < *share {
                    takes += chance.call(*part);
                }
            }
            takes
        };
        let whole: Vec<f64> = (0..200).map(|_| request()).collect();
        cells.push(simulated_cell("gateway", Place::Inside, &whole));
        let profile = ProfileResult {
            whole: "gateway".to_owned(),
            parts: parts.iter().map(|it| it.0.to_owned()).collect(),
            load: "10/s".to_owned(),
            cells,
            ..ProfileResult::default()
        };
        summary(&profile, &[]).unwrap()
    }

    /// Statistics 7.9: what is called for some requests only is not taken for what most of the time
    /// goes to, however much time of its own hides that.
    #[test]
    fn a_call_for_some_requests_is_no_culprit() {
        for a in [Takes::Exactly(100.0), Takes::About(100.0)] {
            for share in [0.1, 0.2, 0.3, 0.5] {
                // So that the mean of one call of `a` is more than all that is left of the whole.
                let own = 100.0 * (1.9 - share);
                let wrong = (0..20).filter(|seed| {
                    let said = simulated(*seed, own, &[("a", a, share)]);
                    !said.contains("cannot be added up")
                });
                assert_eq!(wrong.count(), 0, "{a:?} for {share} of the requests");
                let wrong = (0..20).filter(|seed| {
                    let b = ("b", Takes::Exactly(10.0), 1.0);
                    let said = simulated(*seed, own - 10.0, &[("a", a, share), b]);
                    !said.contains("cannot be added up")
                });
                assert_eq!(wrong.count(), 0, "{a:?} for {share} beside `b`");
            }
            // Where it is called for each, it is named still.
            for own in [20.0, 40.0] {
                let b = ("b", Takes::About(20.0), 1.0);
                let named = (0..20).filter(|seed| {
                    simulated(*seed, own, &[("a", a, 1.0), b]).starts_with("`a` takes")
                });
                assert!(
                    named.clone().count() >= 18,
                    "{a:?} {own}: {}",
                    named.count()
                );
            }
        }
    }

    #[test]
    fn few_calls_beside_the_load_say_nothing() {
        let mut few = profile(
            false,
            &[
                ("chat", Place::Inside, Level::Given, 100.0),
                ("retrieve", Place::Inside, Level::Given, 30.0),
                ("llm", Place::Inside, Level::Given, 69.0),
            ],
        );
        few.cells[1].count = 4;
        insta::assert_snapshot!(summary(&few, &[]).unwrap(), @"`retrieve` was called fewer than 5 times beside the load, which is too few to say where the time goes: give a longer `--duration`; no stage is notably slower than alone.");
    }

    #[test]
    fn what_was_not_measured_is_not_told() {
        assert_eq!(
            summary(
                &profile(true, &[("chat", Place::Inside, Level::Given, 100.0)]),
                &[]
            ),
            None
        );
    }
}
