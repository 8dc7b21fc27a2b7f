//! What a machine can measure: the floor below which its figures are its own.

use std::fs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::layout::Store;
use super::record::Spread;

/// The schema name of a calibration's document.
pub(crate) const CALIBRATION_SCHEMA: &str = "stagegate/calibration";

const FILE: &str = "calibration.json";

/// The figures of one machine, measured against the reference server on the same machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Calibration {
    /// RFC 3339.
    pub(crate) measured_at: String,
    /// Cores that this process may use.
    pub(crate) cores: u64,
    /// At `lag_rate` arrivals a second.
    pub(crate) schedule_lag_ms: Option<Spread>,
    pub(crate) lag_rate: f64,
    /// By how much the TTFT of a stream differs from what the server did.
    pub(crate) ttft_error_ms: Option<Spread>,
    /// By how much the gap between two tokens differs from what the server did.
    pub(crate) gap_error_ms: Option<Spread>,
    /// The most plain requests a second, by 60 users; the server needed its share of the cores.
    pub(crate) max_rps: Option<f64>,
    /// The most streams at once, 20 tokens a second each, whose gap error keeps below 2 ms at the 99th percentile.
    pub(crate) max_streams: Option<u64>,
}

impl Store {
    /// Writes the calibration that later runs are stored with.
    pub(crate) fn write_calibration(&self, calibration: &Calibration) -> Result<(), StoreError> {
        self.prepare(self.root())?;
        let path = self.root().join(FILE);
        let text = serde_json::to_string_pretty(calibration).unwrap_or_default();
        let aside = path.with_extension("json.new");
        fs::write(&aside, text).map_err(|e| StoreError::io("write", &aside, e))?;
        fs::rename(&aside, &path).map_err(|e| StoreError::io("write", &path, e))
    }

    /// Returns the last calibration. One that cannot be read, or is of another version, is as good as none: it must not
    /// stop a measurement.
    pub(crate) fn calibration(&self) -> Option<Calibration> {
        let bytes = fs::read(self.root().join(FILE)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calibration_is_kept_until_the_next() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path());
        assert_eq!(store.calibration(), None);
        let mut calibration = Calibration {
            measured_at: "2026-11-24T12:00:00Z".to_owned(),
            cores: 2,
            schedule_lag_ms: None,
            lag_rate: 2000.0,
            ttft_error_ms: None,
            gap_error_ms: None,
            max_rps: Some(1.5),
            max_streams: None,
        };
        store.write_calibration(&calibration).unwrap();
        calibration.max_rps = Some(2.5);
        store.write_calibration(&calibration).unwrap();
        assert_eq!(store.calibration(), Some(calibration));
        fs::write(project.path().join(".stagegate/calibration.json"), "{").unwrap();
        assert_eq!(store.calibration(), None);
    }
}
