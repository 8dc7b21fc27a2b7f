//! Which line of the manifest says what, for formats that point at it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::manifest::Manifest;

/// Lines of the manifest by what they say: `stage NAME`, `slo STAGE METRIC`, `load NAME`, `eval
/// NAME`, `rule METRIC`. Empty where no manifest is at hand.
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
        let line = |at: usize| manifest.source.line(at);
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

/// The repository around the working folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checkout {
    /// Its work tree; `None` outside a repository.
    pub(crate) root: Option<PathBuf>,
}

impl Checkout {
    /// No repository is at hand.
    #[cfg(test)]
    pub(super) const NONE: Self = Self { root: None };

    /// Returns a path, which is relative to the working folder, as it is from the root of the
    /// repository; unchanged where that cannot be told.
    pub(super) fn path(&self, shown: &str) -> String {
        let inside = || {
            let root = self.root.as_ref()?.canonicalize().ok()?;
            let path = Path::new(shown).canonicalize().ok()?;
            Some(path.strip_prefix(root).ok()?.display().to_string())
        };
        inside().unwrap_or_else(|| shown.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Checkout;

    #[test]
    fn a_path_is_told_from_the_root_of_the_repository() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("ai/rag");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("stagegate.toml");
        std::fs::write(&file, "").unwrap();
        let shown = file.display().to_string();
        let checkout = Checkout {
            root: Some(root.path().to_owned()),
        };
        assert_eq!(checkout.path(&shown), "ai/rag/stagegate.toml");
        assert_eq!(checkout.path("not/there.toml"), "not/there.toml");
        assert_eq!(Checkout::default().path(&shown), shown);
    }
}
