//! What must hold of every assertion, whatever the answer is.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::number::{Decimal, Found, in_text};
use super::same::same;
use super::testing::{check, on_ids, on_text, passed, scope, subject, value};
use super::{Scored, find, names, needs};
use crate::manifest::{KindTable, Problems};
use crate::protocol::Reply;

/// One of each kind, as a manifest may have it.
const EACH: [(&str, &str); 14] = [
    ("contains", "value = '{{ expected }}'"),
    (
        "contains",
        "value = ['a', '1']\nmin = 0.5\nnormalize = true",
    ),
    ("equals", "value = '{{ expected }}'\nignore_case = true"),
    ("finish_reason", "value = ['stop', 'length']"),
    ("json_path", "path = '$.a'"),
    ("json_schema", "schema = { type = 'object' }"),
    ("latency", "max = '1s'"),
    ("matches", "pattern = '[a-z]+'"),
    ("mrr", "k = 3"),
    ("ndcg", "gain = 'exponential'"),
    ("numeric", "value = 7\ntolerance = '5%'"),
    ("numeric", "value = '{{ expected }}'\ndecimal = 'comma'"),
    ("precision", "k = 3\nmin = 0.1"),
    ("recall", ""),
];

/// Scores an answer with an assertion and, where there is one, with its `not_` form.
fn both(kind: &str, toml: &str, expected: &Value, reply: &Reply) -> (Scored, Option<Scored>) {
    let scope = scope(expected.clone());
    let subject = subject(&scope, reply);
    let parse = |name: &str| {
        let (assertion, is_negated) = find(name)?;
        let mut problems = Problems::default();
        let parsed = assertion.parse(&KindTable::from_toml(name, toml), &mut problems);
        assert!(problems.is_empty(), "{name}: {problems:?}");
        Some((parsed.unwrap().check, is_negated))
    };
    let (check, _) = parse(kind).unwrap();
    let negated = parse(&format!("not_{kind}")).map(|(check, is_negated)| {
        assert!(is_negated);
        check.score_negated(&subject)
    });
    (check.score(&subject), negated)
}

/// Any JSON that a golden set or an answer may hold.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e300..1e300_f64).prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-c]|ids|id|grade|none", inner, 0..3)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn reply() -> impl Strategy<Value = Reply> {
    let text = prop_oneof!["\\PC{0,20}", "[0-9.,eE+ -]{0,12}", "[{}a:,\"1]{0,9}"];
    let body = proptest::option::of(json_value());
    let reason = proptest::option::of("stop|length|x");
    (proptest::option::of(text), body, reason, json_value()).prop_map(
        |(text, body, finish_reason, ids)| Reply {
            text,
            body,
            finish_reason,
            outputs: [("ids".to_owned(), ids)].into_iter().collect(),
            ..Reply::default()
        },
    )
}

/// A ranking of some of the documents `a` to `j`.
fn ranking() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-j]", 0..12)
}

/// Grades of some documents, at least one above zero.
fn graded() -> impl Strategy<Value = std::collections::BTreeMap<String, f64>> {
    let grade = prop_oneof![1.0..4.0_f64, 1e-300..1e-3_f64, 1e3..1e308_f64];
    proptest::collection::btree_map("[a-j]", grade, 1..8)
}

fn of(kind: &str, toml: &str, expected: &Value, ids: &[String]) -> f64 {
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    value(&on_ids(kind, toml, expected.clone(), &ids))
}

