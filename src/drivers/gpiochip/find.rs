//! Finds lines by name on chips by label: chip numbers change between kernels.

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use gpiocdev::chip::{Chip, chips};
use gpiocdev::line::Info;

/// Names that a message lists when none is near.
const LISTED: usize = 8;

/// Where a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::drivers) struct Place {
    /// The chip's device.
    pub(super) device: PathBuf,
    /// The chip's label.
    pub(super) chip: String,
    /// The line's place on it.
    pub(super) offset: u32,
    /// The line's name.
    pub(in crate::drivers) line: String,
    /// Who uses the line already; empty when the kernel does not tell.
    pub(super) user: Option<String>,
}

/// The chips of this machine with their lines, as they were when they were looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Chips {
    readable: Vec<Seen>,
    /// Why others could not be looked at.
    refused: Vec<String>,
}

#[derive(Debug, Clone)]
struct Seen {
    device: PathBuf,
    label: String,
    lines: Vec<Info>,
}

impl Chips {
    /// Looks at every chip.
    ///
    /// # Errors
    /// When there is none that may be looked at.
    pub(super) fn look() -> Result<Self> {
        let mut found = Self::default();
        for device in chips().map_err(|error| anyhow!("looking for GPIO chips in /dev: {error}"))? {
            match Seen::open(device) {
                Ok(seen) => found.readable.push(seen),
                Err(error) => found.refused.push(format!("{error:#}")),
            }
        }
        if found.readable.is_empty() {
            match found.refused.as_slice() {
                [] => bail!(
                    "looking for GPIO chips: there is no /dev/gpiochip*; use a board that has one, or gpio.driver = \"none\""
                ),
                refused => bail!("{}", refused.join("; ")),
            }
        }
        Ok(found)
    }

    /// The first line of that name, on a chip of that label where one is given.
    ///
    /// # Errors
    /// When there is none; the error names the nearest.
    pub(super) fn find(&self, line: &str, label: Option<&str>) -> Result<Place> {
        let wanted = |seen: &&Seen| label.is_none_or(|label| seen.label == label);
        let find = |seen: &Seen| {
            let info = seen.lines.iter().find(|info| info.name == line)?;
            let (device, chip) = (seen.device.clone(), seen.label.clone());
            let user = info.used.then(|| info.consumer.clone());
            Some(Place { device, chip, offset: info.offset, line: line.to_owned(), user })
        };
        self.readable.iter().filter(wanted).find_map(find).ok_or_else(|| self.missing(line, label))
    }

    /// The chip of a label; of several with one label the one that is `device`.
    pub(super) fn device(&self, label: &str, device: &PathBuf) -> Option<&PathBuf> {
        let with_label = || self.readable.iter().filter(|seen| seen.label == label).map(|seen| &seen.device);
        with_label().find(|found| *found == device).or_else(|| with_label().next())
    }

    fn missing(&self, line: &str, label: Option<&str>) -> anyhow::Error {
        let mut text = format!("looking for GPIO line {line:?}");
        let labels: Vec<&str> = self.readable.iter().map(|seen| seen.label.as_str()).collect();
        if let Some(label) = label {
            text.push_str(&format!(" on chip {label:?}"));
            if !labels.contains(&label) {
                let known = labels.join(", ");
                return anyhow!("{text}: no such chip; there are {known}{}", self.others());
            }
            if let Ok(elsewhere) = self.find(line, None) {
                return anyhow!("{text}: that line is on chip {:?}; name that one, or none", elsewhere.chip);
            }
        }
        let wanted = self.readable.iter().filter(|seen| label.is_none_or(|label| seen.label == label));
        let names: Vec<&str> = wanted.flat_map(|seen| &seen.lines).map(|info| info.name.as_str()).collect();
        let remedy = match nearest(line, &names) {
            Some(near) => near,
            None => format!(
                "the lines of {} have no names; give them some in the device tree (gpio-line-names)",
                labels.join(", ")
            ),
        };
        anyhow!("{text}: no such line; {remedy}{}", self.others())
    }

    fn others(&self) -> String {
        self.refused.iter().map(|why| format!("; not looked at: {why}")).collect()
    }
}

impl Seen {
    fn open(device: PathBuf) -> Result<Self> {
        let told = |error| super::explain(&format!("opening {}", device.display()), &error);
        let chip = Chip::from_path(&device).map_err(told)?;
        let info = chip.info().map_err(told)?;
        let lines = chip.line_info_iter().map_err(told)?.collect::<Result<_, _>>().map_err(told)?;
        Ok(Self { device, label: info.label, lines })
    }
}

