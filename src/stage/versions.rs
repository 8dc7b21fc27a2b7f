//! Versions that stages tell by themselves: read from the answers that are measured anyway, so that
//! no stage is called once more for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::manifest::{Manifest, VersionSource};
use crate::name::Name;
use crate::protocol::{Head, OutputPath, Reply};

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

    /// Returns everything that was heard.
    pub(crate) fn all(&self) -> BTreeMap<String, String> {
        let versions = self.versions.lock();
        versions.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets everything: another release answers from now on.
    pub(crate) fn forget(&self) {
        let versions = self.versions.lock();
        versions.unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn tell(&self, part: &str, version: String) {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.entry(part.to_owned()).or_insert(version);
    }
}

/// Hears which versions the answers of one stage tell.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    places: Arc<[Place]>,
    heard: Arc<Heard>,
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

impl Listener {
    /// Returns the listener of a stage; `None` where `[release]` does not name it.
    pub(crate) fn of(manifest: &Manifest, stage: &str, heard: &Arc<Heard>) -> Option<Self> {
        let place = |(part, source): (&Name, &VersionSource)| {
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
        (!places.is_empty()).then(|| Self {
            places,
            heard: Arc::clone(heard),
        })
    }

    /// Returns whether there is something that it has not heard yet.
    pub(super) fn is_curious(&self) -> bool {
        let mut places = self.places.iter();
        places.any(|place| self.heard.version(&place.part).is_none())
    }

    /// Returns the places in a body where it still has to look.
    pub(super) fn paths(&self) -> Vec<OutputPath> {
        let places = self.places.iter();
        let open = places.filter(|place| self.heard.version(&place.part).is_none());
        let paths = open.filter_map(|place| match &place.source {
            Source::Body(path) => Some(path.clone()),
            Source::Header(_) => None,
        });
        paths.collect()
    }

    /// Takes the head of an answer that is a success.
    pub(super) fn hear_head(&self, head: Head<'_>) {
        for place in self.places.iter() {
            if let Source::Header(name) = &place.source
                && let Some(value) = head.header(name)
            {
                let version = String::from_utf8_lossy(value).into_owned();
                self.heard.tell(&place.part, version);
            }
        }
    }

    /// Takes an answer that is ok.
    pub(super) fn hear_reply(&self, reply: &Reply) {
        for place in self.places.iter() {
            if let Source::Body(path) = &place.source
                && let Some(body) = reply.body.as_ref().or(reply.part.as_ref())
                && let Some(value) = path.select(body)
            {
                let version = match value {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                self.heard.tell(&place.part, version);
            }
        }
    }
}
