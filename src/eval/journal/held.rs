//! What a journal holds, read back from its lines.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};

use crate::eval::attempt::Attempt;
use crate::eval::journal_line::Line;
use crate::template::Secrets;

/// What stages told of `[release]`.
#[derive(Serialize, Deserialize)]
pub(super) struct VersionsLine {
    pub(super) versions: BTreeMap<String, String>,
}

/// What a journal holds.
#[derive(Default)]
pub(super) struct Held {
    pub(super) answered: HashMap<(String, u32), Attempt>,
    pub(super) told: BTreeMap<String, String>,
}

impl Held {
    fn add_line(&mut self, mut line: Line) {
        let key = (line.case.clone(), line.repeat);
        if let Some(attempt) = self.answered.get_mut(&key) {
            attempt.told.extend(line.told());
        }
        let answer = line.answered();
        self.answered.extend(answer.map(|attempt| (key, attempt)));
    }

    /// Takes a line; false when it is none.
    fn add(&mut self, line: &str) -> bool {
        if let Ok(line) = serde_json::from_str(line) {
            self.add_line(line);
        } else if let Ok(VersionsLine { versions }) = serde_json::from_str(line) {
            // What was told first counts: the run was begun with it.
            for (part, version) in versions {
                self.told.entry(part).or_insert(version);
            }
        } else {
            return false;
        }
        true
    }
}

/// Reads every answer and cuts off what a kill or a power cut left of a last line.
pub(super) fn read(file: &mut File, secrets: &Secrets) -> io::Result<Held> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(&*file);
    let mut held = Held::default();
    let mut line = Vec::new();
    let mut whole: u64 = 0;
    let mut repair = None;
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)? as u64;
        if length == 0 {
            break;
        }
        let opened = std::str::from_utf8(&line)
            .ok()
            .and_then(|line| secrets.open(line));
        let is_whole = opened.is_some_and(|line| held.add(&line));
        if line.last() != Some(&b'\n') {
            repair = Some(is_whole);
        }
        if repair.is_none() {
            whole += length;
        }
    }
    match repair {
        None => {}
        // Only the line's end is missing.
        Some(true) => file.write_all(b"\n")?,
        Some(false) => file.set_len(whole)?,
    }
    Ok(held)
}
