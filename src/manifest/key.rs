//! Which key of the manifest a place in its text belongs to.

use toml::de::{DeTable, DeValue};

use super::span::Span;

/// Returns the dotted key, as `--set` takes it (`gate.rule.0.metric`), of what stands at a place in
/// a TOML text: the innermost key whose name or value holds it. `None` between keys, and where the
/// text cannot be read.
pub(super) fn key_at(text: &str, at: usize) -> Option<String> {
    let (root, _) = DeTable::parse_recoverable(text);
    let mut found = Found { at, best: None };
    found.table(root.get_ref(), "");
    found.best.map(|(_, key)| key)
}

struct Found {
    at: usize,
    /// How long the shortest text that holds the place is, and its key.
    best: Option<(usize, String)>,
}

impl Found {
    fn table(&mut self, table: &DeTable<'_>, path: &str) {
        for (key, value) in table {
            let path = match path {
                "" => key.get_ref().to_string(),
                path => format!("{path}.{}", key.get_ref()),
            };
            self.consider(key.span(), &path);
            self.consider(value.span(), &path);
            self.value(value.get_ref(), &path);
        }
    }

    fn value(&mut self, value: &DeValue<'_>, path: &str) {
        match value {
            DeValue::Table(table) => self.table(table, path),
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}.{index}");
                    self.consider(item.span(), &path);
                    self.value(item.get_ref(), &path);
                }
            }
            _ => {}
        }
    }

    fn consider(&mut self, span: Span, path: &str) {
        let shorter = |best: &(usize, String)| span.len() <= best.0;
        if span.contains(&self.at) && self.best.as_ref().is_none_or(shorter) {
            self.best = Some((span.len(), path.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::key_at;

    #[test]
    fn every_place_has_the_innermost_key_around_it() {
        let text = "version = 1\n\n[stage.s]\nkind = \"http\"\nslo = { ttft.p95 = \"2s\" }\n\
                    [[gate.rule]]\nmetric = \"a\"\n[[gate.rule]]\nmetric = \"b\"\n";
        let key = |needle: &str| key_at(text, text.rfind(needle).unwrap());
        assert_eq!(key("version").as_deref(), Some("version"));
        assert_eq!(key("[stage.s]").as_deref(), Some("stage.s"));
        assert_eq!(key("\"http\"").as_deref(), Some("stage.s.kind"));
        assert_eq!(key("\"2s\"").as_deref(), Some("stage.s.slo.ttft.p95"));
        assert_eq!(key("\"a\"").as_deref(), Some("gate.rule.0.metric"));
        assert_eq!(key("metric").as_deref(), Some("gate.rule.1.metric"));
        assert_eq!(key_at(text, text.find("\n\n").unwrap() + 1), None);
        assert_eq!(key_at("", 0), None);
    }
}
