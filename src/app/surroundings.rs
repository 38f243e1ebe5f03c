//! What surrounds the station and wants a person before it costs records: clock, heat, power, disk, outbox.
//!
//! | incident | opened | closed |
//! |---|---|---|
//! | `clock-unsynchronized` | after ten minutes without a time server | once it is synchronized |
//! | `clock-stepped` | when the wall clock moves a minute against the monotonic one | a minute later |
//! | `too-hot` | at 80 °C, where a Raspberry Pi begins to slow down | below 75 °C |
//! | `under-voltage` | when a Raspberry Pi's kernel says so | once the supply holds |
//! | `throttled` | when that firmware slows the processor down though the supply holds | once it no longer does |
//! | `disk-nearly-full` | below a twentieth of the store's disk, and 100 MB | above a tenth of it, or 200 MB |
//! | `outbox-filling` | at four fifths of `store.max_bytes` unsent | below three fifths |
//!
//! Nothing here changes how items are sorted.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::Now;
use crate::publish::health::temperature_c;
use crate::record::{Event, Words};
use crate::store::disk_space;
use crate::trouble::Trouble;
use crate::units::Timestamp;

/// A board that has just started gets its time within this.
const PATIENCE: Duration = Duration::from_secs(600);
/// Smaller steps of the wall clock are a time server's business.
const STEP_MS: i64 = 60_000;
/// In degrees Celsius: see `temp_soft_limit` in the Raspberry Pi's documentation of `config.txt`.
const HOT: f64 = 80.0;
const COOL: f64 = 75.0;
/// What an event takes in the database, about: half of an item's 300 bytes.
const EVENT_BYTES: u64 = 150;
const MB: u64 = 1_000_000;

/// What was seen at one time.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Both clocks.
    pub now: Now,
    /// The processor's temperature, where the board tells it.
    pub temperature_c: Option<f64>,
    /// What a Raspberry Pi's firmware says; other boards say nothing.
    pub firmware: Firmware,
    /// Bytes that the store's disk has left, and has.
    pub disk: Option<(u64, u64)>,
    /// Events that wait for the broker.
    pub unsent: u64,
}

impl Seen {
    /// Reads the board; `folder` lies on the store's disk.
    pub fn read(now: Now, folder: &Path, unsent: u64) -> Self {
        let (temperature_c, firmware, disk) =
            (temperature_c(), Firmware::read(Path::new("/sys")), disk_space(folder).ok());
        Self { now, temperature_c, firmware, disk, unsent }
    }
}

/// What a Raspberry Pi's firmware says of itself now, as `vcgencmd get_throttled` shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Firmware {
    /// The supply sags; `None` where the kernel does not tell.
    pub under_voltage: Option<bool>,
    /// The processor is slowed down: by a cap, by throttling, or at the soft limit of its temperature. `None` where the
    /// kernel does not tell.
    pub throttled: Option<bool>,
}

impl Firmware {
    /// What the kernel says below `sys`, which is /sys: all of it on Raspberry Pi OS, the voltage alone on others.
    pub fn read(sys: &Path) -> Self {
        let text = |path: PathBuf| fs::read_to_string(path).ok();
        let below = |folder: &str| {
            fs::read_dir(sys.join(folder)).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>()
        };
        // The node is soc:firmware up to a Raspberry Pi 4 and soc@107c000000:firmware on a 5. Its first reader makes the
        // kernel warn that hwmon is the place now; but hwmon does not tell of throttling.
        let mut nodes = below("bus/platform/drivers/raspberrypi-firmware").into_iter();
        let told = nodes.find_map(|node| text(node.join("get_throttled"))).unwrap_or_default();
        let mut meters = below("class/hwmon").into_iter();
        let meter = meters.find(|meter| text(meter.join("name")).is_some_and(|name| name.trim() == "rpi_volt"));
        let alarm = meter.and_then(|meter| text(meter.join("in0_lcrit_alarm")));
        let told = Self::of(&told);
        Self { under_voltage: alarm.map(|alarm| alarm.trim() != "0").or(told.under_voltage), ..told }
    }

