//! What may be written to stderr.

use crate::text::visible_lines;

/// A message that may be written: nothing in it is obeyed by a terminal but colours of our own,
/// which are added to text that has been escaped. Nothing else goes to stderr.
pub(super) struct Message(String);

impl Message {
    /// Makes a message of parts that are escaped already, and of colours.
    pub(super) const fn of_escaped(text: String) -> Self {
        Self(text)
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self(visible_lines(text))
    }
}
