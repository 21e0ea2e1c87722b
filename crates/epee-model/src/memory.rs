//! The free memory of this machine or container.

use std::fs::read_to_string;

/// Free memory in bytes, if the machine or the container reports it.
pub(crate) fn available() -> Option<u64> {
    let machine = read_to_string("/proc/meminfo").ok().and_then(|text| mem_available(&text));
    // The container's limits, from cgroup v2 or v1.
    let container = [
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ]
    .into_iter()
    .find_map(|(dir, limit, used)| {
        let read = |name: &str| read_to_string(format!("{dir}/{name}")).ok();
        left(&read(limit)?, &read(used)?, &read("memory.stat").unwrap_or_default())
    });
    machine.into_iter().chain(container).min()
}

/// `MemAvailable` of `/proc/meminfo`, converted from KiB to bytes.
fn mem_available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The limit minus the used memory, without cached files. `None` if the limit is `max`.
fn left(limit: &str, used: &str, stat: &str) -> Option<u64> {
    let of = |name: &str| stat.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    let cached = of("total_inactive_file ").or_else(|| of("inactive_file ")).unwrap_or(0);
    let used = used.trim().parse::<u64>().ok()?.saturating_sub(cached);
    Some(limit.trim().parse::<u64>().ok()?.saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_files_are_read() {
        assert_eq!(mem_available("MemTotal:  10 kB\nMemAvailable:    2048 kB\n"), Some(2 << 20));
        assert_eq!(mem_available("MemTotal:  10 kB\n"), None);
        assert_eq!(left("1000\n", "400\n", ""), Some(600));
        assert_eq!(left("1000\n", "900\n", "anon 1\ninactive_file 300\nactive_file 5\n"), Some(400));
        assert_eq!(left("1000\n", "900\n", "inactive_file 1\ntotal_inactive_file 300\n"), Some(400));
        assert_eq!(left("1000\n", "4000\n", ""), Some(0));
        assert_eq!(left("max\n", "400\n", ""), None);
    }
}
