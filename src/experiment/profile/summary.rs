//! Where the time goes, in one sentence.

use crate::record::{Level, Place, ProfileCell, ProfileResult};

/// A stage whose mean grew by less than this under load did not wait for anything worth naming.
const NOTABLE_GROWTH: f64 = 1.2;

/// Returns which part takes most of the whole's time under the given load, and which one the load slows most.
///
/// By means, because the means of parts that follow one another add up to the whole's and percentiles do not. Assumes that
/// they do follow one another: of a stage that calls others at the same time, shares can add up to more than one. `None`
/// where something was not measured.
pub(super) fn summary(profile: &ProfileResult) -> Option<String> {
    let whole = mean(profile, &profile.whole, Place::Inside, Level::Given)?;
    let parts: Option<Vec<(&str, f64)>> = profile
        .parts
        .iter()
        .map(|part| {
            Some((
                part.as_str(),
                mean(profile, part, Place::Inside, Level::Given)?,
            ))
        })
        .collect();
    let mut parts = parts?;
    let own = whole - parts.iter().map(|(_, mean)| mean).sum::<f64>();
    let of = if profile.parts.is_empty() {
        return Some(alone(profile, whole));
    } else {
        &profile.whole
    };
    if !profile.driven {
        parts.push((of, own));
    }
    let (first, most) = *parts.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let subject = if first == of {
        format!("`{of}` itself, with what it waits for,")
    } else {
        format!("`{first}`")
    };
    let share = (100.0 * most / whole).clamp(0.0, 100.0);
    Some(format!(
        "{subject} takes {share:.0} % of the time of `{of}` at {}: {} of {} ms on average; {}.",
        profile.load,
        short(most),
        short(whole),
        growth(profile),
    ))
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
    let is_it =
        |cell: &&ProfileCell| cell.stage == *stage && cell.place == place && cell.load == load;
    profile.cells.iter().find(is_it)?.mean
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
        insta::assert_snapshot!(summary(&profile(true, &cells)).unwrap(), @"`llm` takes 69 % of the time of `chat` at 20/s: 69 of 100 ms on average; the load slows `retrieve` most, from 5.0 ms alone to 30 ms.");
        insta::assert_snapshot!(summary(&profile(false, &[&cells[1..], &[("chat", Place::Inside, Level::Given, 300.0)]].concat())).unwrap(), @"`chat` itself, with what it waits for, takes 67 % of the time of `chat` at 20/s: 201 of 300 ms on average; the load slows `retrieve` most, from 5.0 ms alone to 30 ms.");
    }

    #[test]
    fn what_was_not_measured_is_not_told() {
        assert_eq!(
            summary(&profile(
                true,
                &[("chat", Place::Inside, Level::Given, 100.0)]
            )),
            None
        );
    }
}
