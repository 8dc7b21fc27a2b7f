//! `[pipeline.NAME]`: steps that stagegate itself drives.

use schemars::JsonSchema;
use serde::Deserialize;

use super::stage::Stage;
use crate::manifest::checker::{Checker, Family};
use crate::manifest::document::Section;
use crate::manifest::span::{Span, Spanned};
use crate::name::Name;

// What may be written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::manifest) struct RawPipeline {
    steps: Option<Vec<Spanned<Name>>>,
}

/// `[pipeline.NAME]`.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) name: Name,
    /// Stages, in the order in which they are called.
    pub(crate) steps: Vec<Name>,
    /// The table's header in the text.
    pub(crate) span: Span,
}

impl Pipeline {
    /// Checks the table; `None` where it has no steps.
    pub(in crate::manifest) fn check(section: Section, manifest: &mut Checker<'_>) -> Option<Self> {
        let (raw, mut checker) = manifest.read::<RawPipeline>(section.table, &[]);
        let steps = checker.required(raw?.steps, "steps")?;
        if steps.is_empty() {
            let message = format!("{} is empty", checker.key("steps"));
            checker.here(message, None);
        }
        Some(Self {
            name: section.name,
            steps: checker.references("steps", steps, Family::Stage),
            span: checker.span,
        })
    }

    /// Checks that each step uses only what came back before it.
    pub(in crate::manifest) fn check_order(&self, stages: &[Stage], manifest: &mut Checker<'_>) {
        let stage_of = |name: &str| stages.iter().find(|stage| stage.name == *name);
        for (place, step) in self.steps.iter().enumerate() {
            let Some(stage) = stage_of(step.as_str()) else {
                continue;
            };
            let (before, _) = self.steps.split_at(place);
            let mut missing: Vec<String> = Vec::new();
            for (reference, _) in stage.kind.references() {
                if let [root, needed, ..] = reference.as_slice()
                    && root == "steps"
                    && stage_of(needed).is_some()
                    && !before.iter().any(|it| *it == *needed.as_str())
                    && !missing.contains(needed)
                {
                    missing.push(needed.clone());
                }
            }
            for needed in missing {
                let name = &self.name;
                let message =
                    format!("pipeline `{name}`: `{step}` uses `steps.{needed}` before it ran");
                let help = format!("Put `{needed}` before `{step}` in `steps`.");
                manifest.at(self.span.clone(), message, Some(help));
            }
        }
    }
}
