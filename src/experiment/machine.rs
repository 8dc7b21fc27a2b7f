//! Which machine this is.

use std::path::Path;

use crate::record::Machine;

/// Returns the machine at hand, as far as it tells.
pub(super) fn machine() -> Machine {
    let read = |path| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
    let os = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    Machine {
        cores: std::thread::available_parallelism().map_or(1, |it| it.get() as u64),
        os,
        ..told(&read("/proc/cpuinfo"), &read("/proc/meminfo"))
    }
}

/// Reads what Linux tells of processor and memory.
fn told(cpuinfo: &str, meminfo: &str) -> Machine {
    let value = |text: &str, keys: &[&str]| {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(key, _)| keys.contains(&key.trim()));
        found.next().map(|(_, value)| value.trim().to_owned())
    };
    let kib = value(meminfo, &["MemTotal"]);
    let kib = kib.and_then(|it| it.strip_suffix("kB")?.trim().parse::<f64>().ok());
    Machine {
        // ARM has a part's number only.
        cpu: value(cpuinfo, &["model name", "Model", "CPU part"]),
        memory_gib: kib.map(|kib| (kib / 1024.0 / 1024.0).round() as u64),
        ..Machine::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_processor_and_memory() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Xeon(R) @ 2.80GHz\n\nmodel name\t: other\n";
        let found = told(cpuinfo, "MemTotal:       24689416 kB\nMemFree: 1 kB\n");
        assert_eq!(found.cpu.as_deref(), Some("Xeon(R) @ 2.80GHz"));
        assert_eq!(found.memory_gib, Some(24));
        let arm = told("CPU part\t: 0xd0c\n", "");
        assert_eq!((arm.cpu.as_deref(), arm.memory_gib), (Some("0xd0c"), None));
        assert_eq!(told("", "nonsense"), Machine::default());
    }

    #[test]
    fn the_machine_at_hand_is_the_same_twice() {
        let found = machine();
        assert!(found.cores >= 1 && !found.os.is_empty());
        assert_eq!(found, machine());
    }
}