    /// Bits 0 to 3 are of now, those from 16 on of any time since the board started.
    fn of(text: &str) -> Self {
        let bits = u32::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok();
        Self { under_voltage: bits.map(|bits| bits & 0b1 != 0), throttled: bits.map(|bits| bits & 0b1110 != 0) }
    }
}

/// The incidents, and what was seen before.
#[derive(Debug)]
pub struct Surroundings {
    /// The largest size of the store.
    max_bytes: u64,
    /// When the clock was last synchronized, or first looked at.
    synchronized: Option<Timestamp>,
    before: Option<Now>,
    no_time: Trouble,
    step: Trouble,
    heat: Trouble,
    supply: Trouble,
    slow: Trouble,
    disk: Trouble,
    outbox: Trouble,
}

impl Surroundings {
    /// Nothing is wrong yet; `max_bytes` is the store's largest size.
    pub fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            synchronized: None,
            before: None,
            no_time: Trouble::new("clock-unsynchronized", |_, _| Words {
                en: "the clock follows no time server; records may carry a wrong time, look at the network".into(),
                id: "jam komputer mesin tidak mengikuti server waktu; waktu pada catatan bisa salah, periksa jaringan"
                    .into(),
            }),
            step: Trouble::new("clock-stepped", |_, far| Words {
                en: format!(
                    "the clock was set {far}; sorting does not depend on it, records before carry the old time"
                ),
                id: format!(
                    "jam disetel {far}; pemilahan tidak terpengaruh, waktu pada catatan sebelumnya tidak dikoreksi"
                ),
            }),
            heat: Trouble::new("too-hot", |_, degrees| Words {
                en: format!("the processor is at {degrees} °C and slows down; give the board air or shade"),
                id: format!(
                    "prosesor mencapai {degrees} °C dan melambat; beri sirkulasi udara atau tempat teduh untuk \
                     komputer mesin"
                ),
            }),
            supply: Trouble::new("under-voltage", |_, _| Words {
                en: "the board's supply sags; use a stronger one or a shorter, thicker cable".into(),
                id: "tegangan catu daya komputer mesin turun; hubungi teknisi (pakai catu daya yang lebih kuat, atau \
                     kabel yang lebih pendek dan tebal)"
                    .into(),
            }),
            slow: Trouble::new("throttled", |_, _| Words {
                en: "the board's firmware slows the processor down, so decisions may come late; cool the board".into(),
                id: "firmware komputer mesin memperlambat prosesor, keputusan bisa terlambat; dinginkan komputernya"
                    .into(),
            }),
            disk: Trouble::new("disk-nearly-full", |_, left| Words {
                en: format!("{left} MB are left on the store's disk; make room, or lower store.max_bytes"),
                id: format!(
                    "sisa ruang disk {left} MB; hubungi teknisi (kosongkan ruang, atau turunkan store.max_bytes)"
                ),
            }),
            outbox: Trouble::new("outbox-filling", |_, unsent| Words {
                en: format!(
                    "{unsent} events wait for the broker and the oldest will soon be removed; bring the broker back, or \
                     raise store.max_bytes"
                ),
                id: format!(
                    "{unsent} data menunggu broker dan yang tertua akan segera dihapus; periksa jaringan, atau hubungi \
                     teknisi (pulihkan broker, atau naikkan store.max_bytes)"
                ),
            }),
        }
    }

    /// The incidents that begin or end with what is seen now.
    pub fn look(&mut self, seen: &Seen) -> Vec<Event> {
        let at = seen.now.at;
        let mut events = Vec::new();
        let known = seen.now.wall.synchronized;
        let last = *self.synchronized.insert(if known { at } else { self.synchronized.unwrap_or(at) });
        events.extend(turn(&mut self.no_time, at, at.since(last) >= PATIENCE, known, String::new));

        if let Some(before) = self.before.replace(seen.now) {
            let by_wall = seen.now.wall.unix_ms.saturating_sub(before.wall.unix_ms);
            let passed = i64::try_from(at.since(before.at).as_millis()).unwrap_or(i64::MAX);
            let far = by_wall.saturating_sub(passed);
            if far.abs() >= STEP_MS {
                self.step.detail = step(far);
                events.extend(self.step.note(1, at));
            }
        }
        events.extend(self.step.calm(at));

        let degrees = seen.temperature_c.unwrap_or(0.0);
        events.extend(turn(&mut self.heat, at, degrees >= HOT, degrees < COOL, || format!("{degrees:.0}")));
        // Where the supply sags it is slowed down for that, and there is one thing to do.
        let Firmware { under_voltage, throttled } = seen.firmware;
        let (low, slow) = (under_voltage == Some(true), throttled == Some(true));
        events.extend(turn(&mut self.supply, at, low, under_voltage == Some(false), String::new));
        events.extend(turn(&mut self.slow, at, slow && !low, throttled == Some(false), String::new));
        if let Some((left, size)) = seen.disk {
            let (low, enough) = (left < (size / 20).min(100 * MB), left > (size / 10).min(200 * MB));
            events.extend(turn(&mut self.disk, at, low, enough, || (left / MB).to_string()));
        }
        let unsent = seen.unsent.saturating_mul(EVENT_BYTES);
        let (full, empty) = (unsent > self.max_bytes / 5 * 4, unsent < self.max_bytes / 5 * 3);
        events.extend(turn(&mut self.outbox, at, full, empty, || seen.unsent.to_string()));
        events
    }
}

