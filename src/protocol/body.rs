//! An answer that comes as one body: the one reader of those, for every kind.

use super::ReplyReader;
use super::bounded::{Step, is_large};
use super::decode::{json, json_at};
use super::failure::CallFailure;
use super::output::{Found, OutputPath, Outputs, Whole};
use super::reply::{Head, Reply};

/// The most that is set aside for a body before it comes, in bytes: its announced length may be a
/// lie.
const SET_ASIDE: usize = 1 << 20;

/// Makes the reader of one body, which the kind reads at its end, and in which the outputs are
/// looked for then.
pub(super) fn whole_body(
    outputs: &Outputs,
    read: impl FnOnce(&[u8]) -> Result<Reply, CallFailure> + Send + 'static,
) -> Box<dyn ReplyReader> {
    Box::new(WholeBody {
        found: outputs.reader(),
        listened: Vec::new(),
        bytes: Vec::new(),
        read,
    })
}

struct WholeBody<F> {
    found: Found,
    /// What others than the outputs look for in the body.
    listened: Vec<OutputPath>,
    bytes: Vec<u8>,
    read: F,
}

impl<F: FnOnce(&[u8]) -> Result<Reply, CallFailure> + Send> ReplyReader for WholeBody<F> {
    fn listen(&mut self, paths: &[OutputPath]) {
        self.listened = paths.to_vec();
    }

    fn head(&mut self, head: Head<'_>) {
        self.found.head(head);
        if let Some(length) = head.content_length() {
            self.bytes.reserve(length.min(SET_ASIDE));
        }
    }

    fn data(&mut self, bytes: &[u8]) -> u32 {
        self.bytes.extend_from_slice(bytes);
        u32::from(!bytes.is_empty())
    }

    fn finish(self: Box<Self>) -> Result<Reply, CallFailure> {
        let this = *self;
        let mut read = (this.read)(&this.bytes);
        let listened = this.listened.iter().map(OutputPath::stem);
        let is_heard = !this.listened.is_empty();
        if !this.found.outputs().read_the_body() {
            let reply = this.found.finish(read, Whole::Body(None))?;
            if !is_heard || reply.body.is_some() {
                return Ok(reply);
            }
            // What is no JSON tells nothing, and is an answer all the same.
            let stems: Vec<&[Step]> = listened.collect();
            let part = json_at(&this.bytes, &stems).ok();
            return Ok(Reply { part, ..reply });
        }
        // A kind that has read the body as JSON keeps it; the others have no use for that.
        let kept = read.as_mut().ok().and_then(|reply| reply.body.take());
        let is_part = kept.is_none() && is_large(&this.bytes);
        let parsed = match kept {
            Some(body) => Ok(body),
            None if is_part => {
                let stems = this.found.outputs().stems().into_iter().chain(listened);
                json_at(&this.bytes, &stems.collect::<Vec<_>>())
            }
            None => json(&this.bytes),
        };
        // The outputs are copies of what they are: the bytes are not needed beside the tree.
        drop(this.bytes);
        let body = match parsed {
            Ok(body) => body,
            // What the kind says of it is nearer to the matter.
            Err(failure) => return Err(read.err().unwrap_or(failure)),
        };
        let found = this.found.finish(read, Whole::Body(Some(&body)));
        found.map(|reply| match (is_part, is_heard) {
            (false, _) => reply.with_body(body),
            (true, true) => Reply {
                part: Some(body),
                ..reply
            },
            (true, false) => reply,
        })
    }
}
