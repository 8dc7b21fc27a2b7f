//! Shows an engine's events: a bar on a terminal, now and then a line in CI.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::messages::Messages;
use crate::measure::{Event, EventSink};
use crate::text::visible;

/// Lines come no closer together than this.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Lines come at least this often, so that nobody takes a slow run for a stuck one.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// A line is worth writing when so much more of the run is done.
const STEP: f64 = 0.1;

/// The run at hand, as far as its events have told.
#[derive(Clone, Debug, Default)]
struct Run {
    title: String,
    total: Option<u64>,
    duration: Option<Duration>,
    elapsed: Duration,
    done: u64,
    failed: u64,
    in_flight: u64,
    note: String,
}

impl Run {
    fn update(&mut self, event: Event) {
        match event {
            Event::Started {
                kind,
                name,
                total,
                duration,
            } => {
                *self = Self {
                    title: visible(&format!("{kind} {name}")).into_owned(),
                    total,
                    duration,
                    ..Self::default()
                }
            }
            Event::Progress {
                elapsed,
                done,
                failed,
                in_flight,
                note,
            } => {
                (self.elapsed, self.done, self.failed) = (elapsed, done, failed);
                (self.in_flight, self.note) = (in_flight, visible(&note).into_owned());
            }
            // Words are shown as messages.
            _ => {}
        }
    }

    /// How much of the run is over, in [0, 1]; `None` where its end is unknown.
    fn fraction(&self) -> Option<f64> {
        let by_time = self
            .duration
            .map(|duration| self.elapsed.as_secs_f64() / duration.as_secs_f64());
        let by_count = self.total.map(|total| self.done as f64 / total as f64);
        // A run that has both limits ends with the first one reached.
        let fraction = match (by_time, by_count) {
            (Some(time), Some(count)) => time.max(count),
            (one, other) => one.or(other)?,
        };
        fraction.is_finite().then(|| fraction.clamp(0.0, 1.0))
    }

    fn plan(&self) -> String {
        match (self.duration, self.total) {
            (Some(duration), _) => format!(", {}", seconds(duration)),
            (None, Some(total)) => format!(", {total} planned"),
            (None, None) => String::new(),
        }
    }

    fn state(&self) -> String {
        let mut parts = vec![match self.duration {
            Some(duration) => format!("{} of {}", seconds(self.elapsed), seconds(duration)),
            None => seconds(self.elapsed),
        }];
        parts.push(match self.total {
            Some(total) => format!("{} of {total} done", self.done),
            None => format!("{} done", self.done),
        });
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        if self.in_flight > 0 {
            parts.push(format!("{} in flight", self.in_flight));
        }
        if !self.note.is_empty() {
            parts.push(self.note.clone());
        }
        parts.join(", ")
    }

