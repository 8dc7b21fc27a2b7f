//! Layer 0: the process groups of the programs that are run. None of them is left when its work is
//! over, nor when this process ends, however it does: by itself, by a signal, or killed.
//!
//! A program that leaves its group by its own will (`setsid`) is not found again.

mod guard;
mod owed;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use guard::{VARIABLE, WORD, install, keep_watch, mark};
pub(crate) use owed::Owed;

/// The groups that have not ended, by their number; and whether there may be more.
static LIVE: Mutex<Live> = Mutex::new(Live {
    groups: BTreeSet::new(),
    is_over: false,
});

struct Live {
    groups: BTreeSet<i32>,
    /// This process is ending: what is started from now on is ended at once.
    is_over: bool,
}

fn live() -> MutexGuard<'static, Live> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The process group that a program leads; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Group {
    number: Option<i32>,
}

impl Group {
    /// Takes over the group that a process leads, which was started with a group of its own;
    /// `None` is one that has ended already.
    pub(crate) fn led_by(leader: Option<u32>) -> Self {
        let number = leader.map(u32::cast_signed).filter(|it| *it > 1);
        let group = Self { number };
        if let Some(number) = number {
            let mut live = live();
            live.groups.insert(number);
            guard::began(number);
            if live.is_over {
                group.kill();
            }
        }
        group
    }

    /// Kills whoever is left in it. Right after its leader has been waited for this is safe, too:
    /// numbers are given in turn, so that no other group has it yet.
    pub(crate) fn kill(&self) {
        if let Some(number) = self.number {
            kill(number);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            // The lock is held until both know, so that nobody kills a number that is not ours.
            let mut live = live();
            kill(number);
            live.groups.remove(&number);
            guard::ended(number);
        }
    }
}

/// Kills every group that has not ended; this process is about to.
pub(crate) fn end_all() {
    let mut live = live();
    live.is_over = true;
    for number in &live.groups {
        kill(*number);
    }
}

/// Kills a group; that nobody is left in it is what is wanted.
fn kill(number: i32) {
    #[cfg(unix)]
    if let Some(group) = rustix::process::Pid::from_raw(number) {
        let _: Result<(), _> =
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::{Child, Command, ExitStatus};

    use super::*;

    fn sleeper() -> std::io::Result<Child> {
        Command::new("sleep").arg("300").process_group(0).spawn()
    }

    fn signal(status: ExitStatus) -> Option<i32> {
        status.signal()
    }

    #[test]
    fn a_group_that_is_dropped_is_killed() {
        let mut child = sleeper().unwrap();
        let group = Group::led_by(Some(child.id()));
        assert!(live().groups.contains(&child.id().cast_signed()));
        drop(group);
        assert_eq!(signal(child.wait().unwrap()), Some(9));
        assert!(!live().groups.contains(&child.id().cast_signed()));
    }

    /// 0 would be this process's own group, 1 everybody's parent.
    #[test]
    fn no_group_is_taken_over_that_cannot_be_ours() {
        for number in [None, Some(0), Some(1), Some(u32::MAX)] {
            let group = Group::led_by(number);
            assert_eq!(group.number, None, "{number:?}");
            group.kill();
        }
    }

    /// In a process of its own: it ends what the other tests have started.
    #[test]
    fn what_is_started_while_all_ends_is_ended_too() {
        if std::env::var_os("NEXTEST").is_none() {
            return;
        }
        let (mut before, mut after) = (sleeper().unwrap(), sleeper().unwrap());
        let first = Group::led_by(Some(before.id()));
        end_all();
        assert_eq!(signal(before.wait().unwrap()), Some(9));
        let second = Group::led_by(Some(after.id()));
        assert_eq!(signal(after.wait().unwrap()), Some(9));
        drop((first, second));
    }
}
