//! What the board and its system give: the clock, what the kernel does with pins, the watchdog, groups.

use std::fs;
use std::path::Path;

use super::Finding;
use crate::app::surroundings::Firmware;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::drivers::{camera, gpio};

/// Looks at what does not depend on the configuration.
pub(super) fn look() -> Vec<Finding> {
    let (mut findings, board) = (vec![clock()], Board::read());
    findings.extend(strict_gpio(&board));
    findings.extend(supply(&board, Firmware::read(Path::new("/sys"))));
    findings.push(watchdog(std::env::var("WATCHDOG_USEC").ok().as_deref()));
    findings
}

fn clock() -> Finding {
    if SystemClock.wall().synchronized {
        return Finding::ok("clock", "synchronized");
    }
    Finding::warn(
        "clock",
        "not synchronized: records say so, and their times may be wrong",
        "timedatectl set-ntp true, and see timedatectl timesync-status",
    )
}

fn watchdog(usec: Option<&str>) -> Finding {
    match usec.and_then(|usec| usec.parse::<u64>().ok()) {
        Some(usec) => Finding::ok("watchdog", format!("{:.1} s", std::time::Duration::from_micros(usec).as_secs_f64())),
        None => Finding::warn(
            "watchdog",
            "none here: by hand that is as it should be",
            "the daemon's unit sets it (WatchdogSec=): systemctl show pilah -p WatchdogUSec",
        ),
    }
}

/// What tells whether a Raspberry Pi's kernel lets outputs go.
struct Board {
    /// The device tree's model.
    model: String,
    /// The kernel's command line.
    cmdline: String,
    /// The firmware's config.txt.
    config: String,
}

impl Board {
    fn read() -> Self {
        let first = |paths: &[&str]| paths.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        Self {
            model: first(&["/proc/device-tree/model"]),
            cmdline: first(&["/proc/cmdline"]),
            config: first(&["/boot/firmware/config.txt", "/boot/config.txt"]),
        }
    }
}

/// `None` on boards whose kernels let an output go with its process.
fn strict_gpio(board: &Board) -> Option<Finding> {
    let what = "strict GPIO";
    if !board.model.starts_with("Raspberry Pi") {
        return None;
    }
    if board.cmdline.split_whitespace().any(|word| word.ends_with(".persist_gpio_outputs=n")) {
        return Some(Finding::ok(what, "the kernel lets outputs go with their process"));
    }
    let asked = |line: &str| {
        let line = line.split('#').next().unwrap_or("").trim();
        line.strip_prefix("dtparam=")
            .is_some_and(|all| all.split(',').any(|one| one.trim().starts_with("strict_gpiod")))
    };
    if board.config.lines().any(asked) {
        return Some(Finding::warn(what, "asked for in config.txt, not in force yet", "restart the board"));
    }
    Some(Finding::warn(
        what,
        "the kernel keeps an output's level when its process dies",
        "add dtparam=strict_gpiod to /boot/firmware/config.txt and restart the board; until then ExecStopPost=pilah \
         outputs-off is the only net",
    ))
}

/// `None` on boards that measure no supply.
fn supply(board: &Board, firmware: Firmware) -> Option<Finding> {
    if !board.model.starts_with("Raspberry Pi") {
        return None;
    }
    let what = [("low voltage", firmware.under_voltage), ("throttling", firmware.throttled)];
    let untold: Vec<&str> = what.iter().filter(|(_, told)| told.is_none()).map(|(what, _)| *what).collect();
    if untold.is_empty() {
        return Some(Finding::ok("supply", "the kernel tells of low voltage and throttling"));
    }
    Some(Finding::warn(
        "supply",
        format!("this kernel does not tell of {}, so there is no incident of it", untold.join(" and ")),
        "Raspberry Pi OS's kernel tells; else weigh the power supply and the cooling yourself",
    ))
}

/// Whether this user is in the groups that may open the devices.
pub(super) fn groups(config: &Config) -> Finding {
    let mut wanted = Vec::new();
    if config.camera.driver != camera::Driver::Replay {
        wanted.push("video");
    }
    if config.gpio.driver != gpio::Driver::None {
        wanted.push("gpio");
    }
    if rustix::process::geteuid().is_root() {
        return Finding::ok("groups", "root may do all; the daemon's own user should not be root");
    }
    let mut own: Vec<u32> = rustix::process::getgroups().unwrap_or_default().iter().map(|gid| gid.as_raw()).collect();
    own.push(rustix::process::getegid().as_raw());
    let all = fs::read_to_string("/etc/group").unwrap_or_default();
    missing_groups(&wanted, &own, &all)
}

