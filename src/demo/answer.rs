//! The chat model: reads passages and a question out of a prompt and quotes the sentence that fits
//! best.

use std::collections::BTreeSet;

use super::retrieve::Index;
use super::text::{sentences, words};

/// What opens the question in a prompt.
const QUESTION: &str = "Question:";
/// What the model says when nothing in the prompt fits.
pub(super) const UNKNOWN: &str = "I do not know: none of the passages says anything about that.";
/// What the words of the rest of the passage count: they tell what the sentence is about.
const PASSAGE_WEIGHT: f64 = 0.35;
/// What each place further down in the prompt costs: models trust what comes first.
const PLACE_COST: f64 = 0.02;
/// The longest run of letters that is one token.
const TOKEN_LETTERS: usize = 6;

/// Returns the sentence of the prompt's passages that covers the question best, or [`UNKNOWN`].
///
/// A prompt is lines: passages, one a line, perhaps after `[id]`, and `Question: …`; without that
/// word its last line is the question. `known` is what the model has learned: how common words are.
pub(super) fn answer(known: &Index, prompt: &str) -> String {
    let (passages, question) = split(prompt);
    let asked: BTreeSet<String> = words(question).into_iter().collect();
    let mut best: Option<(f64, &str)> = None;
    for (place, passage) in passages.iter().enumerate() {
        let about = share(known, &asked, passage);
        for sentence in sentences(passage) {
            let fit = share(known, &asked, sentence);
            let score = fit + PASSAGE_WEIGHT * about - PLACE_COST * place as f64;
            if about > 0.0 && best.is_none_or(|(top, _)| score > top) {
                best = Some((score, sentence));
            }
        }
    }
    best.map_or(UNKNOWN, |(_, sentence)| sentence).to_owned()
}

/// Returns the passages and the question of a prompt.
fn split(prompt: &str) -> (Vec<&str>, &str) {
    let (context, question) = match prompt.rsplit_once(QUESTION) {
        Some(parts) => parts,
        None => prompt.trim_end().rsplit_once('\n').unwrap_or(("", prompt)),
    };
    // With ids in the prompt, what has none is an instruction.
    let marked = context.lines().any(|line| line.starts_with('['));
    let passages = context
        .lines()
        .filter(|line| !marked || line.starts_with('['))
        .map(|line| match line.split_once("] ") {
            Some((_, text)) if line.starts_with('[') => text,
            _ => line,
        })
        .collect();
    (passages, question.trim())
}

/// Returns the weighted share of the question's words that the text has.
fn share(known: &Index, asked: &BTreeSet<String>, text: &str) -> f64 {
    let found: BTreeSet<String> = words(text).into_iter().collect();
    let total: f64 = asked.iter().map(|word| known.idf(word)).sum();
    let covered: f64 = asked.intersection(&found).map(|word| known.idf(word)).sum();
    if total > 0.0 { covered / total } else { 0.0 }
}

/// Returns the text in the pieces that the model writes: words, long ones in parts, each with its
/// leading space.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut letters = 0;
    for c in text.chars() {
        let starts = pieces.is_empty() || c.is_whitespace() || letters >= TOKEN_LETTERS;
        if starts {
            pieces.push(String::new());
            letters = 0;
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
        letters += usize::from(!c.is_whitespace());
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::super::corpus::passages;
    use super::super::retrieve::Index;
    use super::{UNKNOWN, answer, tokens};

    const PROMPT: &str = "Quote one sentence about lamps.\n\n\
        [a] Lamps are bright. The warranty of lamps is two years.\n\
        [b] The hub is blue.\n\n";

    fn ask(prompt: &str) -> String {
        answer(&Index::new(&passages()), prompt)
    }

    #[test]
    fn quotes_the_sentence_that_covers_the_question() {
        assert_eq!(
            ask(&format!(
                "{PROMPT}Question: How long is the warranty of lamps?"
            )),
            "The warranty of lamps is two years."
        );
        assert_eq!(
            ask(&format!("{PROMPT}Question: Is the hub blue?")),
            "The hub is blue."
        );
    }

    #[test]
    fn reads_bare_lines_and_a_bare_question() {
        assert_eq!(
            ask("Lamps are bright.\nThe hub is blue.\nIs the hub blue?\n"),
            "The hub is blue."
        );
    }

    #[test]
    fn says_when_it_does_not_know() {
        assert_eq!(ask(&format!("{PROMPT}Question: Wann?")), UNKNOWN);
        assert_eq!(ask("Wann?"), UNKNOWN);
        assert_eq!(ask(""), UNKNOWN);
    }

    #[test]
    fn tokens_join_to_the_text() {
        let text = "Geräte können Authentifizierung verlangen.";
        let pieces = tokens(text);
        assert_eq!(pieces.concat(), text);
        assert_eq!(pieces[..3], ["Geräte", " können", " Authen"]);
    }
}
