//! The texts of a manifest: the file's, and those of the overrides that were laid over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::NamedSource;

use super::span::{Span, line_of};

/// The texts that spans point into: the manifest, and after its end each `--set KEY=VALUE`.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    path: PathBuf,
    /// The manifest's text and each override, a line end between them.
    whole: &'static str,
    /// Where each of them stands: the manifest first.
    parts: Vec<Span>,
}

impl Source {
    /// Keeps the texts for as long as the process lives: it reads one manifest, and giving those
    /// few kilobytes away lets tables keep their spans for whoever parses them later, without a
    /// second copy of the tree.
    pub(super) fn new(path: &Path, text: &str, overrides: &[(String, String)]) -> Self {
        let mut whole = text.to_owned();
        let mut parts = Vec::new();
        parts.push(0..text.len());
        for (key, value) in overrides {
            whole.push('\n');
            let start = whole.len();
            whole.extend([key, "=", value.as_str()]);
            parts.push(start..whole.len());
        }
        Self {
            path: path.to_owned(),
            whole: whole.leak(),
            parts,
        }
    }

    /// Returns where the manifest was read from.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the manifest's text.
    pub(crate) fn text(&self) -> &'static str {
        self.parts.first().map_or("", |part| self.part(part))
    }

    /// Returns the line of the manifest's text, from 1, that a place is in.
    pub(crate) fn line(&self, at: usize) -> u64 {
        line_of(self.text().as_bytes(), at)
    }

    /// Returns every `KEY=VALUE` that was laid over the text, and where it begins.
    pub(super) fn overrides(&self) -> impl Iterator<Item = (usize, &'static str)> + '_ {
        let overrides = self.parts.iter().skip(1);
        overrides.map(|part| (part.start, self.part(part)))
    }

    /// Returns what digests are taken of: the text, and every `--set` that was laid over it.
    pub(crate) fn as_used(&self) -> String {
        let overrides = self.overrides().map(|(_, it)| format!("\n--set {it}"));
        self.text().to_owned() + &overrides.collect::<String>()
    }

    fn part(&self, part: &Span) -> &'static str {
        &self.whole[part.clone()]
    }

    /// Returns the text that a place is in, named for messages, and the place in that text.
    pub(super) fn locate(&self, span: &Span) -> (NamedSource<Arc<str>>, Span) {
        let after = self.parts.partition_point(|it| it.start <= span.start);
        let part = &self.parts[after.saturating_sub(1)];
        let name = if part.start == 0 {
            self.path.display().to_string()
        } else {
            format!("--set {}", self.part(part))
        };
        // A span may begin at the end of a text (something is missing there) but never beyond it.
        let within = |at: usize| at.clamp(part.start, part.end) - part.start;
        let text = Arc::from(self.part(part));
        (
            NamedSource::new(name, text),
            within(span.start)..within(span.end.max(span.start)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(overrides: &[(&str, &str)]) -> Source {
        let overrides: Vec<(String, String)> = overrides
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        Source::new(Path::new("stagegate.toml"), "a = 1", &overrides)
    }

    #[test]
    fn every_place_is_found_in_its_own_text() {
        let source = source(&[("load.a", "10s"), ("b", "")]);
        let locate = |span: Span| {
            let (named, span) = source.locate(&span);
            (named.name().to_owned(), named.inner().to_string(), span)
        };
        let set = || ("--set load.a=10s".to_owned(), "load.a=10s".to_owned());
        let manifest = || ("stagegate.toml".to_owned(), "a = 1".to_owned());
        let join = |(name, text), span| (name, text, span);
        assert_eq!(locate(4..5), join(manifest(), 4..5));
        assert_eq!(locate(5..9), join(manifest(), 5..5));
        let starts: Vec<(usize, &str)> = source.overrides().collect();
        assert_eq!(starts, [(6, "load.a=10s"), (17, "b=")]);
        assert_eq!(locate(13..16), join(set(), 7..10));
        assert_eq!(locate(17..99).2, 0..2);
        assert_eq!(source.text(), "a = 1");
    }

    #[test]
    fn an_override_makes_another_manifest() {
        assert_eq!(source(&[]).as_used(), "a = 1");
        let used = source(&[("a", "2"), ("b.c", "x")]).as_used();
        assert_eq!(used, "a = 1\n--set a=2\n--set b.c=x");
    }
}
