//! The simulated line that a configuration describes: its belt, its actuators, its lanes, its camera.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::app::station::{exception, input};
use crate::config::Config;
use crate::pipeline::infer::Manifest;
use crate::pipeline::lane::Placed;
use crate::sim::feed::{Faults, Feed, Specimen};
use crate::sim::picture::{Lens, Shot};
use crate::sim::world::{Chute, Plant, Push, Pusher, World};
use crate::units::{Millimetres, Speed, Timestamp};

/// The line as the simulated world builds it.
///
/// # Errors
/// When the configuration has no belt or no photo-eye: other machines are not simulated as a line.
pub fn plant(config: &Config) -> Result<Plant> {
    let belt = config.belt.as_ref().context("simulating a line: the configuration has no [belt]")?;
    let eye = input(config, config.trigger.input.as_ref());
    let eye = eye.context("simulating a line: the configuration has no photo-eye; set trigger.input")?;
    let pushers = config.actuator.iter().map(|actuator| Pusher {
        kind: actuator.kind,
        delay: actuator.lead(),
        longest: Duration::from_millis(actuator.max_on_ms.into()),
    });
    let lanes = config.lane.iter().map(|lane| {
        let pushes = lane.placed(&config.actuator).map(|Placed { id, drive, at, .. }| Push { actuator: id, drive, at });
        let pushes = pushes.collect();
        let last = lane.acts_at(&config.actuator).map_or(belt.end_mm, |at| at.0);
        let sensor = input(config, lane.confirm.as_ref());
        Chute { pushes, sensor: sensor.map(|sensor| (sensor, Millimetres(lane.confirm_mm.unwrap_or(last)))) }
    });
    Ok(Plant {
        speed: Speed(belt.speed_mm_s),
        eye,
        encoder: input(config, belt.encoder.as_ref()).map(|encoder| (encoder, Millimetres(belt.mm_per_count))),
        running: input(config, belt.running.as_ref()),
        actuators: pushers.collect(),
        lanes: lanes.collect(),
        exception: exception(config),
        end: Millimetres(belt.end_mm),
        reach: Millimetres(belt.tolerance_mm),
        sensors_bounce: true,
    })
}

/// A simulated line with its items, and the camera over it; without the `manifest` of a classifier items are labels.
///
/// # Errors
/// As [`plant`].
pub fn line(
    config: &Config,
    manifest: Option<&Manifest>,
    specimens: Vec<Specimen>,
    feed: &Feed,
    faults: Faults,
    seed: u64,
    start: Timestamp,
) -> Result<(World, Lens, Plant)> {
    let belt = config.belt.as_ref().context("simulating a line: the configuration has no [belt]")?;
    let plant = plant(config)?;
    let coming = feed.plan(specimens.len(), plant.speed.0, &faults, &mut fastrand::Rng::with_seed(seed));
    let world = World::new(plant.clone(), coming, faults, seed ^ 0x5eed, start);
    let (view, item) = (belt.view_end_mm - belt.view_start_mm, feed.length.0);
    let shot = manifest.map_or_else(|| Shot::for_labels(view, item), |manifest| Shot::for_net(manifest, view, item));
    let shot = Shot { mirrored: config.view.mirrored, ..shot };
    let (view_start, view_end) = (Millimetres(belt.view_start_mm), Millimetres(belt.view_end_mm));
    let lens = Lens::new(view_start, view_end, feed.length, shot, specimens);
    Ok((world, lens, plant))
}
