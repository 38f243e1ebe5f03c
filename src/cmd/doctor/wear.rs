//! How worn the disk is on which records are kept, as far as the kernel tells.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Finding, state};

/// eMMC 5.1 (JESD84-B51), EXT_CSD 268 and 269: life used in tenths, 0x0B beyond the end; 0 where the device does not tell.
const LAST_TENTH: u32 = 0x0A;
const BEYOND: u32 = 0x0B;
/// EXT_CSD 267: 1 normal, 2 four fifths of the spare blocks are used, 3 nearly all.
const SPARE_LOW: u32 = 2;

/// What the kernel says of a disk.
#[derive(Debug, Default, PartialEq, Eq)]
struct Disk {
    /// Its name, or its partition's.
    name: String,
    /// The larger one of an eMMC's two counts of used life, in tenths.
    life: Option<u32>,
    /// An eMMC's spare blocks.
    spare: Option<u32>,
    /// Errors that ext4 has met since it was made or checked.
    errors: Option<u64>,
    /// What was written since ext4 was made, in KiB.
    written: Option<u64>,
}

/// `None` where the kernel tells nothing of the disk: SD cards keep their wear to themselves, but what was written to an
/// ext4 on them is known.
pub(super) fn wear(directory: &Path) -> Option<Finding> {
    let device = rustix::fs::stat(state::nearest(directory)?).ok()?.st_dev;
    let number = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    judge(&read(Path::new("/sys"), &number)?)
}

/// Reads the disk of a device's number below `sys`, which is /sys.
fn read(sys: &Path, number: &str) -> Option<Disk> {
    let device = fs::canonicalize(sys.join("dev/block").join(number)).ok()?;
    let name = device.file_name()?.to_str()?.to_owned();
    // A partition lies in the folder of its disk.
    let whole = if device.join("partition").exists() { device.parent()?.to_owned() } else { device };
    let text = |path: PathBuf| fs::read_to_string(path).ok();
    let hex = |word: &str| u32::from_str_radix(word.trim().trim_start_matches("0x"), 16).ok().filter(|told| *told > 0);
    let life = text(whole.join("device/life_time"));
    let ext4 = sys.join("fs/ext4").join(&name);
    let count = |file: &str| text(ext4.join(file))?.trim().parse().ok();
    Some(Disk {
        life: life.and_then(|both| both.split_whitespace().filter_map(hex).max()),
        spare: text(whole.join("device/pre_eol_info")).and_then(|told| hex(&told)),
        errors: count("errors_count"),
        written: count("lifetime_write_kbytes"),
        name,
    })
}

fn judge(disk: &Disk) -> Option<Finding> {
    let what = "disk wear";
    let mut told = Vec::new();
    if let Some(kib) = disk.written {
        told.push(format!("{} GB were written since its file system was made", kib / 976_563));
    }
    if let Some(life) = disk.life {
        told.push(match life {
            BEYOND.. => "its life is used up".to_owned(),
            _ => format!("up to {}% of its life is used", life * 10),
        });
    }
    if disk.spare.is_some_and(|spare| spare >= SPARE_LOW) {
        told.push("its spare blocks run out".to_owned());
    }
    let errors = disk.errors.filter(|errors| *errors > 0);
    if let Some(errors) = errors {
        told.push(format!("its file system has met {errors} errors"));
    }
    if told.is_empty() {
        return None;
    }
    let found = format!("{}: {}", disk.name, told.join(", "));
    let worn = disk.life.is_some_and(|life| life >= LAST_TENTH) || disk.spare.is_some_and(|spare| spare >= SPARE_LOW);
    Some(match (worn, errors.is_some()) {
        (true, _) => Finding::warn(what, found, "replace it before it fails, and take the records along"),
        (false, true) => {
            Finding::warn(what, found, "check it, by fsck at the next boot; if they come back, replace it")
        }
        (false, false) => Finding::ok(what, found),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::cmd::doctor::Verdict;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    fn what_the_kernel_tells_of_a_disk_is_found_from_its_partition() {
        let sys = tempfile::tempdir().unwrap();
        let files = [
            ("devices/mmc0/block/mmcblk0/mmcblk0p2/partition", "2"),
            ("devices/mmc0/life_time", "0x02 0x03\n"),
            ("devices/mmc0/pre_eol_info", "0x01\n"),
            ("fs/ext4/mmcblk0p2/errors_count", "0\n"),
            ("fs/ext4/mmcblk0p2/lifetime_write_kbytes", "2929690\n"),
        ];
        for (path, text) in files {
            let path = sys.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        symlink("../..", sys.path().join("devices/mmc0/block/mmcblk0/device")).unwrap();
        fs::create_dir_all(sys.path().join("dev/block")).unwrap();
        symlink("../../devices/mmc0/block/mmcblk0/mmcblk0p2", sys.path().join("dev/block/179:2")).unwrap();
        let disk = read(sys.path(), "179:2").unwrap();
        let (life, spare, errors, written) = (Some(3), Some(1), Some(0), Some(2_929_690));
        assert_eq!(disk, Disk { name: "mmcblk0p2".into(), life, spare, errors, written });
        let found = judge(&disk).unwrap();
        assert_eq!(
            (found.verdict, found.found.as_str()),
            (Verdict::Ok, "mmcblk0p2: 3 GB were written since its file system was made, up to 30% of its life is used")
        );
        assert_eq!(read(sys.path(), "8:1"), None);
    }

    #[test]
    fn what_is_worn_or_has_met_errors_is_warned_of_and_what_tells_nothing_is_left_out() {
        let disk = |life, spare, errors| Disk { name: "sda".into(), life, spare, errors, written: None };
        for (disk, wanted) in [
            (disk(None, None, None), None),
            (disk(None, Some(1), Some(0)), None),
            (disk(Some(9), Some(1), Some(0)), Some(Verdict::Ok)),
            (disk(Some(LAST_TENTH), None, None), Some(Verdict::Warn)),
            (disk(Some(BEYOND), None, None), Some(Verdict::Warn)),
            (disk(Some(1), Some(SPARE_LOW), None), Some(Verdict::Warn)),
            (disk(None, None, Some(3)), Some(Verdict::Warn)),
        ] {
            assert_eq!(judge(&disk).map(|finding| finding.verdict), wanted, "{disk:?}");
        }
    }
}
