//! What templates can see: the environment, secrets, the case at hand, and the steps before.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::secrets::Secrets;

/// The names a template may begin a reference with.
pub(super) const ROOTS: [&str; 6] = ["env", "secret", "input", "expected", "steps", "session"];

/// What templates can see.
#[derive(Clone, Default)]
pub(crate) struct Scope {
    /// The folder of the manifest, for what is not a template but a place.
    pub(crate) folder: std::path::PathBuf,
    /// `{{ env.NAME }}`.
    pub(crate) env: Map<String, Value>,
    /// `{{ secret.NAME }}`.
    pub(crate) secrets: Arc<Secrets>,
    /// `{{ input }}`; null where there is no case.
    pub(crate) input: Value,
    /// `{{ expected }}`; null where the case has none.
    pub(crate) expected: Value,
    /// `{{ steps.STAGE.OUTPUT }}`.
    pub(crate) steps: Map<String, Value>,
    /// `{{ session.id }}`, `{{ session.turn }}` (from 1), `{{ session.history }}`; null outside a
    /// session.
    pub(crate) session: Value,
}

impl Scope {
    /// Returns what the templates of one case see.
    #[must_use]
    pub(crate) fn of(&self, input: &Value, expected: &Value) -> Self {
        Self {
            input: input.clone(),
            expected: expected.clone(),
            ..self.clone()
        }
    }

    /// Returns what a dotted reference stands for, or why there is nothing; the reason holds no
    /// value.
    pub(super) fn lookup(&self, path: &[String]) -> Result<Cow<'_, Value>, String> {
        let (root, rest) = path.split_first().ok_or("the reference is empty")?;
        let table = match root.as_str() {
            "input" => return descend(&self.input, root, rest).map(Cow::Borrowed),
            "expected" => return descend(&self.expected, root, rest).map(Cow::Borrowed),
            "session" => return descend(&self.session, root, rest).map(Cow::Borrowed),
            "secret" => return self.secret(path),
            "env" => &self.env,
            "steps" => &self.steps,
            other => return Err(format!("`{other}` is not known")),
        };
        let (key, rest) = rest
            .split_first()
            .ok_or_else(|| format!("`{root}` needs a name, as in `{root}.NAME`"))?;
        let prefix = format!("{root}.{key}");
        match table.get(key) {
            Some(value) => descend(value, &prefix, rest).map(Cow::Borrowed),
            None if root == "env" => Err(format!("the environment has no `{key}`")),
            None => Err(format!("there is no output of a step `{key}`")),
        }
    }

    fn secret(&self, path: &[String]) -> Result<Cow<'_, Value>, String> {
        let name = path.get(1..).unwrap_or_default().join(".");
        match self.secrets.get(&name) {
            Some(value) => Ok(Cow::Owned(Value::String(value.to_owned()))),
            None => Err(format!("the secret `{name}` is not set")),
        }
    }

    /// Makes the context of the template engine, with no more roots than are used.
    pub(super) fn context(&self, references: &[Vec<String>]) -> minijinja::Value {
        let used = |root: &str| {
            references
                .iter()
                .any(|path| path.first().is_some_and(|first| first == root))
        };
        let mut context = BTreeMap::new();
        for (root, table) in [("env", &self.env), ("steps", &self.steps)] {
            if used(root) {
                context.insert(root, minijinja::value::Serde(table).into());
            }
        }
        let values = [
            ("input", &self.input),
            ("expected", &self.expected),
            ("session", &self.session),
        ];
        for (root, value) in values {
            if used(root) && !value.is_null() {
                context.insert(root, minijinja::value::Serde(value).into());
            }
        }
        if used("secret") {
            let secrets: minijinja::Value = references
                .iter()
                .filter(|path| path.first().is_some_and(|root| root == "secret"))
                .filter_map(|path| path.get(1))
                .filter_map(|name| {
                    Some((
                        name.clone(),
                        minijinja::Value::from(self.secrets.get(name)?),
                    ))
                })
                .collect::<BTreeMap<_, _>>()
                .into();
            context.insert("secret", secrets);
        }
        context.into()
    }
}

/// Follows keys into a value.
fn descend<'a>(value: &'a Value, prefix: &str, rest: &[String]) -> Result<&'a Value, String> {
    // A null root means: this case has none. A null further down is a value like any other.
    if value.is_null() && !prefix.contains('.') {
        return Err(format!("there is no `{prefix}` here"));
    }
    let mut at = value;
    let mut walked = prefix.to_owned();
    for key in rest {
        at = match at {
            Value::Object(map) => map.get(key).ok_or_else(|| no_key(&walked, key, map))?,
            other => {
                return Err(format!(
                    "`{walked}` is {} and has no `{key}`",
                    kind_of(other)
                ));
            }
        };
        walked = format!("{walked}.{key}");
    }
    Ok(at)
}

/// Words for a missing key: names what is there, which are the case's own keys and never values.
fn no_key(walked: &str, key: &str, map: &Map<String, Value>) -> String {
    let keys: Vec<String> = map.keys().take(8).map(|key| format!("`{key}`")).collect();
    if keys.is_empty() {
        format!("`{walked}` is empty and has no `{key}`")
    } else {
        format!("`{walked}` has no `{key}`, only {}", keys.join(", "))
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
