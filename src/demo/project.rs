//! The project that the demo writes into a temporary git repository.

use super::prompt;
use super::release::Release;
use super::server::DEFAULT_PORT;

const MANIFEST: &str = include_str!("../../templates/demo/stagegate.toml");
const GOLDEN: &str = include_str!("../../templates/demo/golden/support.jsonl");
const README: &str = include_str!("../../templates/demo/README.md");

/// One file of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProjectFile {
    /// Relative to the project, with `/`.
    pub(crate) path: &'static str,
    pub(crate) text: String,
}

impl ProjectFile {
    fn new(path: &'static str, text: &str) -> Self {
        let text = text.to_owned();
        Self { path, text }
    }
}

/// Returns every file of release `v1`'s project, for a deployment that is served on that port.
pub(crate) fn project_files(port: u16) -> Vec<ProjectFile> {
    let at = |port: u16| format!("127.0.0.1:{port}");
    let manifest = MANIFEST.replace(&at(DEFAULT_PORT), &at(port));
    let mut files = vec![
        ProjectFile::new("stagegate.toml", &manifest),
        ProjectFile::new("golden/support.jsonl", GOLDEN),
        ProjectFile::new("README.md", README),
    ];
    files.extend(release_files(Release::V1));
    files
}

/// Returns the files that a release changes: what is to be committed with it.
pub(crate) fn release_files(release: Release) -> Vec<ProjectFile> {
    vec![ProjectFile::new(
        "prompts/answer.txt",
        prompt::source(release),
    )]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{DEFAULT_PORT, MANIFEST, Release, project_files, release_files};
    use crate::manifest::{Manifest, Problems};
    use crate::protocol::PROTOCOLS;
    use crate::registry::Entry;
    use crate::scaffold::TEMPLATES;

    #[test]
    fn manifest_points_at_the_port_that_is_served() {
        let manifest = &project_files(4711)[0];
        assert_eq!(manifest.path, "stagegate.toml");
        let table: toml::Table = manifest.text.parse().unwrap();
        assert_eq!(
            table["env"]["local"]["api"].as_str(),
            Some("http://127.0.0.1:4711")
        );
        assert!(!manifest.text.contains(&DEFAULT_PORT.to_string()));
    }

    #[test]
    fn release_changes_the_prompt_and_nothing_else() {
        let (v1, v2) = (release_files(Release::V1), release_files(Release::V2));
        assert_eq!(v1.len(), 1);
        assert_eq!(v1[0].path, v2[0].path);
        assert_ne!(v1[0].text, v2[0].text);
        assert!(project_files(DEFAULT_PORT).contains(&v1[0]));
    }

    #[test]
    fn every_shipped_manifest_is_valid_with_its_stages() {
        let init = TEMPLATES.iter().map(|t| (t.name(), t.files()[0].text));
        for (name, text) in init.chain([("demo", MANIFEST)]) {
            let manifest = Manifest::parse(Path::new(name), text, &[]);
            let manifest = manifest.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(manifest.idle, [], "{name}");
            let mut problems = Problems::default();
            for stage in &manifest.stages {
                let protocol = PROTOCOLS.get(&stage.kind.kind).unwrap();
                assert!(protocol.parse(&stage.kind, &mut problems).is_some());
            }
            assert!(problems.is_empty(), "{name}: {problems:?}");
        }
    }
}
