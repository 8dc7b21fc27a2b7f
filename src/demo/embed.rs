//! Embeddings: weighted words hashed into a vector of fixed length.

use super::retrieve::Index;
use super::text::{normalise_german, words};

/// The length of every vector: enough that the words of a passage seldom meet.
pub(super) const DIMENSIONS: usize = 256;

/// Returns the embedding of a text, of length 1; zero throughout for a text without words.
///
/// Feature hashing (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009):
/// each word adds its inverse document frequency to the component that its hash names, with the
/// sign that the hash names too.
pub(super) fn embed(index: &Index, text: &str) -> Vec<f64> {
    let mut vector = vec![0.0; DIMENSIONS];
    for word in words(&normalise_german(text)) {
        let hash = fnv(&word);
        let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
        vector[(hash % DIMENSIONS as u64) as usize] += sign * index.idf(&word);
    }
    let length = vector.iter().map(|it| it * it).sum::<f64>().sqrt();
    if length > 0.0 {
        for component in &mut vector {
            *component /= length;
        }
    }
    vector
}

/// Returns the cosine of two vectors of length 1.
pub(super) fn cosine(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// FNV-1a, the same on every machine.
fn fnv(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::super::corpus::passages;
    use super::*;

    #[test]
    fn a_text_is_nearest_to_itself_and_nearer_to_its_topic() {
        let index = Index::new(&passages());
        let of = |text: &str| embed(&index, text);
        let question = of("How do I reset the hub?");
        assert!((cosine(&question, &question) - 1.0).abs() < 1e-12);
        let near = cosine(&question, &of("To reset the hub, hold the button."));
        assert!(near > 0.2 && near > 2.0 * cosine(&question, &of("The invoice comes by mail.")));
        assert!(of("?!").iter().all(|it| *it == 0.0));
    }
}
