//! What a pipeline's steps take from each other, and what a load would measure twice.

use crate::manifest::error::Problems;
use crate::manifest::model::{Load, Manifest, Pipeline};

pub(super) fn check(manifest: &Manifest, problems: &mut Problems) {
    for pipeline in &manifest.pipelines {
        order(pipeline, manifest, problems);
    }
    for load in &manifest.loads {
        measured_once(load, manifest, problems);
    }
}

/// A step can only use what came back before it.
fn order(pipeline: &Pipeline, manifest: &Manifest, problems: &mut Problems) {
    let name = &pipeline.name;
    for (place, step) in pipeline.steps.iter().enumerate() {
        let Some(stage) = manifest.stage(step.as_str()) else {
            continue;
        };
        let (before, _) = pipeline.steps.split_at(place);
        let mut missing: Vec<String> = Vec::new();
        for (reference, _) in stage.kind.references() {
            if let [root, needed, ..] = reference.as_slice()
                && root == "steps"
                && manifest.stage(needed).is_some()
                && !before.iter().any(|it| *it == *needed.as_str())
                && !missing.contains(needed)
            {
                missing.push(needed.clone());
            }
        }
        for needed in missing {
            let message =
                format!("pipeline `{name}`: `{step}` uses `steps.{needed}` before it ran");
            let help = format!("Put `{needed}` before `{step}` in `steps`.");
            problems.at(pipeline.span.clone(), message, Some(help));
        }
    }
}

/// Figures are kept by name: a stage cannot be a target and a step, nor a step twice, in one load.
fn measured_once(load: &Load, manifest: &Manifest, problems: &mut Problems) {
    let names = manifest.measured_by(load);
    for (place, name) in names.iter().enumerate() {
        if names[..place].contains(name) && !names[place + 1..].contains(name) {
            let message = format!("load `{}` would measure `{name}` twice", load.name);
            let help = "Give each a load of its own.".to_owned();
            problems.at(load.span.clone(), message, Some(help));
        }
    }
}
