//! What must hold of templates, whatever the text and the case are.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Scope, Secrets, Template, ValueTemplate};

const SECRET: &str = "hunter2-\u{fc}/x";

fn scope(input: Value) -> Scope {
    let lookup = |name: &str| (name == "KEY").then(|| SECRET.to_owned());
    let Ok(secrets) = Secrets::resolve(["KEY"], &lookup) else {
        panic!("the secret is set");
    };
    let env = Map::from_iter([("api".to_owned(), json!("http://x"))]);
    Scope {
        env,
        secrets: Arc::new(secrets),
        input,
        ..Scope::default()
    }
}

fn value(template: &str, input: Value) -> Value {
    Template::parse(template)
        .unwrap()
        .value(&scope(input))
        .unwrap()
}

fn text(template: &str, input: Value) -> String {
    Template::parse(template)
        .unwrap()
        .text(&scope(input))
        .unwrap()
}

/// Any value of a golden set but null, which is none.
fn case() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e6..1e6_f64).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!("{{ secret.KEY }}")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,3}", inner, 0..3)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// Pieces of templates, right and wrong.
fn piece() -> impl Strategy<Value = String> {
    let word = "input|input\\.a|expected|env\\.api|env\\.no|secret\\.KEY|steps\\['a-b'\\]|session\\.id|x|1";
    let filter =
        "| \\| (upper|tojson|urlencode|length|int|nope|default\\('d'\\)|first|regex_escape)";
    prop_oneof![
        (word, filter).prop_map(|(word, filter)| format!("{{{{ {word}{filter} }}}}")),
        "[a-z {}%#'\"-]{0,6}",
        Just("{% for x in input %}{{ x }}{% endfor %}".to_owned()),
        Just("{% if input %}y{% endif %}".to_owned()),
    ]
}

proptest! {
    #[test]
    fn a_text_without_templates_stays_as_it_is(written in "[^{]{0,30}") {
        prop_assert_eq!(text(&written, json!(1)), written.clone());
        prop_assert_eq!(value(&written, json!(1)), json!(written.clone()));
        prop_assert!(Template::parse(&written).unwrap().references().is_empty());
        prop_assert!(!Template::is_in(&written));
    }

    #[test]
    fn a_template_alone_keeps_the_type_of_any_value_and_beside_text_it_is_json(input in case()) {
        prop_assert_eq!(value("{{ input }}", input.clone()), input.clone());
        prop_assert_eq!(value("{{input}}", input.clone()), input.clone());
        let written = match &input {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        prop_assert_eq!(text("<{{ input }}>", input.clone()), ["<", &written, ">"].concat());
        prop_assert_eq!(text("{{ input }}", input.clone()), written);
        let nested = json!({"a": {"b": input}});
        prop_assert_eq!(value("{{ input.a.b }}", nested), input);
    }

    #[test]
    fn filters_write_what_can_be_read_again(input in case()) {
        let written = text("{{ input | tojson }}", input.clone());
        prop_assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), input.clone());
        if let Value::String(plain) = &input {
            let encoded = text("q={{ input | urlencode }}", input.clone());
            let pairs: Vec<_> = url::form_urlencoded::parse(encoded.as_bytes()).collect();
            prop_assert_eq!(pairs[0].1.as_ref(), plain);
            let pattern = text("^{{ input | regex_escape }}$", input.clone());
            prop_assert!(regex::Regex::new(&pattern).unwrap().is_match(plain));
        }
    }

    #[test]
    fn what_a_case_holds_is_never_read_as_a_template(inner in piece()) {
        prop_assert_eq!(text("{{ input }}", json!(&inner)), inner.clone());
        prop_assert_eq!(text("{% if true %}{{ input }}{% endif %}", json!(&inner)), inner);
    }

    #[test]
    fn any_pieces_are_a_template_or_refused_and_no_message_holds_a_secret(
        pieces in proptest::collection::vec(piece(), 1..5), input in case(),
    ) {
        let written = pieces.concat();
        match Template::parse(&written) {
            Err(error) => prop_assert!(error.to_string().contains("is not a template")),
            Ok(template) => {
                prop_assert_eq!(template.source(), &written);
                let scope = scope(input);
                if let Err(error) = template.value(&scope) {
                    let message = error.to_string();
                    prop_assert!(message.contains("cannot be filled") && !message.contains(SECRET), "{}", message);
                }
                prop_assert_eq!(template.text(&scope).is_ok(), template.value(&scope).is_ok());
            }
        }
    }

    #[test]
    fn references_of_two_templates_are_those_of_both(one in "input\\.[a-c]|env\\.[a-c]|secret\\.[A-C]", two in "input\\.[a-c]|steps\\.[a-c]\\.ids") {
        let references = |written: &str| Template::parse(written).unwrap().references();
        let (first, second) = (format!("{{{{ {one} }}}}"), format!("{{{{ {two} | upper }}}}"));
        let mut both = references(&first);
        both.extend(references(&second));
        prop_assert_eq!(references(&[first.as_str(), " and ", &second].concat()), both);
    }

    #[test]
    fn a_table_of_templates_has_the_references_of_its_texts_and_the_shape_it_was_written_in(
        key in "[a-z]{1,4}", input in case(), number in any::<i64>(),
    ) {
        let written = json!({
            key.clone(): ["{{ input }}", number, {"deep": "x {{ env.api }}"}], "plain": true,
        });
        let template: ValueTemplate = serde_json::from_value(written).unwrap();
        let names: Vec<String> = template.references().iter().map(|it| it.join(".")).collect();
        prop_assert_eq!(names, ["env.api", "input"]);
        let filled = template.value(&scope(input.clone())).unwrap();
        prop_assert_eq!(filled, json!({
            key: [input, number, {"deep": "x http://x"}], "plain": true,
        }));
    }
}

