//! What every kind has that is reached by HTTP: where its requests go, and with which headers.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::HttpRequest;
use super::stream::Framing;
use crate::manifest::HttpVersion;
use crate::template::{Reference, Scope, Template, TemplateError};

/// Method, address, and headers: the part of a request that every HTTP kind has.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) method: String,
    pub(super) url: Template,
    pub(super) headers: BTreeMap<String, Template>,
}

impl Target {
    /// Fills the templates. `json` says whether the body is JSON, for the content type; `stream`
    /// what is accepted.
    pub(super) fn request(
        &self,
        scope: &Scope,
        body: Bytes,
        json: bool,
        stream: Option<Framing>,
    ) -> Result<HttpRequest, TemplateError> {
        let written = self.url.text(scope)?;
        let url = url::Url::parse(&written).map_err(|error| TemplateError {
            template: written.clone(),
            reason: format!("it is not a URL: {error}"),
        })?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(TemplateError {
                template: written,
                reason: "a stage is called by `http://` or `https://`".to_owned(),
            });
        }
        let mut headers = Vec::with_capacity(self.headers.len() + 2);
        for (name, value) in &self.headers {
            headers.push((name.clone(), value.text(scope)?));
        }
        let mut request = HttpRequest {
            method: self.method.clone(),
            url,
            headers,
            body,
            version: HttpVersion::One,
            documents: None,
            may_repeat: is_idempotent(&self.method),
            is_traced: false,
        };
        if json {
            request.add_header("content-type", "application/json");
        }
        request.add_header("accept", stream.map_or("*/*", Framing::accept));
        Ok(request)
    }

    /// Returns every reference in the address and the headers.
    pub(super) fn references(&self) -> impl Iterator<Item = Reference> + '_ {
        std::iter::once(&self.url)
            .chain(self.headers.values())
            .flat_map(Template::references)
    }
}

/// Returns whether asking twice by this method is asking once (RFC 9110, 9.2.2).
fn is_idempotent(method: &str) -> bool {
    const IDEMPOTENT: [&str; 6] = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"];
    IDEMPOTENT.contains(&method)
}

/// Returns the steps among references: the NAME of `steps.NAME.…`, each once.
pub(super) fn steps(references: impl Iterator<Item = Reference>) -> Vec<String> {
    let names = references.filter_map(|reference| match reference.as_slice() {
        [root, name, ..] if root == "steps" => Some(name.clone()),
        _ => None,
    });
    names.collect::<BTreeSet<String>>().into_iter().collect()
}
