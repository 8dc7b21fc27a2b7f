//! Prompts of given lengths, made up: words that nearly every tokenizer takes for one token each.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::golden::Case;
use crate::load::{mix, permute};
use crate::manifest::{Prompts, Tokens};

/// 256 English words. Each is one token behind a space, in the vocabularies of GPT-2 to GPT-4o,
/// Llama 1 to 3, and Mistral (`tests/real/tokens.mjs` counts them), so that a text of n words is a
/// text of n tokens.
const WORDS: &str = include_str!("words.txt");

/// What the random numbers are for: the lengths and texts of one load have nothing to do with one
/// another.
#[derive(Clone, Copy)]
enum Purpose {
    Length = 1,
    Output,
    Text,
    Prefix,
}

/// Makes the cases of a load. The same seed makes the same ones.
///
/// Lengths are stratified: the lengths of n cases are the distribution's quantiles (i + ½)/n in
/// random order, so that their mean is the one asked for however few there are.
pub(super) fn cases(prompts: &Prompts, seed: u64) -> Vec<Case> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let count = u64::from(prompts.cases);
    let length = |tokens: Tokens, purpose: Purpose, case: u64| {
        let place = permute(case, count, key(seed, purpose, 0));
        tokens.quantile((place as f64 + 0.5) / count as f64)
    };
    let cases = (0..count).map(|number| {
        let session = number / u64::from(prompts.turns);
        let mut prompt = String::new();
        // The turns of a session follow one beginning.
        if let Some(prefix) = prompts.prefix
            && number.is_multiple_of(u64::from(prompts.turns))
        {
            let which = session % u64::from(prefix.of);
            write(
                &words,
                key(seed, Purpose::Prefix, which),
                prefix.tokens,
                &mut prompt,
            );
        }
        let tokens = length(prompts.tokens, Purpose::Length, number);
        write(
            &words,
            key(seed, Purpose::Text, number),
            tokens,
            &mut prompt,
        );
        let mut input = Map::from_iter([(prompts.input.clone(), Value::from(prompt))]);
        if let Some(output) = prompts.output_tokens {
            let asked = length(output, Purpose::Output, number);
            input.insert("output_tokens".to_owned(), asked.into());
        }
        Case {
            id: format!("p{number}"),
            input: Value::Object(input),
            expected: Value::Null,
            tags: BTreeMap::new(),
            group: (prompts.turns > 1).then(|| format!("s{session}")),
            weight: None,
        }
    });
    cases.collect()
}

/// Returns the prompts as they are stored with a run.
pub(super) fn document(prompts: &Prompts) -> Value {
    json!({
        "tokens": prompts.tokens.to_string(),
        "output_tokens": prompts.output_tokens.map(|tokens| tokens.to_string()),
        "cases": prompts.cases,
        "turns": prompts.turns,
        "prefix": prompts.prefix.map(|prefix| json!({"tokens": prefix.tokens, "of": prefix.of})),
    })
}

fn key(seed: u64, purpose: Purpose, number: u64) -> u64 {
    mix(seed ^ mix(purpose as u64 ^ mix(number)))
}

fn write(words: &[&str], key: u64, tokens: u32, text: &mut String) {
    for token in 0..u64::from(tokens) {
        if !text.is_empty() {
            text.push(' ');
        }
        let at = mix(key ^ token) as usize % words.len();
        text.push_str(words[at]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::manifest::Prefix;

    fn prompts(tokens: Tokens, cases: u32) -> Prompts {
        Prompts {
            tokens,
            output_tokens: None,
            cases,
            turns: 1,
            prefix: None,
            input: "question".to_owned(),
        }
    }

    fn text(case: &Case) -> &str {
        case.input["question"].as_str().unwrap()
    }

    fn count(case: &Case) -> usize {
        text(case).split(' ').count()
    }

    #[test]
    fn there_are_256_different_words() {
        let words: BTreeSet<&str> = WORDS.split_whitespace().collect();
        assert_eq!(words.len(), 256);
        assert_eq!(WORDS.split_whitespace().count(), 256);
    }

    proptest! {
        #[test]
        fn a_prompt_has_as_many_words_as_tokens_and_no_two_are_the_same(
            seed: u64, tokens in 20_u32..300, cases in 1_u32..50,
        ) {
            let made = cases_of(tokens, cases, seed);
            prop_assert!(made.iter().all(|case| count(case) == tokens as usize));
            let texts: BTreeSet<&str> = made.iter().map(text).collect();
            prop_assert_eq!(texts.len(), cases as usize);
        }
    }

    fn cases_of(tokens: u32, count: u32, seed: u64) -> Vec<Case> {
        cases(&prompts(Tokens::Fixed(tokens), count), seed)
    }

    #[test]
    fn a_seed_has_prompts_of_its_own() {
        assert_eq!(cases_of(30, 5, 1), cases_of(30, 5, 1));
        assert_ne!(cases_of(30, 5, 1), cases_of(30, 5, 2));
    }

    #[test]
    fn even_a_few_prompts_have_the_mean_length_that_was_asked_for() {
        let skewed = Tokens::Skewed {
            mean: 500.0,
            cv: 0.8,
        };
        for seed in 0..20 {
            let made = cases(&prompts(skewed, 40), seed);
            let mean = made.iter().map(count).sum::<usize>() as f64 / 40.0;
            assert!((mean / 500.0 - 1.0).abs() < 0.04, "{mean}");
        }
    }

    #[test]
    fn prefixes_are_shared_and_stand_before_the_first_turn_alone() {
        let given = Prompts {
            output_tokens: Some(Tokens::Fixed(64)),
            turns: 2,
            prefix: Some(Prefix { tokens: 50, of: 2 }),
            ..prompts(Tokens::Fixed(10), 8)
        };
        let made = cases(&given, 7);
        let lengths: Vec<usize> = made.iter().map(count).collect();
        assert_eq!(lengths, [60, 10, 60, 10, 60, 10, 60, 10]);
        let prefix = |at: usize| text(&made[at]).split(' ').take(50).collect::<Vec<_>>();
        assert_eq!(prefix(0), prefix(4));
        assert_eq!(prefix(2), prefix(6));
        assert_ne!(prefix(0), prefix(2));
        let groups: Vec<&str> = made.iter().filter_map(|it| it.group.as_deref()).collect();
        assert_eq!(groups, ["s0", "s0", "s1", "s1", "s2", "s2", "s3", "s3"]);
        assert_eq!(made[0].input["output_tokens"], 64);
    }
}