/// The names that are nearly the wanted one, else the first few; `None` when no line has a name.
fn nearest(wanted: &str, names: &[&str]) -> Option<String> {
    let wanted = wanted.to_uppercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&wanted, &name.to_uppercase());
    let mut near: Vec<(usize, &str)> =
        names.iter().filter(|name| !name.is_empty()).map(|name| (distance(name), *name)).collect();
    if near.is_empty() {
        return None;
    }
    let known = near.len();
    let first: Vec<&str> = near.iter().take(LISTED).map(|(_, name)| *name).collect();
    let list = format!("there are {}{}", first.join(", "), if known > LISTED { ", ..." } else { "" });
    near.sort_by_key(|(distance, _)| *distance);
    let near: Vec<&str> = near.iter().filter(|(distance, _)| *distance <= 2).take(3).map(|(_, name)| *name).collect();
    Some(if near.is_empty() { list } else { format!("did you mean {}?", near.join(" or ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(device: &str, label: &str, names: &[&str]) -> Seen {
        let info = |(offset, name): (u32, &&str)| Info { offset, name: (*name).into(), ..Info::default() };
        Seen { device: device.into(), label: label.into(), lines: (0..).zip(names).map(info).collect() }
    }

    fn chips() -> Chips {
        let mut header = seen("/dev/gpiochip0", "pinctrl-rp1", &["ID_SDA", "GPIO4", "GPIO17", "GPIO27"]);
        header.lines[2].used = true;
        header.lines[2].consumer = "lirc".into();
        let expander = seen("/dev/gpiochip1", "mcp23017", &["GPIO4", "X1"]);
        let bare = seen("/dev/gpiochip2", "bare", &["", ""]);
        Chips { readable: vec![header, expander, bare], refused: Vec::new() }
    }

    #[test]
    fn lines_are_found_by_name_on_the_wanted_chip() {
        let place = |device: &str, chip: &str, offset, line: &str, user: Option<&str>| Place {
            device: device.into(),
            chip: chip.into(),
            offset,
            line: line.into(),
            user: user.map(Into::into),
        };
        for (line, chip, wanted) in [
            ("GPIO4", None, place("/dev/gpiochip0", "pinctrl-rp1", 1, "GPIO4", None)),
            ("GPIO4", Some("mcp23017"), place("/dev/gpiochip1", "mcp23017", 0, "GPIO4", None)),
            ("X1", None, place("/dev/gpiochip1", "mcp23017", 1, "X1", None)),
            ("GPIO17", None, place("/dev/gpiochip0", "pinctrl-rp1", 2, "GPIO17", Some("lirc"))),
        ] {
            assert_eq!(chips().find(line, chip).unwrap(), wanted);
        }
    }

    #[test]
    fn what_is_missing_is_told_with_what_is_near() {
        let mut chips = chips();
        chips.refused.push("opening /dev/gpiochip3: permission denied".into());
        for (line, chip, wanted) in [
            ("GPIO71", None, "no such line; did you mean GPIO17 or GPIO4 or GPIO27?"),
            ("gpio17", None, "did you mean GPIO17"),
            (
                "RELAY_LEFT",
                Some("mcp23017"),
                "no such line; there are GPIO4, X1; not looked at: opening /dev/gpiochip3",
            ),
            ("GPIO17", Some("pinctrl-rp2"), "no such chip; there are pinctrl-rp1, mcp23017, bare"),
            ("GPIO17", Some("mcp23017"), "that line is on chip \"pinctrl-rp1\""),
            ("GPIO99", Some("bare"), "have no names"),
        ] {
            let error = chips.find(line, chip).unwrap_err().to_string();
            assert!(error.contains(wanted) && error.contains(&format!("{line:?}")), "{error}");
        }
    }

    #[test]
    fn of_two_chips_with_one_label_the_same_device_is_taken() {
        let mut chips = chips();
        chips.readable[1].label = "pinctrl-rp1".into();
        let (first, second, gone) = ("/dev/gpiochip0".into(), "/dev/gpiochip1".into(), "/dev/gpiochip9".into());
        assert_eq!(chips.device("pinctrl-rp1", &second), Some(&second));
        assert_eq!(chips.device("pinctrl-rp1", &gone), Some(&first));
        assert_eq!(chips.device("pinctrl-bcm2711", &first), None);
    }
}