proptest! {
    #[test]
    fn a_score_is_a_share_and_its_negation_never_holds_beside_it(expected in json_value(), reply in reply()) {
        for (kind, toml) in EACH {
            let (scored, negated) = both(kind, toml, &expected, &reply);
            if let Scored::Score { value, passed, why } = &scored {
                prop_assert!((0.0..=1.0 + 1e-9).contains(value), "{} {}", kind, value);
                prop_assert_eq!(*passed, why.is_empty(), "{}", kind);
            }
            if let Some(negated) = negated {
                prop_assert!(!(passed(&scored) && passed(&negated)), "{}", kind);
                let unscored = |it: &Scored| matches!(it, Scored::Unscored(_));
                // Where there is nothing to look at it is not so, and not shown to be otherwise.
                let is_nothing = !passed(&scored) && unscored(&negated);
                prop_assert!(unscored(&scored) == unscored(&negated) || is_nothing, "{}", kind);
            }
        }
    }

    #[test]
    fn a_text_is_in_itself_and_equals_itself(text in "\\PC{1,20}", before in "[ a-zΑ-Ωα-ω]{0,4}", after in "[ a-zΑ-Ωα-ω]{0,4}") {
        prop_assume!(!text.trim().is_empty() && !text.contains("{{") && !text.contains("{%") && !text.contains("{#"));
        let around = format!("{before}{text}{after}");
        for toml in ["", "ignore_case = true"] {
            prop_assert!(passed(&on_text("contains", toml, json!(text), &around)), "{}", toml);
            prop_assert!(passed(&on_text("equals", toml, json!(text), &text)));
            let spaced = json!([" ", &text, "\n"].concat());
            prop_assert!(passed(&on_text("equals", toml, spaced, &text)));
        }
        let normal = "normalize = true\nignore_case = true";
        let marked = format!("\u{feff} {text} \u{200b}");
        let is_nothing = text.chars().all(|c| c.is_whitespace() || "\u{200b}\u{2060}\u{feff}\u{ad}".contains(c));
        prop_assert!(is_nothing || passed(&on_text("equals", normal, json!(text), &marked)));
        let upper = text.to_uppercase().to_lowercase();
        prop_assume!(upper == text.to_lowercase());
        prop_assert!(passed(&on_text("equals", "ignore_case = true", json!(upper), &text)));
    }

    #[test]
    fn a_ranking_of_all_that_is_relevant_best_first_is_perfect(grades in graded()) {
        let expected = json!({"ids": grades});
        let mut best: Vec<(String, f64)> = grades.into_iter().collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1));
        let ids: Vec<String> = best.into_iter().map(|it| it.0).collect();
        for (kind, toml) in [("ndcg", ""), ("ndcg", "gain = 'exponential'"), ("recall", ""), ("precision", ""), ("mrr", "")] {
            let found = of(kind, toml, &expected, &ids);
            prop_assert!((found - 1.0).abs() < 1e-9, "{} {} {}", kind, toml, found);
        }
    }

    #[test]
    fn a_ranking_is_never_better_than_perfect_nor_worse_than_nothing(grades in graded(), ids in ranking(), k in 1..9_u32) {
        let expected = json!({"ids": grades});
        for toml in [String::new(), format!("k = {k}")] {
            for (kind, more) in [("ndcg", ""), ("ndcg", "\ngain = 'exponential'"), ("recall", ""), ("precision", ""), ("mrr", "")] {
                let found = of(kind, &format!("{toml}{more}"), &expected, &ids);
                prop_assert!((0.0..=1.0 + 1e-9).contains(&found), "{} {} {}", kind, toml, found);
            }
        }
    }

    #[test]
    fn more_places_never_lose_what_was_found(grades in graded(), ids in ranking(), k in 1..9_u32) {
        let expected = json!({"ids": grades});
        for kind in ["recall", "mrr"] {
            let narrow = of(kind, &format!("k = {k}"), &expected, &ids);
            let wide = of(kind, &format!("k = {}", k + 1), &expected, &ids);
            prop_assert!(narrow <= wide, "{}", kind);
        }
        let hits = |k: u32| of("precision", &format!("k = {k}"), &expected, &ids) * f64::from(k);
        prop_assert!(hits(k) <= hits(k + 1) + 1e-9);
    }

    #[test]
    fn a_document_counts_once_and_what_is_not_relevant_only_takes_places(grades in graded(), ids in ranking()) {
        let expected = json!({"ids": grades});
        let twice: Vec<String> = ids.iter().flat_map(|id| [id.clone(), id.clone()]).collect();
        let junk: Vec<String> = ids.iter().cloned().chain(["x".to_owned(), "y".to_owned()]).collect();
        let late: Vec<String> = std::iter::once("x".to_owned()).chain(ids.iter().cloned()).collect();
        for kind in ["recall", "mrr", "ndcg"] {
            let plain = of(kind, "", &expected, &ids);
            prop_assert_eq!(of(kind, "", &expected, &twice), plain, "{}", kind);
            prop_assert_eq!(of(kind, "", &expected, &junk), plain, "{}", kind);
            prop_assert!(of(kind, "", &expected, &late) <= plain, "{}", kind);
        }
    }

    #[test]
    fn a_swap_that_puts_the_better_document_first_never_lowers_ndcg(grades in graded(), ids in ranking(), at in 0..11_usize) {
        let mut ids = ids;
        let mut seen = std::collections::BTreeSet::new();
        ids.retain(|id| seen.insert(id.clone()));
        prop_assume!(at + 1 < ids.len());
        let grade = |id: &String| grades.get(id).copied().unwrap_or(0.0);
        if grade(&ids[at]) > grade(&ids[at + 1]) {
            ids.swap(at, at + 1);
        }
        let mut better = ids.clone();
        better.swap(at, at + 1);
        let expected = json!({"ids": grades});
        for toml in ["", "gain = 'exponential'", "k = 4"] {
            prop_assert!(of("ndcg", toml, &expected, &ids) <= of("ndcg", toml, &expected, &better) + 1e-12);
        }
    }

    #[test]
    fn the_same_json_is_the_same_and_anything_else_is_not_less_so(a in json_value(), b in json_value()) {
        prop_assert!(same(&a, &a));
        prop_assert_eq!(same(&a, &b), same(&b, &a));
        let text = a.to_string();
        let read: Value = serde_json::from_str(&text).unwrap();
        prop_assert!(same(&a, &read));
        prop_assert!(!same(&a, &json!([a])));
    }

    #[test]
    fn a_number_is_read_as_it_is_written(number in any::<i64>(), cents in 0..100_u32) {
        let one = |text: &str, decimal| match in_text(text, decimal) {
            Found::One(number) => Some(number.to_string()),
            Found::Nothing | Found::Unclear(_) => None,
        };
        prop_assert_eq!(one(&format!("It is {number}."), Decimal::Point), Some(number.to_string()));
        let small = number % 1_000_000;
        let point = format!("{small}.{cents:02}");
        let comma = point.replace('.', ",");
        prop_assert_eq!(one(&point, Decimal::Point), one(&comma, Decimal::Comma));
        let grouped = format!("{},{:03}", 1 + small.unsigned_abs() % 900, cents);
        prop_assert_eq!(one(&grouped, Decimal::Point), Some(grouped.replace(',', "")));
    }

    #[test]
    fn any_text_is_a_number_or_none_or_unclear(text in "[0-9a-zA-Z.,'’ +€$%()x²½−-]{0,14}") {
        for decimal in [Decimal::Point, Decimal::Comma] {
            if let Found::One(number) = in_text(&text, decimal) {
                prop_assert!(number.as_f64().is_finite());
                prop_assert!(text.chars().any(|c| c.is_ascii_digit() || c == '½'), "{}", text);
            }
        }
    }
}

