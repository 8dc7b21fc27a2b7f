//! Where plans are made.

use super::project::Project;
use crate::measure::Clock;
use crate::transport::Client;

/// Where plans are made: what they are resolved with.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) project: &'a Project,
    /// Calls the steps before a stage.
    pub(crate) client: &'a Client,
    pub(crate) clock: &'a Clock,
}
