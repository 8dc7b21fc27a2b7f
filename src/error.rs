//! The one error type that reaches the top, and the trait by which module errors say whose fault
//! they are.

use miette::{Diagnostic, SourceCode};
use serde::Serialize;

/// Whose fault an error is; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The command line is wrong.
    Usage,
    /// The manifest, or a file named by it, is wrong.
    Manifest,
    /// Everything outside us: a stage unreachable, a file missing, the store unwritable.
    Environment,
    /// Nothing could be decided, for instance nothing to compare.
    Inconclusive,
    /// A bug in stagegate.
    Internal,
}

/// Implemented by each module's own error, beside the code that fails.
pub(crate) trait Classify: Diagnostic + Send + Sync + 'static {
    /// Returns whose fault the error is.
    fn kind(&self) -> Kind;

    /// Returns what is wrong, one by one, for programs.
    fn faults(&self) -> Vec<Fault>
    where
        Self: Sized,
    {
        faults_of(self, None)
    }
}

/// One thing that is wrong, as programs read it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// The file it stands in, as the user would write it.
    pub(crate) file: Option<String>,
    /// Its line there, from 1.
    pub(crate) line: Option<u64>,
    /// The key of the manifest, dotted: `stage.gateway.url`.
    pub(crate) key: Option<String>,
}

impl Fault {
    /// Returns what is wrong, after the place where it stands.
    pub(crate) fn located(&self) -> String {
        match (&self.file, self.line) {
            // A message that names its file already needs no second name.
            (Some(file), _) if self.message.contains(file.as_str()) => self.message.clone(),
            (Some(file), Some(line)) => format!("{file}:{line}: {}", self.message),
            (Some(file), None) => format!("{file}: {}", self.message),
            (None, _) => self.message.clone(),
        }
    }
}

/// Returns a diagnostic as what it is about: itself, or each of those that it is the headline of.
fn faults_of(diagnostic: &dyn Diagnostic, inherited: Option<&dyn SourceCode>) -> Vec<Fault> {
    let source = diagnostic.source_code().or(inherited);
    let related = diagnostic.related().into_iter().flatten();
    let inside: Vec<Fault> = related.flat_map(|it| faults_of(it, source)).collect();
    if !inside.is_empty() {
        return inside;
    }
    let mut message = diagnostic.to_string();
    let mut cause = diagnostic.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    let label = diagnostic.labels().and_then(|mut labels| labels.next());
    let place = label.and_then(|label| {
        let found = source?.read_span(label.inner(), 0, 0).ok()?;
        Some((found.name()?.to_owned(), found.line() as u64 + 1))
    });
    let (file, line) = place.unzip();
    vec![Fault {
        message,
        help: diagnostic.help().map(|it| it.to_string()),
        file,
        line,
        key: None,
    }]
}

/// Any module's error, with its kind kept and its type erased.
#[derive(Debug)]
pub(crate) struct Error {
    kind: Kind,
    faults: Vec<Fault>,
    diagnostic: Box<dyn Diagnostic + Send + Sync>,
}

/// The result of everything that can stop a command.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns whose fault the error is.
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns what is wrong, one by one; at least one.
    pub(crate) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Returns what is to be shown.
    pub(crate) fn diagnostic(&self) -> &(dyn Diagnostic + Send + Sync) {
        self.diagnostic.as_ref()
    }
}

impl<E: Classify> From<E> for Error {
    fn from(error: E) -> Self {
        Self {
            kind: error.kind(),
            faults: error.faults(),
            diagnostic: Box::new(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use miette::{LabeledSpan, NamedSource};

    use super::*;

    /// Something that is wrong at a place, and why.
    #[derive(Debug)]
    struct Wrong {
        message: &'static str,
        cause: Option<std::num::ParseIntError>,
        at: Option<usize>,
        source: Option<NamedSource<&'static str>>,
        inside: Vec<Wrong>,
    }

    impl Wrong {
        const fn new(message: &'static str) -> Self {
            Self {
                message,
                cause: None,
                at: None,
                source: None,
                inside: Vec::new(),
            }
        }
    }

    impl fmt::Display for Wrong {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.message)
        }
    }

    impl std::error::Error for Wrong {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.cause.as_ref().map(|it| it as _)
        }
    }

    impl Diagnostic for Wrong {
        fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
            self.at.map(|at| Box::new(format!("Look at {at}.")) as _)
        }

        fn source_code(&self) -> Option<&dyn SourceCode> {
            self.source.as_ref().map(|it| it as _)
        }

        fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
            let at = self.at?;
            Some(Box::new(std::iter::once(LabeledSpan::at_offset(
                at, "here",
            ))))
        }

        fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
            let inside = self.inside.iter().map(|it| it as &dyn Diagnostic);
            (!self.inside.is_empty()).then(|| Box::new(inside) as _)
        }
    }

    impl Classify for Wrong {
        fn kind(&self) -> Kind {
            Kind::Manifest
        }
    }

    #[test]
    fn a_headline_is_told_by_what_stands_under_it_each_with_its_line() {
        let headline = Wrong {
            source: Some(NamedSource::new("stagegate.toml", "a = 1\nb = 2\nc = 3\n")),
            inside: vec![
                Wrong {
                    at: Some(6),
                    ..Wrong::new("`b` is wrong")
                },
                Wrong::new("nothing has a place"),
                Wrong {
                    at: Some(999),
                    ..Wrong::new("a place that is none")
                },
            ],
            ..Wrong::new("3 problems in `stagegate.toml`")
        };
        let error = Error::from(headline);
        assert_eq!(error.kind(), Kind::Manifest);
        let told: Vec<_> = error
            .faults()
            .iter()
            .map(|it| (it.located(), it.line))
            .collect();
        assert_eq!(
            told,
            [
                ("stagegate.toml:2: `b` is wrong".to_owned(), Some(2)),
                ("nothing has a place".to_owned(), None),
                ("a place that is none".to_owned(), None),
            ]
        );
        assert_eq!(error.faults()[0].help.as_deref(), Some("Look at 6."));
        assert_eq!(
            error.diagnostic().to_string(),
            "3 problems in `stagegate.toml`"
        );
    }

    #[test]
    fn an_error_is_told_with_all_its_causes() {
        let error = Error::from(Wrong {
            cause: "x".parse::<u8>().err(),
            ..Wrong::new("the port is wrong")
        });
        let [fault] = error.faults() else {
            panic!("it is one fault");
        };
        assert_eq!(
            fault.message,
            "the port is wrong: invalid digit found in string"
        );
        assert_eq!((&fault.file, fault.line, &fault.key), (&None, None, &None));
    }

    #[test]
    fn a_file_is_named_once() {
        let fault = |message: &str, file: Option<&str>, line| Fault {
            message: message.to_owned(),
            file: file.map(str::to_owned),
            line,
            ..Fault::default()
        };
        for (fault, located) in [
            (fault("it is wrong", None, None), "it is wrong"),
            (fault("it is wrong", None, Some(3)), "it is wrong"),
            (
                fault("it is wrong", Some("a.toml"), None),
                "a.toml: it is wrong",
            ),
            (
                fault("it is wrong", Some("a.toml"), Some(3)),
                "a.toml:3: it is wrong",
            ),
            (
                fault("`a.toml` is wrong", Some("a.toml"), Some(3)),
                "`a.toml` is wrong",
            ),
        ] {
            assert_eq!(fault.located(), located);
        }
    }
}