fn missing_groups(wanted: &[&str], own: &[u32], all: &str) -> Finding {
    let number = |name: &str| {
        let fields = all.lines().map(|line| line.split(':').collect::<Vec<_>>());
        fields.into_iter().find(|fields| fields[0] == name).and_then(|fields| fields.get(2)?.parse::<u32>().ok())
    };
    let missing: Vec<&str> =
        wanted.iter().copied().filter(|name| number(name).is_none_or(|number| !own.contains(&number))).collect();
    if missing.is_empty() {
        return Finding::ok("groups", if wanted.is_empty() { "none needed".into() } else { wanted.join(", ") });
    }
    let missing = missing.join(",");
    Finding::warn(
        "groups",
        format!("this user is not in {missing}"),
        format!("usermod -aG {missing} USER and log in again, or SupplementaryGroups= in the unit"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn only_a_raspberry_pi_that_keeps_levels_is_warned_of() {
        let verdict = |model: &str, cmdline: &str, config: &str| {
            let board = Board { model: model.into(), cmdline: cmdline.into(), config: config.into() };
            strict_gpio(&board).map(|finding| (finding.verdict, finding.remedy.unwrap_or_default()))
        };
        let pi = "Raspberry Pi 4 Model B Rev 1.4\0";
        assert_eq!(verdict("Orange Pi Zero", "", ""), None);
        for cmdline in ["quiet pinctrl_bcm2835.persist_gpio_outputs=n", "pinctrl_rp1.persist_gpio_outputs=n quiet"] {
            assert_eq!(verdict(pi, cmdline, "").unwrap().0, Verdict::Ok);
        }
        for (config, remedy) in [
            ("dtparam=i2c_arm=on,strict_gpiod\n", "restart the board"),
            ("#dtparam=strict_gpiod\n", "add dtparam=strict_gpiod"),
            ("dtparam=audio=on # strict_gpiod\n", "add dtparam=strict_gpiod"),
        ] {
            let (verdict, told) = verdict(pi, "quiet pinctrl_bcm2835.persist_gpio_outputs=y", config).unwrap();
            assert_eq!(verdict, Verdict::Warn);
            assert!(told.starts_with(remedy), "{config:?}: {told}");
        }
    }

    #[test]
    fn a_raspberry_pi_whose_supply_nobody_watches_is_warned_of() {
        let told = |model: &str, under_voltage, throttled| {
            let board = Board { model: model.into(), cmdline: String::new(), config: String::new() };
            supply(&board, Firmware { under_voltage, throttled }).map(|finding| (finding.verdict, finding.found))
        };
        assert_eq!(told("Orange Pi Zero", None, None), None);
        assert_eq!(told("Raspberry Pi 5", Some(true), Some(false)).unwrap().0, Verdict::Ok);
        let (verdict, found) = told("Raspberry Pi 4", Some(false), None).unwrap();
        assert!(verdict == Verdict::Warn && found.contains("of throttling"), "{found}");
        assert!(told("Raspberry Pi 4", None, None).unwrap().1.contains("of low voltage and throttling"));
    }

    #[test]
    fn the_groups_that_a_user_lacks_are_named() {
        let all = "root:x:0:\nvideo:x:44:pilah\ngpio:x:997:\n";
        assert_eq!(missing_groups(&["video", "gpio"], &[44, 997], all).verdict, Verdict::Ok);
        let lacking = missing_groups(&["video", "gpio"], &[44], all);
        assert_eq!((lacking.verdict, lacking.found.as_str()), (Verdict::Warn, "this user is not in gpio"));
        assert_eq!(missing_groups(&["plugdev"], &[44], all).verdict, Verdict::Warn, "a group that is not there");
    }

    #[test]
    fn the_watchdogs_time_is_told() {
        assert_eq!(watchdog(Some("2000000")), Finding::ok("watchdog", "2.0 s"));
        assert_eq!(watchdog(None).verdict, Verdict::Warn);
        assert_eq!(watchdog(Some("soon")).verdict, Verdict::Warn);
    }
}
