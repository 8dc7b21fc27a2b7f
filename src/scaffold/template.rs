//! The projects that `stagegate init` can start from.

use crate::registry::{Entry, Registry};

/// Every template; the first one is the default.
pub(crate) static TEMPLATES: Registry<Template> =
    Registry::new("template", &[&RAG, &CHAT, &AGENT, &EMBEDDINGS, &MINIMAL]);

/// A project to start from.
#[derive(Debug)]
pub(crate) struct Template {
    name: &'static str,
    summary: &'static str,
    files: &'static [TemplateFile],
}

/// One file of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TemplateFile {
    /// Relative to the project, with `/`.
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
}

impl Template {
    /// Returns what is to be written, the manifest first.
    pub(crate) const fn files(&self) -> &'static [TemplateFile] {
        self.files
    }
}

impl Entry for Template {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }
}

static RAG: Template = Template {
    name: "rag",
    summary: "a gateway that calls a search, a reranker, and a streaming chat model",
    files: &[
        TemplateFile {
            path: "stagegate.toml",
            text: include_str!("../../templates/init/rag/stagegate.toml"),
        },
        TemplateFile {
            path: "golden/support.jsonl",
            text: include_str!("../../templates/init/rag/golden/support.jsonl"),
        },
        TemplateFile {
            path: "prompts/answer.txt",
            text: include_str!("../../templates/init/rag/prompts/answer.txt"),
        },
    ],
};

static CHAT: Template = Template {
    name: "chat",
    summary: "one chat model: time to the first token, cost, and answers from a given passage",
    files: &[
        TemplateFile {
            path: "stagegate.toml",
            text: include_str!("../../templates/init/chat/stagegate.toml"),
        },
        TemplateFile {
            path: "golden/grounded.jsonl",
            text: include_str!("../../templates/init/chat/golden/grounded.jsonl"),
        },
        TemplateFile {
            path: "prompts/system.txt",
            text: include_str!("../../templates/init/chat/prompts/system.txt"),
        },
    ],
};

static AGENT: Template = Template {
    name: "agent",
    summary: "an agent and the tools that it calls",
    files: &[
        TemplateFile {
            path: "stagegate.toml",
            text: include_str!("../../templates/init/agent/stagegate.toml"),
        },
        TemplateFile {
            path: "golden/tasks.jsonl",
            text: include_str!("../../templates/init/agent/golden/tasks.jsonl"),
        },
    ],
};

static EMBEDDINGS: Template = Template {
    name: "embeddings",
    summary: "an embedding model and the index that searches its vectors",
    files: &[
        TemplateFile {
            path: "stagegate.toml",
            text: include_str!("../../templates/init/embeddings/stagegate.toml"),
        },
        TemplateFile {
            path: "golden/queries.jsonl",
            text: include_str!("../../templates/init/embeddings/golden/queries.jsonl"),
        },
    ],
};

static MINIMAL: Template = Template {
    name: "minimal",
    summary: "one service behind HTTP, one load test, and one eval",
    files: &[
        TemplateFile {
            path: "stagegate.toml",
            text: include_str!("../../templates/init/minimal/stagegate.toml"),
        },
        TemplateFile {
            path: "golden/questions.jsonl",
            text: include_str!("../../templates/init/minimal/golden/questions.jsonl"),
        },
    ],
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::TEMPLATES;
    use crate::registry::Entry;

    #[test]
    fn every_file_that_a_manifest_names_is_there() {
        for template in TEMPLATES.iter() {
            let paths: BTreeSet<_> = template.files().iter().map(|file| file.path).collect();
            let manifest: toml::Table = template.files()[0].text.parse().unwrap();
            assert_eq!(template.files()[0].path, "stagegate.toml");
            for table in ["load", "eval"] {
                for (_, block) in manifest[table].as_table().unwrap() {
                    let named = block.get("data").or_else(|| block.get("golden"));
                    let path = named.and_then(toml::Value::as_str).unwrap();
                    assert!(paths.contains(path), "{}: {path}", template.name());
                }
            }
        }
    }

    #[test]
    fn every_golden_line_has_an_id_of_its_own() {
        for template in TEMPLATES.iter() {
            let golden = template.files()[1].text;
            let ids: BTreeSet<String> = golden
                .lines()
                .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
                .map(|case| case["id"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(ids.len(), golden.lines().count());
            assert!(ids.len() >= 20);
        }
    }
}
