//! The gate as a step of a CI system.

use super::template::TemplateFile;
use crate::registry::{Entry, Registry};

/// Every CI system that a step can be written for.
pub(crate) static CI_SYSTEMS: Registry<CiSystem> = Registry::new("CI system", &[&GITHUB, &GITLAB]);

/// What stands in the templates for the folder of the manifest, relative to the repository.
const FOLDER: &str = "@DIR@";

/// A CI system.
#[derive(Debug)]
pub(crate) struct CiSystem {
    name: &'static str,
    summary: &'static str,
    /// Relative to the repository.
    step: TemplateFile,
    /// What makes the system see the step; left alone where it exists already.
    entry: Option<TemplateFile>,
    next: &'static str,
    start: &'static str,
}

impl CiSystem {
    /// Returns the step for a manifest in that folder of the repository: its path there, and its
    /// text.
    pub(crate) fn step(&self, folder: &str) -> (&'static str, String) {
        let folder = if folder.is_empty() { "." } else { folder };
        let text = self.step.text.replace(FOLDER, folder);
        (
            self.step.path,
            text.replace("./.stagegate", ".stagegate")
                .replace("\"./gate", "\"gate")
                .replace(" ./gate", " gate"),
        )
    }

    /// Returns the file that makes the system see the step, if it needs one.
    pub(crate) const fn entry(&self) -> Option<TemplateFile> {
        self.entry
    }

    /// Returns what is left to do where that file exists already.
    pub(crate) const fn next(&self) -> &'static str {
        self.next
    }
}

impl CiSystem {
    /// Returns what to do with the step that was written: a sentence's middle.
    pub(crate) const fn start(&self) -> &'static str {
        self.start
    }
}

impl Entry for CiSystem {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }
}

static GITHUB: CiSystem = CiSystem {
    name: "github",
    summary: "a workflow of GitHub Actions",
    step: TemplateFile {
        path: ".github/workflows/stagegate.yml",
        text: include_str!("../../templates/ci/github.yml"),
    },
    entry: None,
    next: "",
    start: "start your services in it before `stagegate gate`, then commit it; the first run is judged by its \
            absolute rules alone, as there is no base yet",
};

static GITLAB: CiSystem = CiSystem {
    name: "gitlab",
    summary: "a job of GitLab CI",
    step: TemplateFile {
        path: ".gitlab/stagegate.gitlab-ci.yml",
        text: include_str!("../../templates/ci/gitlab.yml"),
    },
    entry: Some(TemplateFile {
        path: ".gitlab-ci.yml",
        text: "include:\n  - local: .gitlab/stagegate.gitlab-ci.yml\n",
    }),
    next: "add this to `.gitlab-ci.yml`:\n  include:\n    - local: .gitlab/stagegate.gitlab-ci.yml\n",
    start: "start your services in it before `stagegate gate` (`services:` or `before_script:`), then commit it; the \
            first run is judged by its absolute rules alone, as there is no base yet",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_that_of_the_manifest() {
        for system in CI_SYSTEMS.iter() {
            let (_, text) = system.step("");
            assert!(
                !text.contains(FOLDER) && !text.contains("./.stagegate"),
                "{text}"
            );
            assert!(
                system.step("ai/rag").1.contains("\"ai/rag/.stagegate/runs"),
                "{}",
                system.name()
            );
        }
    }
}
