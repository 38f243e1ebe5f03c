//! `pilah man`: the manual pages, made from the help.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_mangen::Man;

use super::save::save;
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
        Some(folder) => write(&root, "pilah", folder)?,
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
    let mut page = Vec::new();
    Man::new(command).render(&mut page).context("writing a manual page")?;
    Ok(page)
}
