//! What people write: manifests, overrides, templates, paths, names. A pull request may bring any
//! of them.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use crate::git::Git;
use crate::manifest::Manifest;
use crate::name::split_dotted;
use crate::protocol::OutputPath;
use crate::template::{Scope, Secrets, Template};

/// A secret as it might be, with characters that encodings write otherwise.
const SECRET: &str = "s3cr&t/\u{e4} key";

/// A manifest that is right, for overrides to be laid over.
const MANIFEST: &str = include_str!("../../tests/fixtures/manifests/small.toml");

fn secrets() -> Secrets {
    Secrets::resolve(["KEY"], &|_| Some(SECRET.to_owned())).expect("it is set")
}

static SCOPE: LazyLock<Scope> = LazyLock::new(|| Scope {
    secrets: Arc::new(secrets()),
    steps: [(
        "retrieve".to_owned(),
        json!({"texts": ["a", "b"], "ids": [1, 2]}),
    )]
    .into_iter()
    .collect(),
    ..Scope::default().of(
        &json!({"question": "why?", "n": [1, {"x": null}]}),
        &Value::Null,
    )
});

/// Templates: what was read is rendered or refused, and no message holds a secret.
pub(super) fn template(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(template) = Template::parse(text) else {
        return;
    };
    assert_eq!(template.source(), text);
    let asks = template.references();
    assert!(Template::is_in(text) || asks.is_empty());
    let errors = [template.text(&SCOPE).err(), template.value(&SCOPE).err()];
    for error in errors.into_iter().flatten() {
        assert!(!error.to_string().contains(SECRET), "{error}");
    }
}

/// Texts that may hold a secret: none is left, and what was struck out once stays as it is.
pub(super) fn redact(input: &[u8]) {
    static SECRETS: LazyLock<Secrets> = LazyLock::new(secrets);
    let text = String::from_utf8_lossy(input);
    let shown = SECRETS.redact(&text);
    assert!(!shown.contains(SECRET));
    let again = SECRETS.redact(&shown);
    assert!(!again.contains(SECRET));
    let sealed = SECRETS.seal(&text);
    let opened = SECRETS.open(&sealed);
    assert_eq!(opened.as_deref(), Some(&*text));
}

/// A JSONPath on the first line, a body on the others: whatever is selected is in the body.
pub(super) fn jsonpath(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (path, body) = text.split_once('\n').unwrap_or((text, "{}"));
    let Ok(path) = OutputPath::parse(path) else {
        return;
    };
    let Ok(body) = serde_json::from_str::<Value>(body) else {
        return;
    };
    let body_text = body.to_string();
    match path.select(&body) {
        Some(Value::Array(found)) => {
            for value in found {
                assert!(body_text.contains(&value.to_string()));
            }
        }
        Some(found) => assert!(body_text.contains(&found.to_string())),
        None => {}
    }
}

/// Manifests: each is right, or has problems that can be shown.
pub(super) fn manifest(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        parsed(text, &[]);
    }
}

/// `--set KEY=VALUE` over a manifest that is right.
pub(super) fn set(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let overrides = text.lines().take(4).filter_map(|it| it.split_once('='));
    let overrides = overrides.map(|(key, value)| (key.to_owned(), value.to_owned()));
    parsed(MANIFEST, &overrides.collect::<Vec<_>>());
}

fn parsed(text: &str, overrides: &[(String, String)]) {
    if let Err(error) = Manifest::parse(Path::new("stagegate.toml"), text, overrides) {
        let mut shown = String::new();
        let handler = miette::NarratableReportHandler::new();
        handler
            .render_report(&mut shown, &error)
            .expect("a string takes it");
        assert!(!shown.is_empty());
    }
}

/// Names of git's and of tables: each revision is none or a commit, and a dotted key is what its
/// parts make.
pub(super) fn names(input: &[u8]) {
    thread_local! {
        static REPOSITORY: (tempfile::TempDir, Git) = repository();
    }
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Some(commit) = REPOSITORY.with(|(_, git)| git.resolve(text)) {
        let is_id = commit.len() == 40 && commit.bytes().all(|it| it.is_ascii_hexdigit());
        assert!(is_id, "{commit}");
    }
    if let Some(parts) = split_dotted(text) {
        assert!(!parts.is_empty());
    }
}

/// A repository of one commit, without configuration of the user's.
fn repository() -> (tempfile::TempDir, Git) {
    let folder = tempfile::tempdir().expect("a folder");
    let made = git2::Repository::init(folder.path()).expect("an empty folder");
    let who = git2::Signature::now("a", "a@example.org").expect("a legal name");
    let tree = made
        .treebuilder(None)
        .and_then(|it| it.write())
        .expect("an empty tree");
    let tree = made.find_tree(tree).expect("it was written");
    made.commit(Some("HEAD"), &who, &who, "first", &tree, &[])
        .expect("a first commit");
    let git = Git::open(folder.path());
    (folder, git)
}
