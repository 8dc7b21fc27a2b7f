//! Versions that stages tell by themselves: read from the answers that are measured anyway, so that no stage is called
//! once more for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::manifest::{Manifest, VersionSource};
use crate::protocol::{Call, Head, OutputPath, ReadError, Reply, ReplyReader, Request};
use crate::template::{Scope, TemplateError};

/// What was heard, by the part of the release.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    versions: Mutex<BTreeMap<String, String>>,
}

impl Heard {
    /// Returns the version of a part, where a stage has told it.
    pub(crate) fn version(&self, part: &str) -> Option<String> {
        self.versions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(part)
            .cloned()
    }

    fn tell(&self, part: &str, version: String) {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.entry(part.to_owned()).or_insert(version);
    }
}

/// Where a stage's answers say a version.
#[derive(Clone, Debug)]
struct Place {
    part: String,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Header(String),
    Body(OutputPath),
}

/// A stage whose answers are listened to.
#[derive(Debug)]
struct Listening {
    inner: Arc<dyn Call>,
    places: Arc<[Place]>,
    heard: Arc<Heard>,
}

/// Returns the stage's call, listened to when `[release]` names it.
pub(super) fn listen(
    manifest: &Manifest,
    stage: &str,
    inner: Arc<dyn Call>,
    heard: &Arc<Heard>,
) -> Arc<dyn Call> {
    let place = |(part, source): (&crate::name::Name, &VersionSource)| {
        let source = match source {
            VersionSource::Header {
                stage: named,
                header,
            } if *named == *stage => Source::Header(header.clone()),
            VersionSource::Response { stage: named, path } if *named == *stage => {
                Source::Body(OutputPath::parse(path).ok()?)
            }
            _ => return None,
        };
        Some(Place {
            part: part.to_string(),
            source,
        })
    };
    let places: Arc<[Place]> = manifest.release.iter().filter_map(place).collect();
    if places.is_empty() {
        return inner;
    }
    Arc::new(Listening {
        inner,
        places,
        heard: Arc::clone(heard),
    })
}

impl Call for Listening {
    fn request(&self, scope: &Scope) -> Result<Request, TemplateError> {
        self.inner.request(scope)
    }

    fn says(&self, scope: &Scope) -> Result<Option<Vec<Value>>, TemplateError> {
        self.inner.says(scope)
    }

    fn streams(&self) -> bool {
        self.inner.streams()
    }

    fn reader(&self) -> Box<dyn ReplyReader> {
        let inner = self.inner.reader();
        // What has been heard once needs no more listening: nothing is added to the hot path.
        if self
            .places
            .iter()
            .all(|place| self.heard.version(&place.part).is_some())
        {
            return inner;
        }
        Box::new(Listener {
            inner,
            places: Arc::clone(&self.places),
            heard: Arc::clone(&self.heard),
        })
    }

    fn needs_steps(&self) -> Vec<String> {
        self.inner.needs_steps()
    }
}

/// Reads one answer and keeps the versions that it tells.
struct Listener {
    inner: Box<dyn ReplyReader>,
    places: Arc<[Place]>,
    heard: Arc<Heard>,
}

impl ReplyReader for Listener {
    fn head(&mut self, head: Head<'_>) {
        if (200..300).contains(&head.status) {
            for place in self.places.iter() {
                if let Source::Header(name) = &place.source
                    && let Some(value) = head.header(name)
                {
                    self.heard
                        .tell(&place.part, String::from_utf8_lossy(value).into_owned());
                }
            }
        }
        self.inner.head(head);
    }

    fn data(&mut self, bytes: &[u8]) -> u32 {
        self.inner.data(bytes)
    }

    fn finish(self: Box<Self>) -> Result<Reply, ReadError> {
        let reply = self.inner.finish()?;
        for place in self.places.iter() {
            if let Source::Body(path) = &place.source
                && let Some(value) = reply.body.as_ref().and_then(|body| path.select(body))
            {
                let version = match value {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                self.heard.tell(&place.part, version);
            }
        }
        Ok(reply)
    }
}
