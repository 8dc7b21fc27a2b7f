//! `junit`: `JUnit` XML, for the test pages of CI systems.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::finding::{Finding, Outcome, findings};
use super::text::cut_off;
use super::view::View;
use super::{Doubt, Page, Renderer};
use crate::registry::Entry;
use crate::text::{Disarm, visible};

/// The characters of a reason: test pages show them all, for each of thousands of cases.
const LONGEST: usize = 2000;

/// The `junit` format.
pub(super) struct Junit;

impl Entry for Junit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn summary(&self) -> &'static str {
        "JUnit XML, for the test pages of CI systems"
    }
}

impl Renderer for Junit {
    fn render(&self, view: &View<'_>, page: &Page) -> Vec<u8> {
        let mut report = Report::new("stagegate");
        for finding in findings(view) {
            let at = report
                .test_suites
                .iter()
                .position(|suite| suite.name.as_str() == xml(&finding.suite));
            let at = at.unwrap_or_else(|| {
                report.add_test_suite(TestSuite::new(xml(&finding.suite)));
                report.test_suites.len() - 1
            });
            let case = test_case(&finding, page.doubt);
            report.tests += 1;
            count(&mut report, &case.status);
            report.test_suites[at].add_test_case(case);
        }
        let mut bytes = Vec::new();
        report
            .serialize(&mut bytes)
            .expect("writing to memory cannot fail");
        bytes
    }

    fn disarm(&self, _: &Page) -> Disarm {
        Disarm::XML
    }
}

/// The totals of the whole report, which the library leaves to its user.
fn count(report: &mut Report, status: &TestCaseStatus) {
    match status {
        TestCaseStatus::Success { .. } => {}
        TestCaseStatus::Skipped { .. } => report.skipped += 1,
        TestCaseStatus::NonSuccess { kind, .. } => match kind {
            NonSuccessKind::Failure => report.failures += 1,
            NonSuccessKind::Error => report.errors += 1,
        },
    }
}

/// So many characters of a name are shown.
const LONGEST_NAME: usize = 500;

fn test_case(finding: &Finding, doubt: Doubt) -> TestCase {
    let not_ok = TestCaseStatus::non_success;
    let status = match (&finding.outcome, doubt) {
        (Outcome::Passed, _) => TestCaseStatus::success(),
        // What CI systems show and do not count.
        (Outcome::Warned(said), _) => because(TestCaseStatus::skipped(), "warning", said),
        (Outcome::Failed(said), _) => because(not_ok(NonSuccessKind::Failure), "failed", said),
        (Outcome::Error(said), _) => because(not_ok(NonSuccessKind::Error), "error", said),
        // `JUnit` has no third value; what cannot be told must not look like a pass.
        (Outcome::Unknown(said), Doubt::Open) => {
            because(not_ok(NonSuccessKind::Error), "inconclusive", said)
        }
        (Outcome::Unknown(said), Doubt::Failed) => {
            because(not_ok(NonSuccessKind::Failure), "inconclusive", said)
        }
        (Outcome::Unknown(said), Doubt::Neutral) => {
            because(TestCaseStatus::skipped(), "inconclusive", said)
        }
    };
    let mut case = TestCase::new(xml(&cut_off(&finding.name, LONGEST_NAME)), status);
    case.set_classname(xml(&finding.suite));
    if let Some(seconds) = finding.seconds.filter(|it| it.is_finite() && *it >= 0.0) {
        case.set_time(std::time::Duration::from_secs_f64(seconds));
    }
    case
}

fn because(mut status: TestCaseStatus, word: &str, said: &str) -> TestCaseStatus {
    status
        .set_type(word)
        .set_message(xml(&cut_off(said, LONGEST)));
    status
}

/// Replaces what XML 1.0 does not allow, even escaped: most control characters, and two that are
/// none. What else drives a terminal or hides is written as an escape.
fn xml(text: &str) -> String {
    let is_char = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => c >= ' ',
    };
    let allowed = |c: char| {
        if is_char(c) {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    let text: String = text.chars().map(allowed).collect();
    let lines = text.split('\n').map(visible);
    lines.collect::<Vec<_>>().join("\n")
}
