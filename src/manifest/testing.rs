//! Manifests to test with, and what users would see of wrong ones.

use std::path::Path;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use super::checked::Manifest;
use super::error::ManifestError;

/// The manifest of the documentation, with every table.
pub(super) const CONTRACT: &str = include_str!("../../tests/fixtures/manifests/contract.toml");

/// A manifest that is right, to be spoilt.
pub(super) const SMALL: &str = include_str!("../../tests/fixtures/manifests/small.toml");

/// Checks a text.
pub(super) fn parse(text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(Path::new("stagegate.toml"), text, &[])
}

/// Checks the small manifest with overrides.
pub(super) fn with(overrides: &[(&str, &str)]) -> Result<Manifest, ManifestError> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let overrides: Vec<_> = overrides.iter().map(owned).collect();
    Manifest::parse(Path::new("stagegate.toml"), SMALL, &overrides)
}

/// Renders as a terminal of 80 columns without colour and without Unicode lines would show it.
pub(super) fn render(error: &dyn Diagnostic) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none()).with_width(80);
    let mut out = String::new();
    handler.render_report(&mut out, error).unwrap();
    let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

/// What is said of a wrong text.
pub(super) fn wrong(text: &str) -> String {
    render(&parse(text).expect_err("the manifest is wrong"))
}

/// What is said of the small manifest with a piece replaced.
pub(super) fn spoilt(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "`{from}` is not in the fixture");
    wrong(&SMALL.replacen(from, to, 1))
}
