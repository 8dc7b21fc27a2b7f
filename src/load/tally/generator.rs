//! What this machine did to the generator during a run: CPU time, memory, steal, throttling,
//! descriptors.

use std::path::Path;

/// Counters of the machine at one moment; `None` where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Machine {
    /// CPU time of this process, user and system, in ns.
    pub(crate) cpu_ns: u64,
    /// Ticks that the hypervisor gave to others, over all cores.
    steal_ticks: Option<u64>,
    /// All ticks, over all cores.
    all_ticks: Option<u64>,
    /// Time for which the control group was throttled, in µs.
    throttled_us: Option<u64>,
}

/// What changed between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Strain {
    /// Share of the machine's time that was stolen.
    pub(crate) steal: f64,
    /// Time for which this process's control group was throttled, in ms.
    pub(crate) throttled_ms: f64,
}

impl Machine {
    /// Reads the counters; `proc` is `/proc`, `cgroup` is `/sys/fs/cgroup`, both passed in for
    /// tests.
    pub(crate) fn read(proc: &Path, cgroup: &Path) -> Self {
        let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let stat = std::fs::read_to_string(proc.join("stat")).unwrap_or_default();
        let ticks: Vec<u64> = stat
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("cpu "))
            .map(|line| {
                line.split_whitespace()
                    .filter_map(|word| word.parse().ok())
                    .collect()
            })
            .unwrap_or_default();
        Self {
            cpu_ns: cpu.tv_sec as u64 * 1_000_000_000 + cpu.tv_nsec as u64,
            // user nice system idle iowait irq softirq steal; the guest columns are counted in user
            // already.
            steal_ticks: ticks.get(7).copied(),
            all_ticks: (ticks.len() >= 8).then(|| ticks[..8].iter().sum()),
            throttled_us: throttled_us(proc, cgroup),
        }
    }

    /// Returns what the machine did since `earlier`.
    pub(crate) fn strain_since(&self, earlier: &Self) -> Strain {
        let since = |now: Option<u64>, then: Option<u64>| {
            now.zip(then)
                .map_or(0, |(now, then)| now.saturating_sub(then)) as f64
        };
        let all = since(self.all_ticks, earlier.all_ticks);
        Strain {
            steal: if all > 0.0 {
                since(self.steal_ticks, earlier.steal_ticks) / all
            } else {
                0.0
            },
            throttled_ms: since(self.throttled_us, earlier.throttled_us) / 1e3,
        }
    }
}

/// Returns the throttled time of this process's own control group, of version 2 or 1.
fn throttled_us(proc: &Path, cgroup: &Path) -> Option<u64> {
    let own = std::fs::read_to_string(proc.join("self/cgroup")).ok()?;
    let counter = |folder: &Path, key: &str| -> Option<u64> {
        let stat = std::fs::read_to_string(folder.join("cpu.stat")).ok()?;
        let value = stat.lines().find_map(|line| line.strip_prefix(key))?;
        value.trim().parse().ok()
    };
    // A line is number:controllers:path; version 2 has no controllers there.
    own.lines().find_map(|line| {
        let mut shards = line.splitn(3, ':').skip(1);
        let (controllers, path) = (shards.next()?, shards.next()?.trim_start_matches('/'));
        if controllers.is_empty() {
            return counter(&cgroup.join(path), "throttled_usec ");
        }
        let is_cpu = controllers.split(',').any(|it| it == "cpu");
        let folder = is_cpu.then(|| cgroup.join(controllers).join(path))?;
        Some(counter(&folder, "throttled_time ")? / 1_000)
    })
}

/// Returns the largest memory this process ever held, in MiB; 0 where the system does not tell.
pub(crate) fn peak_rss_mb(proc: &Path) -> f64 {
    let status = std::fs::read_to_string(proc.join("self/status")).unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
        .map_or(0.0, |kib| kib / 1024.0)
}

/// Asks that this thread be woken before others. Only a privileged process may; without it, the lag
/// shows what that costs.
pub(crate) fn hurry_this_thread() -> bool {
    /// Before ordinary processes, after what the system itself needs.
    const NICENESS: i32 = -10;
    #[cfg(target_os = "linux")]
    let this_thread = Some(rustix::thread::gettid());
    #[cfg(not(target_os = "linux"))]
    let this_thread = None;
    rustix::process::setpriority_process(this_thread, NICENESS).is_ok()
}

/// Raises the limit of open descriptors as far as it goes and returns how many connections fit
/// under it.
pub(crate) fn most_connections() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// Descriptors for files, pipes, and timers.
    const RESERVED: u64 = 64;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Not being allowed to raise it leaves the present limit in force.
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let current = current.unwrap_or(1 << 20);
    current.saturating_sub(RESERVED).max(1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steal_and_throttling_are_differences() {
        let folder = tempfile::tempdir().unwrap();
        let (proc, cgroup) = (folder.path().join("proc"), folder.path().join("cgroup"));
        std::fs::create_dir_all(proc.join("self")).unwrap();
        std::fs::create_dir_all(cgroup.join("ci/job")).unwrap();
        std::fs::write(proc.join("self/cgroup"), "0::/ci/job\n").unwrap();
        let write = |steal: u64, throttled: u64| {
            std::fs::write(
                proc.join("stat"),
                format!("cpu  50 0 30 {} 0 0 0 {steal}\n", 20 - steal),
            )
            .unwrap();
            let stat = format!("nr_throttled 1\nthrottled_usec {throttled}\n");
            std::fs::write(cgroup.join("ci/job/cpu.stat"), stat).unwrap();
        };
        write(0, 1_000);
        let earlier = Machine::read(&proc, &cgroup);
        std::fs::write(proc.join("stat"), "cpu  90 0 60 35 0 0 0 15\n").unwrap();
        std::fs::write(cgroup.join("ci/job/cpu.stat"), "throttled_usec 26000\n").unwrap();
        let strain = Machine::read(&proc, &cgroup).strain_since(&earlier);
        assert_eq!(
            strain,
            Strain {
                steal: 0.15,
                throttled_ms: 25.0
            }
        );
    }

    #[test]
    fn throttling_of_both_versions_of_control_groups_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (proc, cgroup) = (folder.path().join("proc"), folder.path().join("cgroup"));
        std::fs::create_dir_all(proc.join("self")).unwrap();
        std::fs::create_dir_all(cgroup.join("cpu,cpuacct/job")).unwrap();
        let text = "4:memory:/job\n3:cpu,cpuacct:/job\n0::/\n";
        std::fs::write(proc.join("self/cgroup"), text).unwrap();
        assert_eq!(throttled_us(&proc, &cgroup), None);
        std::fs::write(cgroup.join("cpu.stat"), "usage_usec 3\nthrottled_usec 5\n").unwrap();
        assert_eq!(throttled_us(&proc, &cgroup), Some(5));
        let stat = "nr_periods 9\nnr_throttled 2\nthrottled_time 7000\n";
        std::fs::write(cgroup.join("cpu,cpuacct/job/cpu.stat"), stat).unwrap();
        assert_eq!(throttled_us(&proc, &cgroup), Some(7));
    }

    #[test]
    fn a_system_that_tells_nothing_shows_no_strain() {
        let nowhere = Path::new("/nonexistent");
        let machine = Machine::read(nowhere, nowhere);
        assert_eq!(machine.strain_since(&machine), Strain::default());
    }
}
