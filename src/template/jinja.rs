//! The template engine, set up once: strict about what is missing, JSON for what is not text.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, Expression, Output, State, UndefinedBehavior};

use crate::intake;

/// The name under which the one template of an engine is kept.
const ONLY: &str = "template";

/// In a text of so many bytes nothing nests deeper than any stack can hold.
const SHALLOW: usize = 1024;

/// Bytes of stack for the longest text; only what is used of them is taken.
const STACK: usize = 64 << 20;

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_fuel(Some(intake::FUEL.most()));
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_formatter(write_value);
    // The engine's own `tojson` escapes `<` and `&` for HTML, which would end up in prompts.
    engine.add_filter("tojson", to_json);
    engine.add_filter("regex_escape", regex_escape);
    // A prompt keeps its last newline.
    let syntax = minijinja::syntax::SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .build()
        .expect("the default delimiters are valid");
    engine.set_syntax(syntax);
    engine
});

/// A compiled template; cheap to clone.
#[derive(Clone)]
pub(super) enum Compiled {
    /// Exactly one `{{ … }}`: evaluates to a value.
    Expression(Arc<Expression<'static, 'static>>),
    /// Anything else: renders to text.
    Text(Arc<Environment<'static>>),
}

impl Compiled {
    /// Compiles a text, and returns every dotted name that is not defined inside it.
    pub(super) fn parse(text: &str) -> Result<(Self, BTreeSet<String>), Error> {
        let parse = || {
            let compiled = Self::new(text)?;
            let names = compiled.names();
            Ok((compiled, names))
        };
        if text.len() <= SHALLOW {
            return parse();
        }
        // The engine follows a chain of operators by recursion, one call for each.
        std::thread::scope(|scope| {
            let deep = std::thread::Builder::new().stack_size(STACK);
            let parsed = deep
                .spawn_scoped(scope, parse)
                .map(std::thread::ScopedJoinHandle::join);
            let failed = || Error::new(ErrorKind::SyntaxError, "it cannot be parsed here");
            parsed.map_err(|_| failed())?.map_err(|_| failed())?
        })
    }

    fn new(text: &str) -> Result<Self, Error> {
        if let Some(inside) = only_expression(text)
            && let Ok(expression) = ENGINE.compile_expression_owned(inside.to_owned())
        {
            return Ok(Self::Expression(Arc::new(expression)));
        }
        let mut engine = ENGINE.clone();
        engine.add_template_owned(ONLY, text.to_owned())?;
        Ok(Self::Text(Arc::new(engine)))
    }

    fn names(&self) -> BTreeSet<String> {
        let names = match self {
            Self::Expression(expression) => expression.undeclared_variables(true),
            Self::Text(engine) => engine
                .get_template(ONLY)
                .map(|template| template.undeclared_variables(true))
                .unwrap_or_default(),
        };
        let globals: BTreeSet<&str> = ENGINE.globals().map(|(name, _)| name).collect();
        names
            .into_iter()
            .filter(|name| !globals.contains(name.split('.').next().unwrap_or_default()))
            .collect()
    }

    /// Evaluates.
    pub(super) fn eval(&self, context: Value) -> Result<Value, Error> {
        match self {
            Self::Expression(expression) => expression.eval(context),
            Self::Text(engine) => Ok(Value::from(engine.get_template(ONLY)?.render(context)?)),
        }
    }
}

/// Returns whether a filter of that name exists.
pub(super) fn has_filter(name: &str) -> bool {
    let tried = ENGINE
        .empty_state()
        .apply_filter(name, &[Value::from(()), Value::from(())]);
    !matches!(tried, Err(error) if error.kind() == ErrorKind::UnknownFilter)
}

/// Returns what stands between the braces when the whole text is one `{{ … }}`.
fn only_expression(text: &str) -> Option<&str> {
    let inside = text.strip_prefix("{{")?.strip_suffix("}}")?;
    let inside = inside.strip_prefix('-').unwrap_or(inside);
    Some(inside.strip_suffix('-').unwrap_or(inside))
}

/// Writes text as it is and everything else as JSON.
fn write_value(out: &mut Output, _state: &mut State, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let failed = |_| Error::from(ErrorKind::WriteFailure);
    match value.as_str() {
        Some(text) => out.write_str(text).map_err(failed),
        None => out.write_str(&to_json(value)?).map_err(failed),
    }
}

/// The filter `tojson`.
fn to_json(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    serde_json::to_string(value).map_err(|_| Error::from(ErrorKind::BadSerialization))
}

/// The filter `regex_escape`: a pattern that matches the text itself. What is no text is escaped as
/// it is written.
fn regex_escape(value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(text) => Ok(regex::escape(text)),
        None => Ok(regex::escape(&to_json(value)?)),
    }
}
