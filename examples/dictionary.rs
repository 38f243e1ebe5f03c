//! Makes the dictionary with which the store packs payloads.
//!
//! `cargo run --example dictionary -- OUT FILE...` reads events as `pilah outbox export` prints them, one file a
//! line of machine, takes as much from each, and leaves out what the store keeps in columns. A new dictionary is a
//! new file with a new number: what is packed with one can only be unpacked with it.

use std::env;
use std::fs;

use anyhow::{Context, Result, ensure};
use pilah::record::Envelope;

/// Twice as many make payloads 5% smaller at most, and half as many 10% larger.
const BYTES: usize = 8192;

/// Payloads from each file.
const EACH: usize = 400;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let Some((out, files)) = args.split_first() else { anyhow::bail!("usage: dictionary OUT FILE...") };
    let mut payloads: Vec<String> = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
        let decisions = text.lines().filter(|line| line.contains("pilah/decision/")).cycle().take(EACH);
        let others = text.lines().filter(|line| !line.contains("pilah/decision/")).take(EACH);
        for line in decisions.chain(others) {
            let envelope: Envelope = serde_json::from_str(line).with_context(|| format!("reading {file}: {line}"))?;
            let body = serde_json::to_string(&envelope.body)?;
            payloads.push(match envelope.body.item() {
                Some(item) => body.replace(&item.to_string(), "\u{1}"),
                None => body,
            });
        }
    }
    ensure!(!payloads.is_empty(), "no payloads in {files:?}");
    let dictionary = zstd::dict::from_samples(&payloads, BYTES).context("making the dictionary")?;
    pilah_write(out, &dictionary)
}

fn pilah_write(out: &str, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    let mut file = fs::File::create(out).with_context(|| format!("making {out}"))?;
    file.write_all(bytes).with_context(|| format!("writing {out}"))
}
