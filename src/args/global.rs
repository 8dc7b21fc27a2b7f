//! The flags that every command takes, before and after its name.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, Args};

use crate::registry::did_you_mean;
use crate::report::RENDERERS;
use crate::text::quoted;
use crate::ui::ColorWhen;

/// Flags of every command.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// Run as if started in DIR
    #[arg(
        short = 'C',
        value_name = "DIR",
        global = true,
        help_heading = "Global options"
    )]
    pub(crate) directory: Option<PathBuf>,

    /// Read the manifest from FILE instead of `stagegate.toml`
    #[arg(short = 'm', long = "manifest", value_name = "FILE", global = true)]
    #[arg(help_heading = "Global options")]
    pub(crate) manifest: Option<PathBuf>,

    /// Use the environment ENV of the manifest
    #[arg(short = 'e', long = "env", value_name = "ENV", global = true)]
    #[arg(help_heading = "Global options", action = ArgAction::Append)]
    pub(crate) env: Vec<String>,

    /// Override a key of the manifest, for instance `load.peak.duration=10s`
    #[arg(long = "set", value_name = "KEY=VALUE", global = true)]
    #[arg(help_heading = "Global options", action = ArgAction::Append)]
    pub(crate) set: Vec<Setting>,

    /// Print the result as FORMAT
    #[arg(long, value_name = "FORMAT", global = true, default_value = "human")]
    #[arg(help_heading = "Global options", value_parser = RENDERERS.value_parser())]
    pub(crate) format: String,

    /// Also write the result as FORMAT to PATH; may be given several times
    #[arg(long = "out", value_name = "FORMAT=PATH", global = true)]
    #[arg(help_heading = "Global options", action = ArgAction::Append)]
    pub(crate) out: Vec<Out>,

    /// Say nothing but the result, warnings, and errors
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Global options"
    )]
    pub(crate) quiet: bool,

    /// Say more about what is being done
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) verbose: bool,

    /// Use colour
    #[arg(long, value_name = "WHEN", global = true, value_enum, default_value_t)]
    #[arg(help_heading = "Global options")]
    pub(crate) color: ColorWhen,
}

impl Global {
    /// Returns the flags that say which project, environment, and values are meant, as they would
    /// be typed again, a space after each.
    pub(crate) fn typed(&self) -> String {
        let path = |flag: &str, path: &Option<PathBuf>| {
            let path = path.as_ref()?.display().to_string();
            Some(format!("{flag} {} ", quoted(&path)))
        };
        let env = self.env.iter().map(|env| format!("-e {} ", quoted(env)));
        let set = self.set.iter().map(|set| {
            let set = format!("{}={}", set.key, set.value);
            format!("--set {} ", quoted(&set))
        });
        let paths = [path("-C", &self.directory), path("-m", &self.manifest)];
        paths.into_iter().flatten().chain(env).chain(set).collect()
    }
}

/// One `--out FORMAT=PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Out {
    /// The name of a registered format.
    pub(crate) format: &'static str,
    pub(crate) path: PathBuf,
}

impl FromStr for Out {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "write it as FORMAT=PATH, for instance junit=results.xml";
        let (format, path) = text.split_once('=').ok_or(example)?;
        let Some(renderer) = RENDERERS.get(format) else {
            let names = RENDERERS.names();
            let near = did_you_mean(format, names.iter().copied());
            return Err(match near {
                Some(near) => format!("there is no format `{format}`; did you mean `{near}`?"),
                None => format!(
                    "there is no format `{format}`; there are {}",
                    names.join(", ")
                ),
            });
        };
        if path.is_empty() {
            return Err(example.to_owned());
        }
        Ok(Self {
            format: renderer.name(),
            path: PathBuf::from(path),
        })
    }
}

/// One `--set KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("write it as KEY=VALUE, for instance load.peak.duration=10s".to_owned()),
        }
    }
}