    fn end(&self, complete: bool) -> String {
        let word = if complete { "finished" } else { "interrupted" };
        let failed = match self.failed {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        format!(
            "{}: {word} after {}, {} done{failed}",
            self.title,
            seconds(self.elapsed),
            self.done
        )
    }
}

/// Whole seconds are enough for progress: `59 s`, `2 min 5 s`.
fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs_f64().round() as u64;
    match (whole / 60, whole % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// Now and then a line.
pub(super) struct Lines {
    messages: Messages,
    state: Mutex<LinesState>,
}

#[derive(Default)]
struct LinesState {
    run: Run,
    last_elapsed: Duration,
    /// How many tenths of the run were over.
    last_steps: u64,
}

impl Lines {
    pub(super) fn new(messages: Messages) -> Self {
        Self {
            messages,
            state: Mutex::default(),
        }
    }
}

impl LinesState {
    /// Returns the line this event is worth, if any. The clock is the events' own.
    fn take(&mut self, event: &Event) -> Option<String> {
        self.run.update(event.clone());
        match event {
            Event::Started { .. } => {
                (self.last_elapsed, self.last_steps) = (Duration::ZERO, 0);
                Some(format!("{}: started{}", self.run.title, self.run.plan()))
            }
            Event::Progress { elapsed, .. } => {
                let silence = elapsed.saturating_sub(self.last_elapsed);
                let fraction = self.run.fraction();
                let steps = fraction.map(|fraction| (fraction / STEP + 1e-9) as u64);
                let moved = steps.is_none_or(|steps| steps > self.last_steps);
                let due = silence >= LONGEST_SILENCE || (moved && silence >= BETWEEN_LINES);
                due.then(|| {
                    self.last_elapsed = *elapsed;
                    self.last_steps = steps.unwrap_or_default();
                    format!("{}: {}", self.run.title, self.run.state())
                })
            }
            Event::Finished { complete } => Some(self.run.end(*complete)),
            _ => None,
        }
    }
}

impl EventSink for Lines {
    fn emit(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = state.take(&event) {
            self.messages.line(&line);
        }
    }
}

/// A bar per run, one below the other, cleared when its run is over.
pub(super) struct Bars {
    messages: Messages,
    unicode: bool,
    state: Mutex<(Run, Option<ProgressBar>)>,
}

/// The bar's resolution.
const BAR_LENGTH: u64 = 1000;

impl Bars {
    pub(super) fn new(messages: Messages, unicode: bool) -> Self {
        Self {
            messages,
            unicode,
            state: Mutex::default(),
        }
    }

    fn bar(&self, run: &Run) -> ProgressBar {
        let (template, length) = match run.fraction() {
            Some(_) => ("{prefix} [{bar:12}] {wide_msg}", Some(BAR_LENGTH)),
            None => ("{prefix} {spinner} {wide_msg}", None),
        };
        let (bar, spinner) = if self.unicode {
            ("█▉▊▋▌▍▎▏ ", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
        } else {
            ("=> ", "-\\|/ ")
        };
        let style = ProgressStyle::with_template(template)
            .expect("the template is a constant that a test parses")
            .progress_chars(bar)
            .tick_chars(spinner);
        let new = match length {
            Some(length) => ProgressBar::new(length),
            None => ProgressBar::no_length(),
        };
        // Added first: a bar outside the group would draw over the others.
        self.messages
            .bars
            .add(new)
            .with_style(style)
            .with_prefix(run.title.clone())
    }
}

impl EventSink for Bars {
    fn emit(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (run, bar) = &mut *state;
        run.update(event.clone());
        match event {
            Event::Started { .. } => {
                if let Some(old) = bar.replace(self.bar(run)) {
                    old.finish_and_clear();
                }
            }
            Event::Progress { .. } => {
                if let Some(bar) = bar {
                    bar.set_message(run.state());
                    match run.fraction() {
                        Some(fraction) => bar.set_position((fraction * BAR_LENGTH as f64) as u64),
                        None => bar.tick(),
                    }
                }
            }
            Event::Finished { complete } => {
                if let Some(bar) = bar.take() {
                    bar.finish_and_clear();
                }
                self.messages.line(&run.end(complete));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::console::tests::ui;
    use crate::ui::decision::{Options, Volume};

    fn started(total: Option<u64>, duration: Option<u64>) -> Event {
        Event::Started {
            kind: "load",
            name: "peak".to_owned(),
            total,
            duration: duration.map(Duration::from_secs),
        }
    }

    fn at(elapsed: f64, done: u64) -> Event {
        Event::Progress {
            elapsed: Duration::from_secs_f64(elapsed),
            done,
            failed: done / 100,
            in_flight: 3,
            note: "p95 12.3 ms".to_owned(),
        }
    }

    fn told(volume: Volume, events: impl IntoIterator<Item = Event>) -> String {
        let (ui, _, err) = ui(Options {
            volume,
            ..Options::default()
        });
        let sink = ui.sink();
        for event in events {
            sink.emit(event);
        }
        err.text()
    }

    #[test]
    fn a_ci_log_gets_a_line_now_and_then() {
        let quarter_seconds = (1..=240_u32).map(|tick| at(f64::from(tick) / 4.0, tick.into()));
        let events = [started(None, Some(60))]
            .into_iter()
            .chain(quarter_seconds)
            .chain([Event::Finished { complete: true }]);
        insta::assert_snapshot!(told(Volume::Normal, events), @r"
        load peak: started, 1 min
        load peak: 6 s of 1 min, 24 done, 3 in flight, p95 12.3 ms
        load peak: 12 s of 1 min, 48 done, 3 in flight, p95 12.3 ms
        load peak: 18 s of 1 min, 72 done, 3 in flight, p95 12.3 ms
        load peak: 24 s of 1 min, 96 done, 3 in flight, p95 12.3 ms
        load peak: 30 s of 1 min, 120 done, 1 failed, 3 in flight, p95 12.3 ms
        load peak: 36 s of 1 min, 144 done, 1 failed, 3 in flight, p95 12.3 ms
        load peak: 42 s of 1 min, 168 done, 1 failed, 3 in flight, p95 12.3 ms
        load peak: 48 s of 1 min, 192 done, 1 failed, 3 in flight, p95 12.3 ms
        load peak: 54 s of 1 min, 216 done, 2 failed, 3 in flight, p95 12.3 ms
        load peak: 1 min of 1 min, 240 done, 2 failed, 3 in flight, p95 12.3 ms
        load peak: finished after 1 min, 240 done, 2 failed
        ");
    }

    #[test]
    fn a_long_run_is_never_silent_for_long_and_a_short_one_has_no_lines_between() {
        let long = [started(Some(100_000), Some(3600))]
            .into_iter()
            .chain((1..=65_u32).map(|second| at(f64::from(second), second.into())));
        insta::assert_snapshot!(told(Volume::Normal, long), @r"
        load peak: started, 60 min
        load peak: 30 s of 60 min, 30 of 100000 done, 3 in flight, p95 12.3 ms
        load peak: 1 min of 60 min, 60 of 100000 done, 3 in flight, p95 12.3 ms
        ");
        let short = [
            started(Some(8), None),
            at(0.5, 4),
            at(1.0, 8),
            Event::Finished { complete: true },
        ];
        insta::assert_snapshot!(told(Volume::Normal, short), @r"
        load peak: started, 8 planned
        load peak: finished after 1 s, 8 done
        ");
    }

    #[test]
    fn a_run_whose_end_is_unknown_tells_every_five_seconds() {
        let events = [
            started(None, None),
            at(4.9, 10),
            at(5.0, 11),
            at(9.0, 20),
            at(10.0, 21),
        ];
        insta::assert_snapshot!(told(Volume::Normal, events), @r"
        load peak: started
        load peak: 5 s, 11 done, 3 in flight, p95 12.3 ms
        load peak: 10 s, 21 done, 3 in flight, p95 12.3 ms
        ");
    }

    #[test]
    fn warnings_get_through_even_when_quiet_and_interruptions_are_named() {
        let events = [
            started(None, Some(60)),
            Event::Warning("the steal time of this machine is 4 %".to_owned()),
            at(12.0, 240),
            Event::Finished { complete: false },
        ];
        insta::assert_snapshot!(told(Volume::Quiet, events.clone()), @"warning: the steal time of this machine is 4 %");
        insta::assert_snapshot!(told(Volume::Normal, events), @r"
        load peak: started, 1 min
        warning: the steal time of this machine is 4 %
        load peak: 12 s of 1 min, 240 done, 2 failed, 3 in flight, p95 12.3 ms
        load peak: interrupted after 12 s, 240 done, 2 failed
        ");
    }

    #[test]
    fn a_bar_is_drawn_for_every_kind_of_run_and_taken_away_at_its_end() {
        let (ui, _, err) = ui(Options::default());
        for unicode in [true, false] {
            for plan in [(None, Some(60)), (Some(8), None), (None, None)] {
                let bars = Bars::new(ui.messages(), unicode);
                bars.emit(started(plan.0, plan.1));
                bars.emit(at(30.0, 4));
                let shown = {
                    let state = bars.state.lock().unwrap();
                    let bar = state.1.as_ref().unwrap();
                    (
                        bar.prefix(),
                        bar.message(),
                        bar.length().map(|_| bar.position()),
                    )
                };
                let position = (plan != (None, None)).then_some(BAR_LENGTH / 2);
                assert_eq!(shown.0, "load peak");
                assert!(shown.1.ends_with("4 done, 3 in flight, p95 12.3 ms") || plan.0.is_some());
                assert_eq!(shown.2, position);
                bars.emit(Event::Finished { complete: true });
                assert!(bars.state.lock().unwrap().1.is_none());
            }
        }
        assert_eq!(
            err.text(),
            "load peak: finished after 30 s, 4 done\n".repeat(6)
        );
    }

    #[test]
    fn a_run_without_length_has_no_fraction() {
        let mut run = Run::default();
        run.update(started(Some(0), Some(0)));
        assert_eq!(run.fraction(), None);
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 5 s");
        assert_eq!(seconds(Duration::from_mins(2)), "2 min");
    }
}
