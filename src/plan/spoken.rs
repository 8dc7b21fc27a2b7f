//! Which version of HTTP a stage is spoken to in: a property of the stage that its kind knows nothing of.

use std::sync::Arc;

use serde_json::Value;

use crate::manifest::HttpVersion;
use crate::protocol::{Call, ReplyReader, Request};
use crate::template::{Scope, TemplateError};

/// A stage whose requests are of another version than HTTP/1.1.
#[derive(Debug)]
struct Spoken {
    inner: Arc<dyn Call>,
    version: HttpVersion,
}

/// Returns the stage's call with requests of that version.
pub(super) fn speak(version: HttpVersion, inner: Arc<dyn Call>) -> Arc<dyn Call> {
    match version {
        HttpVersion::One => inner,
        HttpVersion::Two => Arc::new(Spoken { inner, version }),
    }
}

impl Call for Spoken {
    fn request(&self, scope: &Scope) -> Result<Request, TemplateError> {
        let mut request = self.inner.request(scope)?;
        if let Request::Http(request) = &mut request {
            request.version = self.version;
        }
        Ok(request)
    }

    fn says(&self, scope: &Scope) -> Result<Option<Vec<Value>>, TemplateError> {
        self.inner.says(scope)
    }

    fn streams(&self) -> bool {
        self.inner.streams()
    }

    fn reader(&self) -> Box<dyn ReplyReader> {
        self.inner.reader()
    }

    fn needs_steps(&self) -> Vec<String> {
        self.inner.needs_steps()
    }
}
