//! `junit`: `JUnit` XML, for the test pages of CI systems.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::finding::{Finding, Outcome, findings};
use super::view::View;
use super::{Page, Renderer};
use crate::registry::Entry;

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
    fn render(&self, view: &View<'_>, _: &Page) -> Vec<u8> {
        let mut report = Report::new("stagegate");
        for finding in findings(view) {
            let at = report
                .test_suites
                .iter()
                .position(|suite| suite.name.as_str() == finding.suite);
            let at = at.unwrap_or_else(|| {
                report.add_test_suite(TestSuite::new(finding.suite.as_str()));
                report.test_suites.len() - 1
            });
            report.tests += 1;
            count(&mut report, &finding);
            report.test_suites[at].add_test_case(test_case(&finding));
        }
        let mut bytes = Vec::new();
        report
            .serialize(&mut bytes)
            .expect("writing to memory cannot fail");
        bytes
    }
}

/// The totals of the whole report, which the library leaves to its user.
fn count(report: &mut Report, finding: &Finding) {
    match finding.outcome {
        Outcome::Passed | Outcome::Warned(_) => {}
        Outcome::Failed(_) => report.failures += 1,
        Outcome::Unknown(_) | Outcome::Error(_) => report.errors += 1,
    }
}

fn test_case(finding: &Finding) -> TestCase {
    let status = match &finding.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        // What CI systems show and do not count.
        Outcome::Warned(said) => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_type("warning").set_message(said.as_str());
            skipped
        }
        Outcome::Failed(said) => not_ok(NonSuccessKind::Failure, "failed", said),
        // `JUnit` has no third value; what cannot be told must not look like a pass.
        Outcome::Unknown(said) => not_ok(NonSuccessKind::Error, "inconclusive", said),
        Outcome::Error(said) => not_ok(NonSuccessKind::Error, "error", said),
    };
    let mut case = TestCase::new(finding.name.as_str(), status);
    case.set_classname(finding.suite.as_str());
    if let Some(seconds) = finding.seconds.filter(|it| it.is_finite() && *it >= 0.0) {
        case.set_time(std::time::Duration::from_secs_f64(seconds));
    }
    case
}

fn not_ok(kind: NonSuccessKind, word: &str, said: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word).set_message(said);
    status
}
