//! The prompt of each release: the file that its project holds, filled with passages and the
//! question.

use minijinja::{Environment, UndefinedBehavior, context, value::Serde};
use serde::{Deserialize, Serialize};

use super::release::Release;

/// The prompt of the healthy release.
const V1: &str = include_str!("../../templates/demo/prompts/answer.v1.txt");
/// The prompt of the release that quotes passages as they were indexed.
const V2: &str = include_str!("../../templates/demo/prompts/answer.v2.txt");

/// A passage as the search service sends it and as a prompt may quote it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) id: String,
    /// The page it is from.
    pub(super) topic: String,
    /// The passage for readers.
    pub(super) text: String,
    /// The passage for matching.
    pub(super) indexed: String,
    pub(super) score: f64,
}

/// Returns the prompt file of a release.
pub(super) const fn source(release: Release) -> &'static str {
    match release {
        Release::V1 => V1,
        Release::V2 => V2,
    }
}

/// The prompts of both releases, parsed once.
#[derive(Debug)]
pub(super) struct Prompts {
    templates: Environment<'static>,
}

impl Prompts {
    /// Parses the prompts.
    pub(super) fn new() -> Self {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for release in [Release::V1, Release::V2] {
            templates
                .add_template(release.name(), source(release))
                .expect("the built-in prompts are tested");
        }
        Self { templates }
    }

    /// Returns the prompt for a question.
    pub(super) fn fill(&self, release: Release, question: &str, passages: &[Found]) -> String {
        let passages = Serde(passages);
        self.templates
            .get_template(release.name())
            .and_then(|template| template.render(context! { question, passages }))
            .expect("the built-in prompts use nothing but a question and passages")
    }
}

#[cfg(test)]
mod tests {
    use super::super::release::Release;
    use super::{Found, Prompts};

    #[test]
    fn second_release_quotes_what_was_indexed() {
        let found = [Found {
            id: "de-1".to_owned(),
            topic: "devices".to_owned(),
            text: "Größe AAA.".to_owned(),
            indexed: "Grosse AAA.".to_owned(),
            score: 1.0,
        }];
        let prompts = Prompts::new();
        insta::assert_snapshot!(prompts.fill(Release::V1, "Welche?", &found), @r"
        You answer customers of Lumo, a maker of smart lamps.
        Quote the one sentence of the passages that answers the question, in the language of the question.

        Passages:
        [de-1] Größe AAA.

        Question: Welche?
        ");
        insta::assert_snapshot!(prompts.fill(Release::V2, "Welche?", &found), @r"
        You answer customers of Lumo, a maker of smart lamps.
        Quote the one sentence of the passages that answers the question, in the language of the question.

        Passages:
        [de-1] Grosse AAA.

        Question: Welche?
        ");
    }
}
