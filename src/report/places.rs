//! Which line of the manifest says what, for formats that point at it.

use std::collections::BTreeMap;

use crate::manifest::Manifest;

/// Lines of the manifest by what they say: `stage NAME`, `slo STAGE METRIC`, `load NAME`, `eval NAME`, `rule METRIC`. Empty
/// where no manifest is at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// The manifest's path, as the user would write it.
    pub(super) file: String,
    /// From 1.
    pub(super) lines: BTreeMap<String, u64>,
}

impl Places {
    /// No manifest is at hand.
    #[cfg(test)]
    pub(super) const NONE: Self = Self {
        file: String::new(),
        lines: BTreeMap::new(),
    };

    /// Finds every place of a manifest.
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let text = manifest.source.text().as_bytes();
        let line = |at: usize| {
            let before = &text[..at.min(text.len())];
            memchr::memchr_iter(b'\n', before).count() as u64 + 1
        };
        let mut lines = BTreeMap::new();
        for stage in &manifest.stages {
            lines.insert(format!("stage {}", stage.name), line(stage.span.start));
            for slo in &stage.slo {
                let metric = &slo.figure;
                lines.insert(format!("slo {} {metric}", stage.name), line(slo.span.start));
            }
        }
        for load in &manifest.loads {
            lines.insert(format!("load {}", load.name), line(load.span.start));
        }
        for eval in &manifest.evals {
            lines.insert(format!("eval {}", eval.name), line(eval.span.start));
        }
        for rule in manifest.gate.iter().flat_map(|gate| &gate.rules) {
            lines.insert(format!("rule {}", rule.metric), line(rule.span.start));
        }
        Self {
            file: manifest.source.path().display().to_string(),
            lines,
        }
    }
}
