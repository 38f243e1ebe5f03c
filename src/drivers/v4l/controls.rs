//! A camera's controls (exposure, focus, white balance) by the names that `v4l2-ctl --list-ctrls` shows.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, ensure};
use v4l::Device;
use v4l::control::{Control, Description, Type, Value};

/// Sets each control. Switches and menus come first: a camera takes an exposure only after its automatic was turned off.
pub(super) fn set(device: &Device, wanted: &BTreeMap<String, i64>) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let offered = device.query_controls().context("listing the camera's controls")?;
    let mut found = wanted
        .iter()
        .map(|(name, &value)| find(&offered, name).map(|control| (name, control, value)))
        .collect::<Result<Vec<_>>>()?;
    found.sort_by_key(|(_, control, _)| !matches!(control.typ, Type::Boolean | Type::Menu | Type::IntegerMenu));
    for (name, control, value) in found {
        ensure!(
            (control.minimum..=control.maximum).contains(&value),
            "setting {name} to {value}: this camera takes {} to {}",
            control.minimum,
            control.maximum
        );
        let value = match control.typ {
            Type::Boolean => Value::Boolean(value != 0),
            _ => Value::Integer(value),
        };
        device
            .set_control(Control { id: control.id, value })
            .with_context(|| format!("setting camera control {name}"))?;
    }
    Ok(())
}

fn find<'a>(offered: &'a [Description], name: &str) -> Result<&'a Description> {
    offered.iter().find(|control| plain(&control.name) == plain(name)).ok_or_else(|| {
        let classes = |control: &&Description| control.typ != Type::CtrlClass;
        let names: Vec<String> = offered.iter().filter(classes).map(|control| plain(&control.name)).collect();
        anyhow!("setting {name}: this camera has {}", names.join(", "))
    })
}

/// `Exposure Time, Absolute` as `exposure_time_absolute`: how v4l2-ctl writes it.
fn plain(name: &str) -> String {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn names_are_those_of_v4l2_ctl() {
        assert_eq!(plain("Exposure Time, Absolute"), "exposure_time_absolute");
        assert_eq!(plain("White Balance, Automatic"), "white_balance_automatic");
        assert_eq!(plain("brightness"), "brightness");
    }
}
