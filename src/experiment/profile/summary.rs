//! Where the time goes, in one sentence.

use crate::record::{Level, Place, ProfileCell, ProfileResult};

/// A stage whose mean grew by less than this under load did not wait for anything worth naming.
const NOTABLE_GROWTH: f64 = 1.2;

/// The whole is at most this share shorter than its parts, or they are not called one after
/// another.
const OVERLAP: f64 = 0.05;
/// With fewer calls beside the load a mean says nothing.
const FEWEST_CALLS: u64 = 5;

/// Returns which part takes most of the whole's time under the given load, and which one the load
/// slows most.
///
/// By means, because the means of parts that follow one another add up to the whole's and
/// percentiles do not. A pipeline's parts do follow one another. Of a stage that calls others this
/// cannot be seen: its parts are added up only where none is `nested` in another and the sum is not
/// above the whole, and one is named only where it is the largest even if all that is left of the
/// whole were further calls of another. `None` where something was not measured.
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
    Some(if adds_up && most > second + own.max(0.0) {
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
    use super::*;

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