#[test]
fn every_kind_is_tried_above() {
    for name in names() {
        let bare = name.strip_prefix("not_").unwrap_or(&name);
        assert!(EACH.iter().any(|(kind, _)| *kind == bare), "{name}");
    }
    for name in ["mrr", "ndcg", "precision", "recall"] {
        assert_eq!(needs(name), Some("ids"));
        assert!(find(&format!("not_{name}")).is_none());
    }
    assert!(find("not_").is_none() && find("not_not_equals").is_none());
    assert!(check("recall", "").reads_ids() && !check("latency", "max = '1s'").reads_ids());
}

/// 2^2000 is no float, and 2^1e-20 − 1 is none either.
#[test]
fn the_grades_of_a_ranking_may_be_of_any_size() {
    for grades in [
        json!({"a": 2000, "b": 1999}),
        json!({"a": 1e-20, "b": 5e-21}),
        json!({"a": 1e308, "b": 1e308}),
    ] {
        for toml in ["", "gain = 'exponential'"] {
            let run = |ids: &[&str]| value(&on_ids("ndcg", toml, json!({"ids": grades}), ids));
            assert!((run(&["a", "b"]) - 1.0).abs() < 1e-12, "{grades}");
            let turned = run(&["b", "a"]);
            assert!(turned > 0.7 && turned <= 1.0 + 1e-12, "{grades} {turned}");
        }
    }
}
