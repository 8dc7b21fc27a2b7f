//! Metrics by their dotted names: `load.peak.gateway.response_time.p95`,
//! `eval.answers.slice."lang=de".pass_rate`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::WrongMetric;
use super::expectation::Expectation;
use super::figure::Figure;
use super::unit::Unit;
use crate::name::split_dotted;
use crate::registry::suggest;

/// A metric of a release. It need not have been measured.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Metric {
    /// A number of a stage, or of a pipeline as a whole, under a load.
    Load {
        load: String,
        stage: String,
        figure: Figure,
    },
    /// A number of an eval suite.
    Eval { eval: String, part: EvalPart },
    /// What became of an expectation of a fault drill.
    Fault {
        fault: String,
        expectation: Expectation,
    },
    /// A whole run that was refused: `load.peak`.
    Run { kind: String, name: String },
    /// A name that another version or program wrote and that is not known here, as it was written.
    Other(String),
}

/// A number of an eval suite.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum EvalPart {
    PassRate,
    /// The mean score of an assertion.
    Score(String),
    /// The pass rate of a slice, for instance `lang=de`.
    Slice(String),
    /// The cases that must pass, and did not.
    MustPass,
}

impl Metric {
    /// Makes the metric of a stage under load.
    pub(crate) fn load(load: &str, stage: &str, figure: Figure) -> Self {
        Self::Load {
            load: load.to_owned(),
            stage: stage.to_owned(),
            figure,
        }
    }

    /// Makes the metric of a suite.
    pub(crate) fn eval(eval: &str, part: EvalPart) -> Self {
        Self::Eval {
            eval: eval.to_owned(),
            part,
        }
    }

    /// Takes a dotted name of the user's apart.
    pub(crate) fn parse(text: &str) -> Result<Self, WrongMetric> {
        let wrong = |help: &str| WrongMetric {
            message: format!("`{text}` is not a metric"),
            help: Some(help.to_owned()),
        };
        let parts = split_dotted(text).ok_or_else(|| wrong("A quote is not closed."))?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["load", load, stage, rest @ ..] if !rest.is_empty() => {
                let figure = Figure::parse(&rest.join(".")).map_err(|found| WrongMetric {
                    message: format!("`{}` is not a metric of a stage under load", rest.join(".")),
                    help: match (rest, found.help) {
                        ([metric], Some(help)) if help.starts_with("Write it like") => {
                            Some(format!("Say which statistic, as in `{metric}.p95`."))
                        }
                        (_, help) => help,
                    },
                })?;
                Ok(Self::load(load, stage, figure))
            }
            ["load", ..] => Err(wrong(
                "Write it like `load.NAME.STAGE.response_time.p95` or `load.NAME.STAGE.error_rate`.",
            )),
            ["eval", eval, rest @ ..] => {
                let part = eval_part(rest).ok_or_else(|| {
                    wrong(
                        "Write it like `eval.NAME.pass_rate`, `eval.NAME.ASSERTION.score`, or \
                         `eval.NAME.slice.\"lang=de\".pass_rate`.",
                    )
                })?;
                Ok(Self::eval(eval, part))
            }
            ["fault", fault, expectation] => Ok(Self::Fault {
                fault: (*fault).to_owned(),
                expectation: Expectation::of(expectation).ok_or_else(|| WrongMetric {
                    message: format!("`{expectation}` is not an expectation of a fault"),
                    help: suggest(expectation, &Expectation::ALL.map(Expectation::key)),
                })?,
            }),
            ["fault", ..] => Err(wrong("Write it like `fault.NAME.success_rate`.")),
            [first, ..] => Err(WrongMetric {
                message: format!("`{text}` is not a metric"),
                help: suggest(first, &["load", "eval", "fault"])
                    .map(|help| format!("A metric begins with `load`, `eval`, or `fault`. {help}")),
            }),
            [] => Err(wrong("Write it like `eval.NAME.pass_rate`.")),
        }
    }

    /// Reads a name of a document: also one that a rule cannot name, and one that is not known.
    fn read(text: String) -> Self {
        if let Ok(metric) = Self::parse(&text) {
            return metric;
        }
        let parts = split_dotted(&text).unwrap_or_default();
        match parts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["eval", eval, "must_pass"] => Self::eval(eval, EvalPart::MustPass),
            [kind, name] => Self::Run {
                kind: kind.to_owned(),
                name: name.to_owned(),
            },
            _ => Self::Other(text),
        }
    }

    /// Returns what its values are written in.
    pub(crate) const fn unit(&self) -> Unit {
        match self {
            Self::Load { figure, .. } => figure.unit(),
            Self::Eval { .. } => Unit::Share,
            Self::Fault { expectation, .. } => expectation.unit(),
            Self::Run { .. } | Self::Other(_) => Unit::Number,
        }
    }

    /// Returns whether it is a latency of what is measured, and not of the generator.
    pub(crate) const fn is_latency(&self) -> bool {
        matches!(
            self,
            Self::Load { figure: Figure::Latency(it, _), .. } if !it.is_of_the_generator()
        )
    }

    /// Returns whether it is the pass rate of a suite or of a slice.
    pub(crate) const fn is_pass_rate(&self) -> bool {
        matches!(
            self,
            Self::Eval {
                part: EvalPart::PassRate | EvalPart::Slice(_),
                ..
            }
        )
    }

    /// Returns the slice that it is the pass rate of, for instance `lang=de`.
    pub(crate) fn slice(&self) -> Option<&str> {
        match self {
            Self::Eval {
                part: EvalPart::Slice(slice),
                ..
            } => Some(slice),
            _ => None,
        }
    }

    /// Returns the name in two parts between which a line may be broken: whose it is, and what.
    pub(crate) fn in_two(&self) -> (String, Option<String>) {
        match self {
            Self::Load {
                load,
                stage,
                figure,
            } => (format!("load.{load}.{stage}"), Some(figure.to_string())),
            Self::Eval { eval, part } => (format!("eval.{eval}"), Some(part.to_string())),
            Self::Fault { .. } | Self::Run { .. } | Self::Other(_) => (self.to_string(), None),
        }
    }
}

