//! What the service's unit lets the daemon write: doctor runs by hand, where nothing is forbidden.

use std::fs;
use std::path::{Path, PathBuf};

use super::Finding;

/// The state directory that the unit makes and opens (`StateDirectory=`).
const STATE: &str = "/var/lib/pilah";
/// Where systemd looks for units and their drop-ins.
const FOLDERS: [&str; 3] = ["etc/systemd/system", "run/systemd/system", "usr/lib/systemd/system"];

/// Warns of a state directory that the service may not write in; `None` where it may, or there is no service.
pub(super) fn writable(directory: &Path, root: &Path) -> Option<Finding> {
    let remedy = remedy(directory)?;
    let folders = FOLDERS.map(|folder| root.join(folder));
    if !folders.iter().any(|folder| folder.join("pilah.service").is_file()) {
        return None;
    }
    let opened = folders.iter().flat_map(|folder| opened(folder)).any(|path| directory.starts_with(path));
    let found = format!("the service may not write in {}: it would lose all events", directory.display());
    (!opened).then(|| Finding::warn("unit", found, remedy))
}

/// How the service is let into a directory; `None` where it is in already.
pub(super) fn remedy(directory: &Path) -> Option<String> {
    let opens = || format!("sudo systemctl edit pilah, and below [Service]: ReadWritePaths={}", directory.display());
    (!directory.starts_with(STATE)).then(opens)
}

/// What the unit and its drop-ins in a folder open for writing.
fn opened(folder: &Path) -> Vec<PathBuf> {
    let drop_ins = fs::read_dir(folder.join("pilah.service.d")).into_iter().flatten().flatten();
    let files = drop_ins.map(|entry| entry.path()).chain([folder.join("pilah.service")]);
    let lines = files.flat_map(|file| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().filter_map(|line| Some(line.strip_prefix("ReadWritePaths=")?.to_owned())).collect::<Vec<_>>()
    });
    // A path may begin with - (it need not be there) and + (of a root directory of the unit's own).
    let paths = |line: String| {
        line.split_whitespace().map(|path| path.trim_start_matches(['-', '+']).into()).collect::<Vec<_>>()
    };
    lines.flat_map(paths).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    fn a_state_directory_that_the_service_may_not_write_in_is_warned_of() {
        let root = tempfile::tempdir().unwrap();
        let units = root.path().join("usr/lib/systemd/system");
        let drop_ins = root.path().join("etc/systemd/system/pilah.service.d");
        let told = |directory: &str| writable(directory.as_ref(), root.path()).map(|finding| finding.to_string());
        assert_eq!(told("/mnt/ssd/pilah"), None, "there is no service");
        fs::create_dir_all(&units).unwrap();
        fs::write(units.join("pilah.service"), include_str!("../../../systemd/pilah.service")).unwrap();
        assert_eq!(told("/var/lib/pilah"), None);
        assert_eq!(told("/var/lib/pilah/line-2"), None);
        let warning = told("/mnt/ssd/pilah").unwrap();
        assert!(warning.starts_with("warn unit") && warning.ends_with("ReadWritePaths=/mnt/ssd/pilah"), "{warning}");
        fs::create_dir_all(&drop_ins).unwrap();
        fs::write(drop_ins.join("override.conf"), "[Service]\nReadWritePaths=/srv -/mnt/ssd\n").unwrap();
        assert_eq!(told("/mnt/ssd/pilah"), None);
        assert!(told("/mnt/ssd2").is_some());
    }
}
