//! What ends the programs when this process is killed: another process, this binary again, which
//! hears of every group that begins and ends, and kills those that are left once it hears nothing
//! more.
//!
//! A program that began the moment before is not known to it by its number. On Linux it finds it by
//! a mark in its environment, which whatever it starts has too, also outside of its group.

use std::collections::BTreeSet;
use std::io::{BufRead, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The first argument with which this binary is the guard; the second is the mark.
pub(crate) const WORD: &str = "__guard";

/// The variable that programs carry the mark in.
pub(crate) const VARIABLE: &str = "STAGEGATE_GUARD";

/// After the end it is looked for programs so often, in so long: one that is just being started
/// shows its environment a moment later.
const LOOKS: u32 = 3;
const BETWEEN: Duration = Duration::from_millis(50);

/// This binary; unset in tests of the library, which have none.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// The guard, which is started with the first program.
static GUARD: Mutex<Guard> = Mutex::new(Guard::Unasked);

enum Guard {
    /// No program has been started yet.
    Unasked,
    Listening(ChildStdin),
    /// It could not be started, or has ended.
    Gone,
}

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

/// Returns the mark of this process's programs, and sees to it that they are watched over from
/// their first moment.
pub(crate) fn mark() -> &'static str {
    static MARK: OnceLock<String> = OnceLock::new();
    let mark = MARK.get_or_init(|| uuid::Uuid::now_v7().simple().to_string());
    if let Some(program) = PROGRAM.get() {
        let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*guard, Guard::Unasked) {
            *guard = start(program, mark).map_or(Guard::Gone, Guard::Listening);
        }
    }
    mark
}

/// Tells the guard. Without one, the programs still end with this process, unless it is killed.
fn tell(sign: char, number: i32) {
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Guard::Listening(pipe) = &mut *guard
        && pipe
            .write_all(format!("{sign}{number}\n").as_bytes())
            .is_err()
    {
        *guard = Guard::Gone;
    }
}

/// Starts the guard out of reach of the terminal's signals. It sees no variable of ours and holds
/// no folder.
fn start(program: &Path, mark: &str) -> Option<ChildStdin> {
    let mut command = Command::new(program);
    command
        .args([WORD, mark])
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
pub(crate) fn keep_watch(mark: &str) {
    for number in left(std::io::stdin().lock()) {
        super::kill(number);
    }
    for _ in 0..LOOKS {
        for process in marked(Path::new("/proc"), mark) {
            end(process);
        }
        std::thread::sleep(BETWEEN);
    }
}

/// Kills a process; that it has ended is what is wanted.
fn end(process: i32) {
    #[cfg(unix)]
    if let Some(process) = rustix::process::Pid::from_raw(process) {
        let _: Result<(), _> =
            rustix::process::kill_process(process, rustix::process::Signal::KILL);
    }
}

/// Returns the processes that carry a mark, as `/proc` shows them; none where there is no `/proc`.
fn marked(processes: &Path, mark: &str) -> Vec<i32> {
    let Ok(all) = std::fs::read_dir(processes) else {
        return Vec::new();
    };
    let wanted = format!("{VARIABLE}={mark}");
    let carries = |process: &i32| {
        // Another user's process shows nothing, and is not ours.
        let environment = std::fs::read(processes.join(process.to_string()).join("environ"));
        environment.is_ok_and(|it| {
            it.split(|byte| *byte == 0)
                .any(|it| it == wanted.as_bytes())
        })
    };
    let numbers = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers
        .filter(|number| *number > 1)
        .filter(carries)
        .collect()
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
    fn who_carries_the_mark_is_found_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let process = |name: &str, environment: &str| {
            let process = folder.path().join(name);
            std::fs::create_dir(&process).unwrap();
            std::fs::write(process.join("environ"), environment).unwrap();
        };
        process("20", "A=1\0STAGEGATE_GUARD=m1\0B=2\0");
        process("21", "A=1\0STAGEGATE_GUARD=m12\0");
        process("22", "XSTAGEGATE_GUARD=m1\0");
        process("23", "A=STAGEGATE_GUARD=m1\0");
        process("1", "STAGEGATE_GUARD=m1\0");
        process("self", "STAGEGATE_GUARD=m1\0");
        process("24", "STAGEGATE_GUARD=m1");
        std::fs::create_dir(folder.path().join("25")).unwrap();
        let mut found = marked(folder.path(), "m1");
        found.sort_unstable();
        assert_eq!(found, [20, 24]);
        assert!(marked(&folder.path().join("none"), "m1").is_empty());
    }

    #[test]
    fn what_cannot_be_a_group_of_ours_is_not_killed() {
        assert!(left_of("+0\n+1\n+-1\nx\n\n7\n+99999999999\n").is_empty());
        assert_eq!(left_of("-9\n+9\n"), [9]);
    }
}
