//! What every kind has that is reached by HTTP: where its requests go, and with which headers.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::HttpRequest;
use super::stream::Framing;
use crate::manifest::{HttpVersion, KindTable, Problems};
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
        // What it was filled with is never repeated: it may be a secret.
        let url = url::Url::parse(&written);
        let url = url.map_err(|error| self.url.refused(&format!("it is not a URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            let reason = "a stage is called by `http://` or `https://`";
            return Err(self.url.refused(reason));
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
        request.take_userinfo();
        if json {
            request.add_header("content-type", "application/json");
        }
        request.add_header("accept", stream.map_or("*/*", Framing::accept));
        Ok(request)
    }

    /// Checks the headers as they are written: names, and values that are known already.
    pub(super) fn check(&self, table: &KindTable, problems: &mut Problems) -> bool {
        let mut right = true;
        for (name, value) in &self.headers {
            if let Some((reason, help)) = wrong_header(name, value) {
                let span = table.key_span_inside("headers", name);
                problems.at(
                    span,
                    format!("header `{name}` {reason}"),
                    Some(help.to_owned()),
                );
                right = false;
            }
        }
        right
    }

    /// Returns every reference in the address and the headers.
    pub(super) fn references(&self) -> impl Iterator<Item = Reference> + '_ {
        std::iter::once(&self.url)
            .chain(self.headers.values())
            .flat_map(Template::references)
    }
}

/// The headers that say where a request ends and what becomes of its connection: whoever sends it
/// writes them.
const FRAMING: [&str; 3] = ["content-length", "transfer-encoding", "connection"];

/// Returns why a header cannot be sent, and what to do about it.
fn wrong_header(name: &str, value: &Template) -> Option<(&'static str, &'static str)> {
    let is_known = value.references().is_empty() && !Template::is_in(value.source());
    if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
        let help = "A name is of letters, digits, and `-`, without spaces and colons.";
        Some(("is not the name of a header", help))
    } else if FRAMING.iter().any(|it| name.eq_ignore_ascii_case(it)) {
        let help = "Remove it: it is written with each request. Connections are the load's, by \
                    `connections`.";
        Some(("is not a stage's to say", help))
    } else if is_known && http::HeaderValue::from_str(value.source()).is_err() {
        let help = "Remove the line break or control character from it.";
        Some(("has a value that cannot be sent", help))
    } else {
        None
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

#[cfg(test)]
mod tests {
    use super::super::Protocol;
    use super::*;

    /// Parses a stage with these headers and returns what is wrong with them, by kind.
    fn problems(headers: &str) -> Vec<String> {
        let url = "url = \"http://127.0.0.1/\"";
        let kinds: [(&dyn Protocol, &str, &str); 3] = [
            (&super::super::http::Http, "http", ""),
            (
                &super::super::embeddings::Embeddings,
                "embeddings",
                "model = \"m\"\ninput = \"x\"",
            ),
            (
                &super::super::chat::Chat,
                "chat",
                "model = \"m\"\nmessages = [{ role = \"user\", content = \"x\" }]",
            ),
        ];
        let told = kinds.map(|(kind, name, keys)| {
            let keys = format!("{url}\n{keys}\nheaders = {{ {headers} }}");
            let mut problems = Problems::default();
            let call = kind.parse(&KindTable::from_toml(name, &keys), &mut problems);
            let told: Vec<String> = problems.iter().map(|it| it.message.clone()).collect();
            assert_eq!(call.is_some(), told.is_empty(), "{name}: {told:?}");
            told
        });
        let [first, rest @ ..] = told;
        for other in rest {
            assert_eq!(other, first, "every kind says the same");
        }
        first
    }

    // security 22
    #[test]
    fn headers_are_checked_before_anything_is_sent() {
        for right in [
            "x-a = \"b\"",
            "Host = \"other\"",
            "x = \"{{ secret.K }}\"",
            "x = \"a\\tb\"",
            "x = \"\"",
        ] {
            assert!(problems(right).is_empty(), "{right}");
        }
        for (wrong, why) in [
            (
                "\"x y\" = \"a\"",
                "header `x y` is not the name of a header",
            ),
            ("\"x:\" = \"a\"", "header `x:` is not the name of a header"),
            ("\"\" = \"a\"", "header `` is not the name of a header"),
            ("\"ä\" = \"a\"", "header `ä` is not the name of a header"),
            (
                "Content-Length = \"3\"",
                "header `Content-Length` is not a stage's to say",
            ),
            (
                "transfer-encoding = \"x\"",
                "header `transfer-encoding` is not a stage's to say",
            ),
            (
                "CONNECTION = \"close\"",
                "header `CONNECTION` is not a stage's to say",
            ),
            (
                "x = \"a\\r\\nb: c\"",
                "header `x` has a value that cannot be sent",
            ),
            (
                "x = \"a\\u0000\"",
                "header `x` has a value that cannot be sent",
            ),
        ] {
            assert_eq!(problems(wrong), [why], "{wrong}");
        }
        assert_eq!(problems("\"x y\" = \"a\", connection = \"b\"").len(), 2);
    }
}
