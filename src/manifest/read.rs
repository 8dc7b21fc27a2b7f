//! `stagegate.toml` from the disk, and the environment that was asked for.

use std::io::ErrorKind;
use std::path::Path;

use miette::Diagnostic;

use super::assemble;
use super::checked::Manifest;
use super::error::{ManifestError, Problems, ReadError};
use super::table::environment::Environment;
use crate::error::{Classify, Error, Kind};
use crate::intake;
use crate::name::Name;
use crate::registry::suggest;

/// The name of the environment of a manifest that has none.
const DEFAULT_ENVIRONMENT: &str = "default";

impl Manifest {
    /// Checks a manifest's text. `path` is for messages, and what relative paths are relative to.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn parse(
        path: &Path,
        text: &str,
        overrides: &[(String, String)],
    ) -> Result<Self, ManifestError> {
        let (manifest, problems) = assemble::manifest(path, text, overrides);
        manifest.or_error(problems)
    }

    /// Reads a manifest as far as it can be understood, so that the owners of kinds can add to its
    /// problems and all are shown at once. With problems, it serves for nothing else.
    pub(crate) fn load_draft(
        path: &Path,
        overrides: &[(String, String)],
    ) -> Result<(Self, Problems), Error> {
        let text = read(path)?;
        Ok(assemble::manifest(path, &text, overrides))
    }

    /// Returns the manifest when nothing is wrong with it.
    pub(crate) fn or_error(self, problems: Problems) -> Result<Self, ManifestError> {
        if problems.is_empty() {
            Ok(self)
        } else {
            Err(problems.into_error(&self.source))
        }
    }

    /// Picks an environment: the one that was asked for, else the deployment's, else the only one.
    /// A manifest without environments has an empty one called `default`.
    pub(crate) fn environment(&self, chosen: Option<&str>) -> Result<(Name, Environment), Error> {
        let asked = chosen.or(self.deployment.env.as_ref().map(Name::as_str));
        let found = match asked {
            Some(asked) => self.environments.get_key_value(asked),
            None => self.environments.first_key_value(),
        };
        if let Some((name, environment)) = found {
            return Ok((name.clone(), environment.clone()));
        }
        match asked {
            Some(asked) if !self.environments.is_empty() || asked != DEFAULT_ENVIRONMENT => {
                Err(UnknownEnvironment {
                    name: asked.to_owned(),
                    known: self.environments.keys().map(Name::to_string).collect(),
                }
                .into())
            }
            _ => {
                let name = DEFAULT_ENVIRONMENT.parse();
                let name = name.expect("the constant above is a legal name");
                Ok((name, Environment::default()))
            }
        }
    }
}

fn read(path: &Path) -> Result<String, ReadError> {
    let bytes = intake::read(path, &intake::MANIFEST).map_err(|source| match source.kind() {
        ErrorKind::NotFound => ReadError::Missing {
            path: path.to_owned(),
        },
        _ => ReadError::Unreadable {
            path: path.to_owned(),
            source,
        },
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        ReadError::NotUtf8 {
            path: path.to_owned(),
            line: memchr::memchr_iter(b'\n', valid).count() + 1,
        }
    })
}

/// An environment was asked for that the manifest does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no environment `{name}`")]
pub(crate) struct UnknownEnvironment {
    name: String,
    known: Vec<String>,
}

impl Diagnostic for UnknownEnvironment {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        let listed: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let help = match suggest(&self.name, &known) {
            None => "The manifest has no `[env.NAME]`.".to_owned(),
            Some(near) if near.starts_with("Did") => {
                format!("{near} Known are {}.", listed.join(", "))
            }
            Some(all) => all,
        };
        Some(Box::new(help))
    }
}

impl Classify for UnknownEnvironment {
    fn kind(&self) -> Kind {
        Kind::Usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{SMALL, parse, render};

    #[test]
    fn environments_are_picked_by_flag_then_default() {
        let manifest = parse(SMALL).unwrap();
        assert_eq!(manifest.environment(None).unwrap().0.as_str(), "local");
        assert_eq!(manifest.environment(Some("eu")).unwrap().0.as_str(), "eu");
        let error = manifest.environment(Some("euu")).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage);
        insta::assert_snapshot!(render(error.diagnostic()), @r#"
x there is no environment `euu`
  help: Did you mean `eu`? Known are `eu`, `local`.
"#);

        let bare = "version = 1\n[stage.a]\nkind = \"http\"\nurl = \"http://127.0.0.1/\"\n";
        let (name, environment) = parse(bare).unwrap().environment(None).unwrap();
        assert_eq!(name.as_str(), "default");
        assert!(environment.values.is_empty());
    }

    #[test]
    fn files_that_cannot_be_read_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Manifest::load_draft(Path::new("no/such/stagegate.toml"), &[]).unwrap_err();
        assert_eq!(missing.kind(), Kind::Manifest);
        insta::assert_snapshot!(render(missing.diagnostic()), @r#"
x there is no manifest `no/such/stagegate.toml`
  help: Run `stagegate init` to make one, or name another with `-m FILE`.
"#);

        let path = folder.path().join("stagegate.toml");
        std::fs::write(&path, b"version = 1\nname = \"\xff\"\n").unwrap();
        let garbled = Manifest::load_draft(&path, &[]).unwrap_err();
        assert_eq!(garbled.kind(), Kind::Manifest);
        let message = garbled.diagnostic().to_string();
        assert!(message.ends_with("is not UTF-8: line 2 holds a byte that is not text"));

        let unreadable = Manifest::load_draft(folder.path(), &[]).unwrap_err();
        assert_eq!(unreadable.kind(), Kind::Environment);
    }
}
