//! What ends the programs when this process is killed: another process, this binary again, which
//! hears of every group that begins and ends, and kills those that are left once it hears nothing
//! more.

use std::collections::BTreeSet;
use std::io::{BufRead, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The only argument with which this binary is the guard.
pub(crate) const WORD: &str = "__guard";

/// This binary; unset in tests of the library, which have none.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Where the guard listens: it is started with the first program. `None` where it cannot be.
static GUARD: Mutex<Option<Option<ChildStdin>>> = Mutex::new(None);

/// Says which program is the guard.
pub(crate) fn install(program: PathBuf) {
    // A second call says the same.
    drop(PROGRAM.set(program));
}

pub(super) fn began(number: i32) {
    tell('+', number);
}

pub(super) fn ended(number: i32) {
    tell('-', number);
}

/// Tells the guard. Without one, the programs still end with this process, unless it is killed.
fn tell(sign: char, number: i32) {
    let Some(program) = PROGRAM.get() else {
        return;
    };
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    let listening = guard.get_or_insert_with(|| start(program));
    if let Some(pipe) = listening
        && pipe
            .write_all(format!("{sign}{number}\n").as_bytes())
            .is_err()
    {
        *listening = None;
    }
}

/// Starts the guard out of reach of the terminal's signals. It sees no variable of ours and holds
/// no folder.
fn start(program: &Path) -> Option<ChildStdin> {
    let mut command = Command::new(program);
    command
        .arg(WORD)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.spawn().ok()?.stdin.take()
}

/// Is the guard, until nobody speaks to it any more.
pub(crate) fn keep_watch() {
    for number in left(std::io::stdin().lock()) {
        super::kill(number);
    }
}

/// Listens to the end and returns the groups that have begun and not ended.
fn left(told: impl BufRead) -> BTreeSet<i32> {
    let mut groups = BTreeSet::new();
    for line in told.lines().map_while(Result::ok) {
        let number = |text: &str| text.parse().ok().filter(|number: &i32| *number > 1);
        if let Some(number) = line.strip_prefix('+').and_then(number) {
            groups.insert(number);
        } else if let Some(number) = line.strip_prefix('-').and_then(number) {
            groups.remove(&number);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_of(told: &str) -> Vec<i32> {
        left(told.as_bytes()).into_iter().collect()
    }

    #[test]
    fn what_began_and_did_not_end_is_left() {
        assert!(left_of("").is_empty());
        assert_eq!(left_of("+20\n+30\n-20\n+40\n"), [30, 40]);
        assert_eq!(left_of("+20\n-20\n+20\n"), [20]);
        // The process was killed in the middle of a word.
        assert_eq!(left_of("+20\n-20\n+3"), [3]);
    }

    #[test]
    fn what_cannot_be_a_group_of_ours_is_not_killed() {
        assert!(left_of("+0\n+1\n+-1\nx\n\n7\n+99999999999\n").is_empty());
        assert_eq!(left_of("-9\n+9\n"), [9]);
    }
}