/// As [`Trouble::turn`], with what the text quotes at its beginning.
fn turn(trouble: &mut Trouble, at: Timestamp, bad: bool, good: bool, detail: impl Fn() -> String) -> Option<Event> {
    if bad && !trouble.is_open() {
        trouble.detail = detail();
    }
    trouble.turn(at, bad, good)
}

/// How far and which way, in words that both languages share.
fn step(far_ms: i64) -> String {
    let far = Duration::from_secs(far_ms.unsigned_abs() / 1000);
    format!("{}{}", if far_ms < 0 { "-" } else { "+" }, humantime::format_duration(far))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::WallTime;
    use crate::record::Phase;

    fn seen(s: u64, unix_s: i64) -> Seen {
        let wall = WallTime { unix_ms: unix_s * 1000, synchronized: true };
        let now = Now { at: Timestamp::ZERO + Duration::from_secs(s), wall };
        let (firmware, disk) = (Firmware::of("0"), Some((9_000 * MB, 32_000 * MB)));
        Seen { now, temperature_c: Some(50.0), firmware, disk, unsent: 0 }
    }

    fn told(events: &[Event]) -> Vec<(String, Phase)> {
        let one = |event: &Event| match event {
            Event::Incident(incident) => (incident.incident.clone(), incident.phase),
            other => panic!("{other:?} is no incident"),
        };
        events.iter().map(one).collect()
    }

    fn incident(code: &str, phase: Phase) -> Vec<(String, Phase)> {
        vec![(code.to_owned(), phase)]
    }

    #[test]
    fn a_clock_that_is_set_is_told_once_whichever_way() {
        let mut here = Surroundings::new(1000 * MB);
        assert!(here.look(&seen(0, 0)).is_empty());
        assert!(here.look(&seen(5, 15)).is_empty(), "ten seconds are a time server's business");
        let events = here.look(&seen(10, 1_800_000_000));
        assert_eq!(told(&events), incident("clock-stepped", Phase::Opened));
        assert!(here.look(&seen(15, 1_800_000_005)).is_empty());
        assert!(here.look(&seen(20, 100)).is_empty(), "still the same incident");
        assert_eq!(told(&here.look(&seen(81, 161))), incident("clock-stepped", Phase::Closed));
    }

    #[test]
    fn a_board_without_a_time_server_has_ten_minutes() {
        let mut here = Surroundings::new(1000 * MB);
        let without = |s: u64| {
            let mut seen = seen(s, 1000 + i64::try_from(s).unwrap());
            seen.now.wall.synchronized = false;
            seen
        };
        assert!(here.look(&without(0)).is_empty() && here.look(&without(599)).is_empty());
        assert_eq!(told(&here.look(&without(600))), incident("clock-unsynchronized", Phase::Opened));
        assert!(here.look(&without(700)).is_empty());
        assert_eq!(told(&here.look(&seen(710, 1710))), incident("clock-unsynchronized", Phase::Closed));
    }

    #[test]
    fn what_the_firmware_says_of_now_is_told_from_what_it_said_before() {
        let firmware =
            |under_voltage, throttled| Firmware { under_voltage: Some(under_voltage), throttled: Some(throttled) };
        for (text, wanted) in [
            ("0\n", firmware(false, false)),
            ("50005\n", firmware(true, true)),
            ("0x50000", firmware(false, false)),
            ("a0002", firmware(false, true)),
            ("8", firmware(false, true)),
            ("", Firmware::default()),
            ("no", Firmware::default()),
        ] {
            assert_eq!(Firmware::of(text), wanted, "{text:?}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    fn supply_and_throttling_are_found_wherever_the_kernel_has_them() {
        let (node, meter) = ("bus/platform/drivers/raspberrypi-firmware/soc@107c000000:firmware", "class/hwmon/hwmon2");
        let name = "class/hwmon/hwmon0/name";
        let pi_5 = [(format!("{node}/get_throttled"), "4\n")];
        let debian = [(format!("{meter}/name"), "rpi_volt\n"), (format!("{meter}/in0_lcrit_alarm"), "1\n")];
        let quiet = [(format!("{meter}/name"), "rpi_volt\n"), (format!("{meter}/in0_lcrit_alarm"), "0\n")];
        for (files, under_voltage, throttled) in [
            (vec![], None, None),
            (pi_5.to_vec(), Some(false), Some(true)),
            (debian.to_vec(), Some(true), None),
            ([pi_5.as_slice(), &debian].concat(), Some(true), Some(true)),
            (quiet.to_vec(), Some(false), None),
        ] {
            let sys = tempfile::tempdir().unwrap();
            for (path, text) in files.iter().cloned().chain([(name.to_owned(), "cpu_thermal\n")]) {
                let path = sys.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            assert_eq!(Firmware::read(sys.path()), Firmware { under_voltage, throttled }, "{files:?}");
        }
    }

    #[test]
    fn heat_disk_supply_and_outbox_open_and_close_with_room_between() {
        type Make = fn(&mut Seen);
        let cases: [(&str, Make, Make, Make); 5] = [
            ("too-hot", |s| s.temperature_c = Some(81.0), |s| s.temperature_c = Some(77.0), |_| {}),
            ("under-voltage", |s| s.firmware = Firmware::of("1"), |s| s.firmware = Firmware::of("5"), |_| {}),
            ("throttled", |s| s.firmware = Firmware::of("4"), |s| s.firmware = Firmware::of("8"), |_| {}),
            (
                "disk-nearly-full",
                |s| s.disk = Some((90 * MB, 32_000 * MB)),
                |s| s.disk = Some((150 * MB, 32_000 * MB)),
                |_| {},
            ),
            ("outbox-filling", |s| s.unsent = 6_000_000, |s| s.unsent = 5_000_000, |_| {}),
        ];
        for (code, bad, between, good) in cases {
            let mut here = Surroundings::new(1000 * MB);
            let mut at = |s: u64, make: Make| {
                let mut seen = seen(s, i64::try_from(s).unwrap());
                make(&mut seen);
                told(&here.look(&seen))
            };
            assert_eq!(at(0, bad), incident(code, Phase::Opened));
            assert_eq!(at(5, bad), [], "{code}");
            assert_eq!(at(10, between), [], "{code}");
            assert_eq!(at(15, good), incident(code, Phase::Closed));
        }
    }
}
