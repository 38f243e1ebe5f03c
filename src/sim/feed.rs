//! The items that come, and what goes wrong with them.

use std::sync::Arc;

use crate::pipeline::preprocess::Raster;
use crate::units::Millimetres;

/// A kind of item: what it is and what it looks like.
#[derive(Debug, Clone)]
pub struct Specimen {
    /// Its true class.
    pub class: String,
    /// Its picture, as the camera sees it from above.
    pub picture: Arc<Raster>,
}

/// How items come.
#[derive(Debug, Clone)]
pub struct Feed {
    /// Items in all.
    pub items: usize,
    /// Items a second in the mean, at the belt's usual speed.
    pub rate: f64,
    /// How much the distance varies, as a share of the mean distance.
    pub jitter: f64,
    /// Usual length of an item.
    pub length: Millimetres,
    /// How much the length varies, as a share of the usual one. The free belt between two items does not.
    pub vary: f64,
}

/// What goes wrong, each as a probability an item.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Faults {
    /// The item comes right behind the one before.
    pub close: f64,
    /// The next command to an actuator does nothing.
    pub stuck: f64,
    /// The belt stops for a second or two.
    pub stop: f64,
    /// The belt runs at half its speed for a while.
    pub slow: f64,
    /// The camera gives no frames for a while.
    pub camera: f64,
    /// The wall clock jumps by years.
    pub clock: f64,
    /// The broker goes away for a while.
    pub broker: f64,
    /// The disk takes nothing for a while.
    pub disk: f64,
}

impl Faults {
    /// Each fault at the same rate, `share` of the items in all.
    pub fn all(share: f64) -> Self {
        let each = share / 8.0;
        Self { close: each, stuck: each, stop: each, slow: each, camera: each, clock: each, broker: each, disk: each }
    }

    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }
}

/// An item on its way, as the feed plans it.
#[derive(Debug, Clone)]
pub struct Coming {
    /// Which specimen.
    pub specimen: usize,
    /// The belt's position at which its leading edge is at the trigger.
    pub front: Millimetres,
    /// Its length.
    pub length: Millimetres,
}

impl Feed {
    /// Plans all items of a run: seeded distances, specimens in a seeded order.
    pub fn plan(&self, specimens: usize, speed: f64, faults: &Faults, rng: &mut fastrand::Rng) -> Vec<Coming> {
        let mean = speed / self.rate;
        let mut front = mean;
        let mut order: Vec<usize> = Vec::new();
        let mut coming = Vec::with_capacity(self.items);
        for _ in 0..self.items {
            if order.is_empty() {
                order = (0..specimens).collect();
                rng.shuffle(&mut order);
            }
            let Some(specimen) = order.pop() else { break };
            let mut about = |share: f64| 1.0 + share * (2.0 * rng.f64() - 1.0);
            let length = self.length.0 * about(self.vary);
            let distance = mean * about(self.jitter);
            let close = rng.f64() < faults.close;
            coming.push(Coming { specimen, front: Millimetres(front), length: Millimetres(length) });
            front += length + if close { self.length.0 * 0.05 } else { distance - self.length.0 };
        }
        coming
    }
}
