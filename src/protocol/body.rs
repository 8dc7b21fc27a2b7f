//! An answer that comes as one body: the one reader of those, for every kind.

use super::ReplyReader;
use super::failure::CallFailure;
use super::hit::Hit;
use super::reply::{Head, Reply};

/// The most that is set aside for a body before it comes, in bytes: its announced length may be a lie.
const SET_ASIDE: usize = 1 << 20;

/// A body that has come whole.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// Whether a cache had the answer, by its head; `None` where that does not say.
    pub(super) hit: Option<bool>,
}

/// Makes the reader of one body, which the kind reads at its end.
pub(super) fn whole_body(
    hit: Option<Hit>,
    read: impl FnOnce(Body) -> Result<Reply, CallFailure> + Send + 'static,
) -> Box<dyn ReplyReader> {
    let body = Body {
        bytes: Vec::new(),
        hit: None,
    };
    Box::new(WholeBody { hit, body, read })
}

struct WholeBody<F> {
    hit: Option<Hit>,
    body: Body,
    read: F,
}

impl<F: FnOnce(Body) -> Result<Reply, CallFailure> + Send> ReplyReader for WholeBody<F> {
    fn head(&mut self, head: Head<'_>) {
        self.body.hit = self.hit.as_ref().and_then(|hit| hit.in_head(head));
        if let Some(length) = head.content_length() {
            self.body.bytes.reserve(length.min(SET_ASIDE));
        }
    }

    fn data(&mut self, bytes: &[u8]) -> u32 {
        self.body.bytes.extend_from_slice(bytes);
        u32::from(!bytes.is_empty())
    }

    fn finish(self: Box<Self>) -> Result<Reply, CallFailure> {
        (self.read)(self.body)
    }
}
