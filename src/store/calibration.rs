//! The calibration of this machine, beside the runs.

use std::fs::{self, File};
use std::io::{self, Write as _};

use super::error::StoreError;
use super::layout::Store;
use crate::intake;
use crate::record::Calibration;

const FILE: &str = "calibration.json";

impl Store {
    /// Writes the calibration that later runs are stored with.
    pub(crate) fn write_calibration(&self, calibration: &Calibration) -> Result<(), StoreError> {
        self.prepare(self.root())?;
        let path = self.root().join(FILE);
        let text = serde_json::to_string_pretty(calibration).unwrap_or_default();
        let aside = path.with_extension("json.new");
        // What lies there is of a killed process, or a link to what is not ours.
        match fs::remove_file(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io("replace", &aside, error));
            }
            _ => {}
        }
        File::create_new(&aside)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|e| StoreError::io("write", &aside, e))?;
        fs::rename(&aside, &path).map_err(|e| StoreError::io("write", &path, e))
    }

    /// Returns the last calibration. One that cannot be read, or is of another version, is as good
    /// as none: it must not stop a measurement.
    pub(crate) fn calibration(&self) -> Option<Calibration> {
        self.guard().ok()?;
        let path = self.root().join(FILE);
        let text = intake::read_own_text(&path, &intake::SMALL_RECORD).ok()?;
        serde_json::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Clock;

    #[test]
    fn a_calibration_is_kept_until_the_next() {
        let project = tempfile::tempdir().unwrap();
        let store = Store::open(project.path(), &Clock::System);
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
