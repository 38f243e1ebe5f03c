//! `pilah man`: the manual pages, made from the help.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_mangen::Man;

use super::save::{self, save};
use super::{Cli, print};

/// Prints the manual page, or writes one a command into a folder.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder for pilah.1, pilah-run.1 and so on; without it the first page is printed.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints or writes the pages.
///
/// # Errors
/// When they cannot be printed or written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut root = Cli::command();
    root.build();
    match &args.out {
        Some(folder) => {
            save::folder(folder)?;
            write(&root, "pilah", folder)?;
        }
        None => print::bytes(&page(root)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn write(command: &clap::Command, name: &str, folder: &Path) -> Result<()> {
    let own = command.clone().display_name(name.to_owned());
    save(&folder.join(name).with_extension("1"), &page(own)?)?;
    let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help" && !inner.is_hide_set());
    inner.into_iter().try_for_each(|inner| write(inner, &format!("{name}-{}", inner.get_name()), folder))
}

fn page(command: clap::Command) -> Result<Vec<u8>> {
    let more = more(&command);
    let synopsis = synopsis(&command);
    let inner = command.has_subcommands();
    let man = Man::new(command);
    let mut page = Vec::new();
    let render = |page: &mut Vec<u8>| -> std::io::Result<()> {
        man.render_title(page)?;
        man.render_name_section(page)?;
        page.extend_from_slice(synopsis.as_bytes());
        man.render_description_section(page)?;
        man.render_options_section(page)?;
        if inner {
            man.render_subcommands_section(page)?;
        }
        page.extend_from_slice(more.as_bytes());
        Ok(())
    };
    render(&mut page).context("writing a manual page")?;
    // Each section comes with the definition of the apostrophe; once is enough.
    let page = String::from_utf8(page).context("writing a manual page")?;
    Ok(format!("{APOSTROPHE}{}", page.replace(APOSTROPHE, "")).into_bytes())
}

/// How it is called, as the help says it: clap_mangen leaves out what an option takes.
fn synopsis(command: &clap::Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let lines = usage.trim_start_matches("Usage:").lines().map(|line| roff(line.trim()));
    format!(".SH SYNOPSIS\n{}\n", lines.collect::<Vec<_>>().join("\n.br\n"))
}

/// What the help does not say of a command: what its exit status means, and what it reads beside its options.
fn more(command: &clap::Command) -> String {
    let whole = command.get_name() == "pilah";
    let config = command.get_arguments().find(|argument| argument.get_id() == "config");
    let mut page = section("EXIT STATUS", STATUS.iter().filter(|(code, _)| *code != "78" || whole || config.is_some()));
    let wanted = |name: &str| match name {
        "PILAH_CONFIG" => config.is_some_and(|config| config.get_env().is_some()),
        "PILAH__TABLE__KEY" => config.is_some(),
        "PILAH_LOG" => command.get_name() == "run",
        _ => ["run", "lane-test", "outputs-off", "doctor"].contains(&command.get_name()),
    };
    page += &section("ENVIRONMENT", VARIABLES.iter().filter(|(name, _)| whole || wanted(name)));
    page += &section("FILES", FILES.iter().filter(|_| whole));
    page
}

const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

const STATUS: [(&str, &str); 4] = [
    ("0", "Done."),
    ("1", "It could not be done, or something is not as it should be; the message says what and what to do."),
    ("2", "Wrong usage."),
    ("78", "The configuration is missing or its text is wrong. systemd does not restart the service on it."),
];

const VARIABLES: [(&str, &str); 4] = [
    ("PILAH_CONFIG", "The configuration, where --config is not given."),
    (
        "PILAH__TABLE__KEY",
        "Overrides a key of the configuration: PILAH__MQTT__HOST sets host of [mqtt], PILAH__LANE__0__NAME the first lane's \
         name.",
    ),
    ("PILAH_LOG", "What is logged, such as debug or pilah=debug; info when left out."),
    ("RUNTIME_DIRECTORY", "Where the lock is, and what is driven; systemd sets it. /run/pilah when left out."),
];

const FILES: [(&str, &str); 4] = [
    ("/etc/pilah", "The configurations that the package brings, and pilah.toml, which the service runs with."),
    ("/usr/share/pilah/models", "The models; those in ./models are found as well."),
    ("/var/lib/pilah", "Events and pictures, where store.directory names no other place."),
    ("/run/pilah", "The lock, and the outputs that are driven, for outputs-off."),
];

fn section<'a>(title: &str, rows: impl Iterator<Item = &'a (&'a str, &'a str)>) -> String {
    let rows: String = rows.map(|(name, what)| format!(".TP\n\\fB{}\\fR\n{}\n", roff(name), roff(what))).collect();
    if rows.is_empty() { rows } else { format!(".SH \"{title}\"\n{rows}") }
}

/// A text as roff takes it. A line that begins with . or ' would be a request.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
