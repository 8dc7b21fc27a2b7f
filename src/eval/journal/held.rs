//! What a journal holds, read back from its lines.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Seek, SeekFrom, Write};

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
    pub(super) answered: HashMap<(String, u32), Lines>,
    pub(super) told: BTreeMap<String, String>,
}

/// Where a journal's lines of one answer are: the answer, and what was told about it since. They
/// are read when it is graded: all answers at once may be too much for the memory.
#[derive(Debug)]
pub(super) struct Lines {
    answer: Place,
    told: Vec<Place>,
}

/// Where a line is, in bytes.
#[derive(Clone, Copy, Debug)]
struct Place {
    begins: u64,
    length: usize,
}

impl Lines {
    /// Reads them again; `None` where they cannot be, so that the case is asked again.
    pub(super) fn read(&self, file: &mut File, secrets: &Secrets) -> Option<Attempt> {
        let mut attempt = self.answer.read(file, secrets)?.answered()?;
        for place in &self.told {
            attempt.told.extend(place.read(file, secrets)?.told());
        }
        Some(attempt)
    }
}

impl Place {
    fn read(self, file: &mut File, secrets: &Secrets) -> Option<Line> {
        let mut bytes = vec![0; self.length];
        file.seek(SeekFrom::Start(self.begins)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        serde_json::from_str(&opened(&bytes, secrets)?).ok()
    }
}

/// Opens a line; `None` where it was sealed with other secrets than those at hand, or is torn.
fn opened(line: &[u8], secrets: &Secrets) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?;
    secrets.open(line).map(|it| it.to_string())
}

impl Held {
    fn add_line(&mut self, mut line: Line, place: Place) {
        let key = (line.case.clone(), line.repeat);
        if let Some(lines) = self.answered.get_mut(&key)
            && !line.told().is_empty()
        {
            lines.told.push(place);
        }
        if line.answered().is_some() {
            let (answer, told) = (place, Vec::new());
            self.answered.insert(key, Lines { answer, told });
        }
    }

    /// Takes a line; false when it is none.
    fn add(&mut self, line: &str, place: Place) -> bool {
        if let Ok(line) = serde_json::from_str(line) {
            self.add_line(line, place);
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

/// Finds every answer and cuts off what a kill or a power cut left of a last line.
pub(super) fn read(file: &mut File, secrets: &Secrets) -> io::Result<Held> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(&*file);
    let mut held = Held::default();
    let mut line = Vec::new();
    let (mut whole, mut begins): (u64, u64) = (0, 0);
    let mut repair = None;
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)? as u64;
        if length == 0 {
            break;
        }
        let place = Place {
            begins,
            length: line.len(),
        };
        begins += length;
        let is_whole = opened(&line, secrets).is_some_and(|line| held.add(&line, place));
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

/// Returns the answers that a journal holds, and whether each can be read again.
#[cfg(any(test, fuzzing))]
pub(crate) fn answers(file: &mut File) -> io::Result<BTreeMap<(String, u32), bool>> {
    let secrets = Secrets::default();
    let held = read(file, &secrets)?;
    let answers = held.answered.into_iter();
    Ok(answers
        .map(|(key, lines)| (key, lines.read(file, &secrets).is_some()))
        .collect())
}
