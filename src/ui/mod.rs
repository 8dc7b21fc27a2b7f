//! Layer 7: the only owner of stdout and stderr. Knows no command.

mod console;
mod decision;
mod diagnostic;
mod facts;
mod message;
mod messages;
mod progress;

pub(crate) use console::{Ui, Written};
pub(crate) use decision::{ColorWhen, Options, Volume, clap_color, clap_styles};
pub(crate) use facts::Facts;
