//! Words and sentences, as the demo's search and model see them.

use super::corpus::Lang;

/// Returns the words of a text, case-folded, without plural `s`.
///
/// A word is a run of letters and digits. Of the stemmers, only the plural rule is applied (Harman,
/// "How effective is suffixing?", 1991, the S-stemmer without its exceptions): queries and passages
/// go through the same function.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| fold(&word.to_lowercase()))
        .collect()
}

fn fold(word: &str) -> String {
    match word.strip_suffix('s') {
        Some(stem) if stem.chars().count() > 2 => stem.to_owned(),
        _ => word.to_owned(),
    }
}

/// Returns the text as the index of its language keeps it: German is normalised, other languages
/// are left alone.
pub(super) fn indexed_form(text: &str, lang: Lang) -> String {
    match lang {
        Lang::De => normalise_german(text),
        Lang::En | Lang::Es | Lang::Fr => text.to_owned(),
    }
}

/// Folds the spellings of German into one, for matching only: `Schlüssel` and `Schluessel` become
/// `Schlussel`.
///
/// The rules are those of Lucene's `GermanNormalizationFilter`, after the Snowball German2
/// algorithm: `ß` becomes `ss`; `ä`, `ö`, `ü` and `ae`, `oe` lose their mark; so does `ue`, unless
/// it follows a vowel or `q`. The result is not German any more: `aktuelle` becomes `aktulle`.
pub(super) fn normalise_german(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        let after_consonant = out
            .chars()
            .rev()
            .nth(1)
            .is_none_or(|c| !"aeiouyqAEIOUYQ".contains(c));
        let dropped = c == 'e'
            && (matches!(before, 'a' | 'o' | 'A' | 'O')
                || matches!(before, 'u' | 'U') && after_consonant);
        match c {
            'ß' => out.push_str("ss"),
            'ä' => out.push('a'),
            'ö' => out.push('o'),
            'ü' => out.push('u'),
            'Ä' => out.push('A'),
            'Ö' => out.push('O'),
            'Ü' => out.push('U'),
            _ if dropped => {}
            _ => out.push(c),
        }
        before = c;
    }
    out
}

/// Returns the sentences of a passage: they end with a full stop, question mark, or exclamation
/// mark before a space.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(['.', '?', '!']) {
        let end = at + 1;
        if text[end..].starts_with(' ') || end == text.len() {
            found.push(text[start..end].trim());
            start = end;
        }
    }
    found.push(text[start..].trim());
    found.retain(|sentence| !sentence.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::{normalise_german, sentences, words};

    #[test]
    fn words_are_folded_in_every_script() {
        assert_eq!(
            words("Prüfe DIE Größe: l'été, 4.90 lamps; ЩИТ!"),
            [
                "prüfe", "die", "größe", "l", "été", "4", "90", "lamp", "щит"
            ]
        );
    }

    #[test]
    fn german_is_folded_as_lucene_does() {
        for (german, folded) in [
            ("Schlüssel", "Schlussel"),
            ("Schluessel", "Schlussel"),
            ("Größe", "Grosse"),
            ("Ägypten", "Agypten"),
            ("aktuelle", "aktulle"),
            ("neue", "neue"),
            ("Quelle", "Quelle"),
            ("zwei", "zwei"),
        ] {
            assert_eq!(normalise_german(german), folded);
        }
    }

    #[test]
    fn sentences_do_not_end_inside_numbers() {
        assert_eq!(
            sentences("It costs 4.90 euros. Is TLS 1.3 used? Yes"),
            ["It costs 4.90 euros.", "Is TLS 1.3 used?", "Yes"]
        );
    }
}
