//! `{{ … }}` in strings of the manifest: parsed once, filled in for every request.

use std::collections::BTreeSet;
use std::fmt;

use minijinja::ErrorKind;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::jinja::Compiled;
use super::scope::Scope;
use super::syntax::{
    Part, Reference, check_filters, check_reference, parts, plain_references, with_subscripts,
};

use crate::intake;

/// How much of a template a message repeats.
const SHOWN_CHARS: usize = 60;

/// A string that may hold templates, parsed once. `Deserialize`s from a string.
#[derive(Clone)]
pub(crate) struct Template {
    text: String,
    form: Form,
    references: Vec<Reference>,
}

/// The forms, from cheap to dear; the first two need no engine.
#[derive(Clone)]
enum Form {
    Literal,
    /// Literal texts and plain references, by far the most usual form.
    Parts(Vec<Part>),
    Compiled(Compiled),
}

/// Why a template could not be rendered for one case, or what it was rendered to is of no use:
/// holds the template as written, and nothing that it was filled with. Only a [`Template`] makes
/// one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{template}` cannot be filled: {reason}")]
pub(crate) struct TemplateError {
    pub(super) template: String,
    pub(super) reason: String,
}

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{template}` is not a template: {reason}")]
pub(crate) struct TemplateSyntaxError {
    template: String,
    reason: String,
}

/// The engine takes the square of the time for texts that are joined in one expression.
const MOST_JOINS: usize = 500;

impl Template {
    /// Makes a template that holds no references, whatever is in the text.
    pub(crate) fn plain(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            form: Form::Literal,
            references: Vec::new(),
        }
    }

    /// Returns whether a text holds what would be read as a template, right or wrong.
    pub(crate) fn is_in(text: &str) -> bool {
        ["{{", "{%", "{#"].iter().any(|open| text.contains(open))
    }

    /// Parses a text and checks every name and filter in it.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateSyntaxError> {
        if !Self::is_in(text) {
            return Ok(Self::plain(text));
        }
        let wrong = |reason: String| TemplateSyntaxError {
            template: shorten(text),
            reason,
        };
        let (form, references) = if let Some(parts) = parts(text) {
            let references = plain_references(&parts);
            (Form::Parts(parts), references)
        } else {
            if intake::TEMPLATE.is_passed_by(text.len() as u64) {
                let most = intake::TEMPLATE;
                return Err(wrong(format!(
                    "with filters, conditions, or loops in it, it may have {most}"
                )));
            }
            if text.matches('~').count() > MOST_JOINS {
                return Err(wrong(format!("it may have {MOST_JOINS} `~` at most")));
            }
            let (compiled, names) = Compiled::parse(text).map_err(|error| {
                let detail = error.detail().map(str::to_owned);
                wrong(detail.unwrap_or_else(|| error.kind().to_string()))
            })?;
            check_filters(text).map_err(wrong)?;
            let references = with_subscripts(text, &names);
            (Form::Compiled(compiled), references)
        };
        for reference in &references {
            check_reference(reference).map_err(wrong)?;
        }
        Ok(Self {
            text: text.to_owned(),
            form,
            references,
        })
    }

    /// Returns the text as it was written.
    pub(crate) fn source(&self) -> &str {
        &self.text
    }

    /// Returns every reference: `env.api`, `secret.API_KEY`, `input.question`,
    /// `steps.retrieve.texts`, `expected`.
    pub(crate) fn references(&self) -> BTreeSet<Reference> {
        self.references.iter().cloned().collect()
    }

    /// Renders to text: what is not a string is written as JSON.
    pub(crate) fn text(&self, scope: &Scope) -> Result<String, TemplateError> {
        match &self.form {
            Form::Literal => Ok(self.text.clone()),
            Form::Parts(parts) => self.join(parts, scope),
            Form::Compiled(_) => self.value(scope).map(|value| match value {
                Value::String(text) => text,
                other => other.to_string(),
            }),
        }
    }

    /// Renders to a value: a string that is exactly one `{{ … }}` keeps the value's JSON type.
    pub(crate) fn value(&self, scope: &Scope) -> Result<Value, TemplateError> {
        match &self.form {
            Form::Literal => Ok(Value::String(self.text.clone())),
            Form::Parts(parts) => match parts.as_slice() {
                [Part::Reference(path)] => match scope.lookup(path) {
                    Ok(value) => Ok(value.into_owned()),
                    Err(reason) => Err(self.error(reason)),
                },
                parts => self.join(parts, scope).map(Value::String),
            },
            Form::Compiled(compiled) => self.eval(compiled, scope),
        }
    }

    fn join(&self, parts: &[Part], scope: &Scope) -> Result<String, TemplateError> {
        let mut out = String::with_capacity(self.text.len());
        for part in parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Reference(path) => {
                    let value = scope.lookup(path).map_err(|reason| self.error(reason))?;
                    match value.as_ref() {
                        Value::String(text) => out.push_str(text),
                        other => out.push_str(&other.to_string()),
                    }
                }
            }
        }
        Ok(out)
    }

    fn eval(&self, compiled: &Compiled, scope: &Scope) -> Result<Value, TemplateError> {
        match compiled.eval(scope.context(&self.references)) {
            Ok(value) if value.is_undefined() => Err(self.missing(scope, "it has no value")),
            Ok(value) => serde_json::to_value(&value)
                .map_err(|_| self.error("its value cannot be written as JSON".to_owned())),
            Err(error) if error.kind() == ErrorKind::UndefinedError => {
                Err(self.missing(scope, "a value it uses is missing"))
            }
            Err(error) if error.kind() == ErrorKind::OutOfFuel => {
                Err(self.error(format!("it takes more than {} steps", intake::FUEL)))
            }
            Err(error) => {
                let detail = error.detail().map(str::to_owned);
                let reason = detail.unwrap_or_else(|| error.kind().to_string());
                Err(self.error(scope.secrets.redact(&reason).into_owned()))
            }
        }
    }

    /// Names the first reference that stands for nothing.
    fn missing(&self, scope: &Scope, otherwise: &str) -> TemplateError {
        let first = self
            .references
            .iter()
            .find_map(|path| scope.lookup(path).err());
        self.error(first.unwrap_or_else(|| otherwise.to_owned()))
    }

    /// Says why what it was filled with is of no use; the message holds the template as written.
    pub(crate) fn refused(&self, reason: &str) -> TemplateError {
        self.error(reason.to_owned())
    }

    fn error(&self, reason: String) -> TemplateError {
        TemplateError {
            template: shorten(&self.text),
            reason,
        }
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        let literal = |template: &Self| matches!(template.form, Form::Literal);
        self.text == other.text && literal(self) == literal(other)
    }
}

impl Eq for Template {}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.text).finish()
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Template;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            // The error is made here and not by the caller, so that it points at the string itself.
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Template, E> {
                Template::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// Shortens a template for a message.
fn shorten(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    if line.chars().count() <= SHOWN_CHARS && line.len() == text.trim().len() {
        line.to_owned()
    } else {
        let start: String = line.chars().take(SHOWN_CHARS).collect();
        format!("{start}…")
    }
}

schema_is!(Template, "Template", {
    "type": "string",
    "description": "a text that may hold `{{ … }}` templates"
});

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::template::Secrets;

    fn scope() -> Scope {
        let lookup = |name: &str| (name == "KEY").then(|| "s3cr3t-value".to_owned());
        let serde_json::Value::Object(steps) = json!({"a-b": {"ids": ["d1"]}, "r": {"text": "t"}})
        else {
            panic!("it is an object");
        };
        let serde_json::Value::Object(env) = json!({"api": "http://x", "port": 80}) else {
            panic!("it is an object");
        };
        Scope {
            env,
            secrets: Arc::new(Secrets::resolve(["KEY"], &lookup).unwrap_or_default()),
            input: json!({"question": "wo & \"wie\"?", "tags": ["z", 1, null], "none": null}),
            expected: serde_json::Value::Null,
            steps,
            ..Scope::default()
        }
    }

    fn text(template: &str) -> String {
        match Template::parse(template).unwrap().text(&scope()) {
            Ok(text) => text,
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn texts_are_filled_in_and_the_rest_is_json() {
        assert_eq!(text("plain } text {"), "plain } text {");
        assert_eq!(text("{{ env.api }}:{{env.port}}/\n"), "http://x:80/\n");
        assert_eq!(
            text("{{ input.tags }} {{ input.none }}"),
            r#"["z",1,null] null"#
        );
        assert_eq!(
            text("q={{ input.question | urlencode }}"),
            "q=wo%20%26%20%22wie%22%3F"
        );
        assert_eq!(text("{{ input.question | tojson }}"), r#""wo & \"wie\"?""#);
        assert_eq!(text("{{ input.tags | length }} x"), "3 x");
        assert_eq!(
            text("{% for t in input.tags %}<{{ t }}>{% endfor %}\n"),
            "<z><1><null>\n"
        );
        assert_eq!(text("{{ input.x | default('d') }}"), "d");
        assert_eq!(text("{{ steps['a-b'].ids }}"), r#"["d1"]"#);
        assert_eq!(text("Bearer {{ secret.KEY }}"), "Bearer s3cr3t-value");
    }

    /// field 12
    #[test]
    fn keys_keep_the_order_of_the_case() {
        let tools = r#"{"type":"f","name":"x","args":{"z":1,"a":{"y":2,"b":3}}}"#;
        let scope = Scope {
            input: serde_json::from_str(&format!("{{\"tools\":{tools},\"list\":[{tools}]}}"))
                .unwrap(),
            ..Scope::default()
        };
        let text = |template: &str| Template::parse(template).unwrap().text(&scope).unwrap();
        for template in [
            "{{ input.tools }}",
            "{{ input.tools | tojson }}",
            "{{ input.tools | default('none') }}",
            "{{ input.list | first }}",
            "{% for tool in input.list %}{{ tool }}{% endfor %}",
            "{% if true %}{{ input.tools }}{% endif %}",
        ] {
            assert_eq!(text(template), tools, "{template}");
        }
        assert_eq!(
            text("{{ 'x' | upper }} {{ input.tools }}"),
            format!("X {tools}")
        );
        assert_eq!(
            text("{% for key in input.tools %}{{ key }} {% endfor %}"),
            "type name args "
        );
        assert_eq!(
            text(
                "{% for key, value in input.tools.args.a | items %}{{ key }}={{ value }} {% endfor %}"
            ),
            "y=2 b=3 "
        );
        let value = Template::parse("{{ input.tools | default(1) }}").unwrap();
        assert_eq!(value.value(&scope).unwrap().to_string(), tools);
    }

    #[test]
    fn exactly_one_expression_keeps_its_type() {
        let value = |text: &str| Template::parse(text).unwrap().value(&scope()).unwrap();
        assert_eq!(value("{{ input.tags }}"), json!(["z", 1, null]));
        assert_eq!(value("{{ input.tags | first }}"), json!("z"));
        assert_eq!(value("{{ env.port + 1 }}"), json!(81));
        assert_eq!(value(" {{ env.port }}"), json!(" 80"));
        assert_eq!(value("{{ env.port }}{{ env.port }}"), json!("8080"));
        assert_eq!(value("80"), json!("80"));
    }

    #[test]
    fn what_is_missing_is_named_and_no_secret_is_shown() {
        insta::assert_snapshot!(
            [
                "{{ input.answer }}",
                "{{ input.question.text }}",
                "{{ expected }}",
                "{{ expected.answer | upper }}",
                "{{ env.none }}",
                "{{ steps.none.text }} x",
                "{{ steps.r.ids | length }}",
                "{{ secret.OTHER }}",
                "{{ secret.KEY | int }}",
                "{{ input.question + 1 }}",
            ]
            .map(text)
            .join("\n"),
            @r#"
error: `{{ input.answer }}` cannot be filled: `input` has no `answer`, only `question`, `tags`, `none`
error: `{{ input.question.text }}` cannot be filled: `input.question` is text and has no `text`
error: `{{ expected }}` cannot be filled: there is no `expected` here
error: `{{ expected.answer | upper }}` cannot be filled: there is no `expected` here
error: `{{ env.none }}` cannot be filled: the environment has no `none`
error: `{{ steps.none.text }} x` cannot be filled: there is no output of a step `none`
error: `{{ steps.r.ids | length }}` cannot be filled: `steps.r` has no `ids`, only `text`
error: `{{ secret.OTHER }}` cannot be filled: the secret `OTHER` is not set
error: `{{ secret.KEY | int }}` cannot be filled: invalid float literal
error: `{{ input.question + 1 }}` cannot be filled: tried to use + operator on unsupported types string and number
"#
        );
    }

    #[test]
    fn slips_show_when_the_template_is_parsed() {
        let error = |text: &str| Template::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                "{{ input.question",
                "{{ }}",
                "{% if input %}x",
                "{{ inptu.question }}",
                "{{ steps.my-stage.text }}",
                "{{ question }}",
                "{{ secret }}",
                "{{ steps[input.x].text }}",
                "{{ input | uppper }}",
            ]
            .map(error)
            .join("\n"),
            @r#"
`{{ input.question` is not a template: unexpected end of input, expected end of variable block
`{{ }}` is not a template: unexpected end of variable block
`{% if input %}x` is not a template: unexpected end of input, expected end of block
`{{ inptu.question }}` is not a template: `inptu` is not known; did you mean `input`?
`{{ steps.my-stage.text }}` is not a template: `stage` is not known, only `env`, `secret`, `input`, `expected`, `steps`, `session`; a name with `-` is written `steps["my-stage"]`
`{{ question }}` is not a template: `question` is not known, only `env`, `secret`, `input`, `expected`, `steps`, `session`; a name with `-` is written `steps["my-stage"]`
`{{ secret }}` is not a template: `secret` needs a name, as in `secret.NAME`
`{{ steps[input.x].text }}` is not a template: `steps` needs a name, as in `steps.NAME`
`{{ input | uppper }}` is not a template: there is no filter `uppper`
"#
        );
    }

    #[test]
    fn references_are_listed_once() {
        let template = "{{ env.api }} {{ steps[\"a-b\"].ids }} {% for x in input.tags %}{{ x }}{% endfor %} \
                        {{ secret.KEY }} {{ env.api | upper }} {{ range(3) }}";
        let references: Vec<String> = Template::parse(template)
            .unwrap()
            .references()
            .iter()
            .map(|path| path.join("."))
            .collect();
        assert_eq!(
            references,
            ["env.api", "input.tags", "secret.KEY", "steps.a-b"]
        );
        assert!(Template::plain("{{ x }}").references().is_empty());
    }

    #[test]
    fn rendering_is_cheap() {
        let template = Template::parse("{{ env.api }}/{{ input.question | urlencode }}").unwrap();
        let scope = scope();
        let begin = std::time::Instant::now();
        for _ in 0..2_000 {
            template.text(&scope).unwrap();
        }
        // Measured: 22 µs each without optimisation; the bound only catches compiling anew for each
        // request.
        assert!(begin.elapsed() < std::time::Duration::from_secs(2));
    }

    // security 20
    #[test]
    fn deep_and_long_templates_are_errors_or_work_but_never_a_crash() {
        let chained = |part: &str, bytes: usize| part.repeat(bytes / part.len());
        for bytes in [1_000, 16_000, 400_000] {
            for text in [
                format!("{{{{ input{} }}}}", chained("|upper", bytes)),
                format!("{{{{ input{} }}}}", chained(".a", bytes)),
                format!("{{{{ 1{} }}}}", chained("+1", bytes)),
                format!("{{{{ 1{} }}}}", chained("**1", bytes)),
                format!("{{{{ {}1 }}}}", chained("(", bytes)),
                format!("{{{{ {}1 }}}}", chained("not ", bytes)),
                format!("{{{{ {}1 }}}}", chained("-", bytes)),
                format!("{{{{ {}1 }}}}", chained("1 if 1 else ", bytes)),
                format!(
                    "{{% if input %}}{}{{% endif %}}",
                    chained("{% elif input %}", bytes)
                ),
                chained("{% if input %}", bytes),
            ] {
                let parsed = Template::parse(&text);
                let is_plain = text.contains("input.a");
                assert!(bytes < 20_000 || is_plain || parsed.is_err());
                drop(parsed.map(|it| it.text(&scope())));
            }
        }
    }

    // security 20
    #[test]
    fn a_template_that_never_ends_or_fills_the_memory_is_stopped() {
        for text in [
            "{{ 'a' * 1000000000 }}",
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
            "{% for a in range(99999) %}{{ 'abc' * 9999 }}{% endfor %}",
            "{{ range(99999)|map('string')|join(',' * 9999) }}",
        ] {
            let begun = std::time::Instant::now();
            let error = Template::parse(text).unwrap().text(&scope());
            assert!(error.is_err(), "{text}");
            assert!(begun.elapsed().as_secs() < 20, "{text}");
        }
        // A plain text may be as long as it likes.
        let long = format!("{} {{{{ input }}}}", "x".repeat(100_000));
        assert!(Template::parse(&long).is_ok());
    }
}