fn eval_part(parts: &[&str]) -> Option<EvalPart> {
    match parts {
        ["pass_rate"] => Some(EvalPart::PassRate),
        ["slice", slice, "pass_rate"] => Some(EvalPart::Slice((*slice).to_owned())),
        [assertion, "score"] => Some(EvalPart::Score((*assertion).to_owned())),
        _ => None,
    }
}

impl fmt::Display for EvalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PassRate => f.write_str("pass_rate"),
            Self::Score(assertion) => write!(f, "{}.score", Part(assertion)),
            Self::Slice(slice) => write!(f, "slice.{}.pass_rate", Quoted(slice)),
            Self::MustPass => f.write_str("must_pass"),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load {
                load,
                stage,
                figure,
            } => write!(f, "load.{}.{}.{figure}", Part(load), Part(stage)),
            Self::Eval { eval, part } => write!(f, "eval.{}.{part}", Part(eval)),
            Self::Fault { fault, expectation } => {
                write!(f, "fault.{}.{}", Part(fault), expectation.key())
            }
            Self::Run { kind, name } => write!(f, "{}.{}", Part(kind), Part(name)),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::read)
    }
}

/// One part of a name, quoted where it must be.
struct Part<'a>(&'a str);

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(['.', '"', '\\']) {
            Quoted(self.0).fmt(f)
        } else {
            f.write_str(self.0)
        }
    }
}

/// A part in double quotes; those in it, and backslashes, have a backslash before them.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = self.0.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "\"{escaped}\"")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_tells_its_unit() {
        for (name, unit) in [
            ("load.peak.gateway.response_time.p95", Unit::Time),
            ("load.peak.llm.ttft.p99", Unit::Time),
            ("load.peak.gateway.error_rate", Unit::Share),
            ("load.peak.gateway.attainment", Unit::Share),
            ("load.peak.gateway.goodput_rps", Unit::Rate),
            ("eval.answers.pass_rate", Unit::Share),
            ("eval.answers.recall.score", Unit::Share),
            ("eval.answers.slice.\"lang=de\".pass_rate", Unit::Share),
            ("fault.down.recovery", Unit::Time),
        ] {
            let metric = Metric::parse(name).unwrap();
            assert_eq!(metric.unit(), unit, "{name}");
            assert_eq!(metric.to_string(), name);
        }
    }

    #[test]
    fn documents_name_more_than_rules_may() {
        for name in [
            "eval.answers.must_pass",
            "load.peak",
            "load.p.s.new_rate",
            "",
        ] {
            assert!(Metric::parse(name).is_err());
            let metric: Metric = serde_json::from_value(name.into()).unwrap();
            assert_eq!(serde_json::to_value(&metric).unwrap(), name);
        }
    }

    #[test]
    fn a_slice_may_hold_dots() {
        let metric = Metric::parse("eval.a.slice.\"model=v1.2\".pass_rate").unwrap();
        assert_eq!(metric.slice(), Some("model=v1.2"));
        assert_eq!(Metric::parse("eval.a.pass_rate").unwrap().slice(), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(eval in "[A-Za-z0-9_-]{1,8}", slice in "\\PC{1,12}") {
            let metric = Metric::eval(&eval, EvalPart::Slice(slice));
            prop_assert_eq!(Metric::parse(&metric.to_string()), Ok(metric));
        }
    }
}
