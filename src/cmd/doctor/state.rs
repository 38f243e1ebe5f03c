//! The state directory: whether records can be kept in it, and what to do where they cannot.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, access};

use super::{Finding, unit};
use crate::store::disk_space;

/// Free space below which the store is in trouble soon, and below which it is now.
const SPACE: (u64, u64) = (1 << 30, 64 << 20);
const MORE_SPACE: &str = "free some space, or lower store.max_bytes and store.pictures.max_bytes";
/// How the names begin of what the store keeps in its directory; the rest is somebody else's.
const OURS: [&str; 4] = ["events.db", "seq", "pictures", "engine.json"];

/// Whether records can be written, and for how long.
pub(super) fn state(directory: &Path) -> Finding {
    let what = "state";
    if directory.is_file() {
        let remedy = "name a folder in store.directory, or move the file away";
        return Finding::fail(what, format!("{} is a file", directory.display()), remedy);
    }
    // A directory that is not there yet is made at the start: what counts is the nearest one that is.
    let Some(nearest) = nearest(directory) else {
        return Finding::fail(
            what,
            format!("{} is nowhere", directory.display()),
            "give store.directory its whole path",
        );
    };
    let shown = directory.display();
    if let Err(error) = try_writing(nearest) {
        let remedy = match error.kind() {
            ErrorKind::PermissionDenied => {
                let (owner, me) = owners(nearest);
                grant(directory, nearest, owner.as_deref(), &me)
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => MORE_SPACE.into(),
            ErrorKind::ReadOnlyFilesystem => read_only(directory),
            _ => "look at its disk".into(),
        };
        return Finding::fail(what, format!("writing in {shown}: {error}"), remedy);
    }
    // A daemon or a command that root started by hand leaves files that the service's user cannot write to.
    let inside = fs::read_dir(directory).into_iter().flatten().flatten();
    let ours = inside.filter(|entry| is_ours(&entry.file_name())).map(|entry| entry.path());
    if let Some(file) = ours.filter(|path| access(path, Access::WRITE_OK).is_err()).min() {
        let (owner, me) = owners(&file);
        let remedy = hand_over(&file, owner.as_deref(), &me);
        return Finding::fail(what, format!("{} cannot be written to", file.display()), remedy);
    }
    let free = match disk_space(nearest) {
        Ok((left, _)) => left,
        Err(error) => return Finding::warn(what, format!("free space of {shown}: {error}"), "look at it with df"),
    };
    let found = format!("{shown} can be written to, {} MB are free", free >> 20);
    match free {
        free if free < SPACE.1 => Finding::fail(what, found, MORE_SPACE),
        free if free < SPACE.0 => Finding::warn(what, found, MORE_SPACE),
        _ => Finding::ok(what, found),
    }
}

/// The directory, or what there is of the way to it.
pub(super) fn nearest(directory: &Path) -> Option<&Path> {
    directory.ancestors().find(|path| path.is_dir())
}

/// The unit makes all but its own folders read-only for the service, and that looks no different from a card's end.
fn read_only(directory: &Path) -> String {
    let disk = "mount it for writing (an SD card at its end makes itself read-only)";
    unit::remedy(directory).map_or(disk.to_owned(), |opens| format!("{disk}; where the service alone cannot: {opens}"))
}

/// How a user gets a state directory to write in; `nearest` is that directory, or what there is of the way to it. What
/// lies beside and above it is never given away.
fn grant(directory: &Path, nearest: &Path, owner: Option<&str>, me: &str) -> String {
    let shown = directory.display();
    if nearest != directory {
        return format!("make it, as root: install -d -o {me} {shown}");
    }
    let entries = fs::read_dir(directory).map(|entries| entries.flatten().map(|entry| entry.file_name()).collect());
    // One that may not even be listed is as private as ours is.
    let names: Vec<_> = entries.unwrap_or_default();
    if !names.is_empty() && !names.iter().any(|name| is_ours(name)) {
        let own = directory.join("pilah").display().to_string();
        return format!(
            "others keep things there: give it a folder of its own, by install -d -o {me} {own} as root and \
             store.directory = \"{own}\""
        );
    }
    match owner {
        Some(owner) if owner != me => {
            format!(
                "it belongs to {owner} and this runs as {me}: run this as {owner}, or, as root: chown -R {me} {shown}"
            )
        }
        _ => format!("let {me} write there: chmod u+rwX {shown}"),
    }
}

/// How a user may write to what the store left in its directory.
fn hand_over(path: &Path, owner: Option<&str>, me: &str) -> String {
    let (whole, shown) = (if path.is_dir() { "-R " } else { "" }, path.display());
    match owner {
        Some(owner) if owner != me => format!(
            "it belongs to {owner} and this runs as {me}: run this as {owner}, or, as root: chown {whole}{me} {shown}"
        ),
        _ => format!("let {me} write to it: chmod {whole}u+rwX {shown}"),
    }
}

fn is_ours(name: &OsStr) -> bool {
    OURS.iter().any(|ours| name.as_encoded_bytes().starts_with(ours.as_bytes()))
}

fn try_writing(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".pilah-doctor-{}", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).open(&probe)?;
    fs::remove_file(&probe)
}

/// Whose a file is, and who this is, by name.
pub(super) fn owners(path: &Path) -> (Option<String>, String) {
    let names = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = |uid: u32| {
        let mut fields = names.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let found = fields.find(|fields| fields.get(2) == Some(&uid.to_string().as_str()));
        found.map_or_else(|| uid.to_string(), |fields| fields[0].to_owned())
    };
    let owner = fs::metadata(path).ok().map(|data| name(data.uid()));
    (owner, name(rustix::process::geteuid().as_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's own files")]
    fn nothing_but_the_state_directory_is_ever_given_away() {
        let root = tempfile::tempdir().unwrap();
        let (above, state) = (root.path(), root.path().join("pilah"));
        let told = |nearest: &Path| grant(&state, nearest, Some("root"), "nobody");
        let shown = state.display();
        assert_eq!(told(above), format!("make it, as root: install -d -o nobody {shown}"));
        fs::create_dir(&state).unwrap();
        assert!(told(&state).ends_with(&format!("chown -R nobody {shown}")), "{}", told(&state));
        fs::write(state.join("log"), "").unwrap();
        assert!(told(&state).contains(&format!("install -d -o nobody {shown}/pilah as root")), "{}", told(&state));
        assert!(!told(&state).contains("chown"), "{}", told(&state));
        fs::write(state.join("events.db-wal"), "").unwrap();
        assert!(told(&state).ends_with(&format!("chown -R nobody {shown}")), "{}", told(&state));
        let told = hand_over(&state.join("seq"), Some("root"), "nobody");
        assert!(told.ends_with(&format!("chown nobody {shown}/seq")), "{told}");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's own file")]
    fn a_state_directory_that_is_a_file_is_told() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("state"), "").unwrap();
        let told = state(&root.path().join("state")).to_string();
        assert!(told.contains("is a file; name a folder"), "{told}");
    }

    #[test]
    fn what_is_read_only_for_the_service_alone_is_told_apart_from_a_card_at_its_end() {
        assert!(!read_only("/var/lib/pilah".as_ref()).contains("ReadWritePaths"));
        assert!(read_only("/mnt/ssd/pilah".as_ref()).contains("ReadWritePaths=/mnt/ssd/pilah"));
    }
}