#[test]
fn what_is_null_is_told_from_what_is_missing() {
    let error = |template: &str, input: Value| {
        let error = Template::parse(template).unwrap().value(&scope(input));
        error.unwrap_err().reason
    };
    assert_eq!(value("{{ input.a }}", json!({"a": null})), Value::Null);
    assert_eq!(text("{{ input.a }}!", json!({"a": null})), "null!");
    assert_eq!(
        error("{{ input }}", Value::Null),
        "there is no `input` here"
    );
    assert_eq!(
        error("{{ input.a.b }}", json!({"a": null})),
        "`input.a` is null and has no `b`"
    );
    assert_eq!(
        error("{{ input.a }}", json!({})),
        "`input` is empty and has no `a`"
    );
    assert_eq!(
        error("{{ input.a }}", json!([1])),
        "`input` is an array and has no `a`"
    );
    assert_eq!(
        error("{{ input.a }}", json!(true)),
        "`input` is true or false and has no `a`"
    );
    assert_eq!(
        error("{{ session.id }}", json!(1)),
        "there is no `session` here"
    );
}

#[test]
fn a_value_that_json_cannot_hold_is_refused_and_a_date_is_text() {
    let read = |text: &str| {
        let value = toml::de::ValueDeserializer::parse(text).unwrap();
        <ValueTemplate as serde::Deserialize>::deserialize(value)
    };
    assert!(read("nan").unwrap_err().to_string().contains("JSON"));
    assert!(read("[1, inf]").is_err());
    let date = read("2026-11-24").unwrap().value(&scope(json!(1))).unwrap();
    assert_eq!(date, json!("2026-11-24"));
    let long = format!("{{{{ input.{} }}}}", "a".repeat(90));
    let message = Template::parse(&long)
        .unwrap()
        .value(&scope(json!({})))
        .unwrap_err();
    assert!(message.template.ends_with('…') && message.template.chars().count() == 61);
}
