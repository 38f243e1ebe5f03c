//! The simulated world as devices of the real threads, in real time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;

use crate::clock::{Clock, SystemClock, wait_until};
use crate::pipeline::actuate::{Drive, Output, Outputs};
use crate::pipeline::capture::{Camera, Frame};
use crate::pipeline::trigger::{Edge, Inputs};
use crate::sim::picture::Lens;
use crate::sim::rig::Pins;
use crate::sim::world::World;
use crate::units::Timestamp;

/// The world, shared by its camera, its inputs and its outputs.
pub type Shared = Arc<Mutex<World>>;

/// The world's lock: nothing that holds it can leave it half changed.
pub fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The simulated camera.
pub struct SimCamera {
    world: Shared,
    lens: Arc<Mutex<Lens>>,
    period: Duration,
    next: Timestamp,
}

impl SimCamera {
    /// A camera that exposes a frame each `period`; the lens outlives it, as it may be opened again.
    pub fn new(world: Shared, lens: Arc<Mutex<Lens>>, period: Duration) -> Self {
        Self { world, lens, period, next: SystemClock.now() }
    }
}

impl Camera for SimCamera {
    fn next(&mut self, timeout: Duration) -> Result<Option<Frame>> {
        let now = SystemClock.now();
        if self.next > now + timeout {
            wait_until(now + timeout);
            return Ok(None);
        }
        wait_until(self.next);
        let exposed = self.next;
        self.next = (exposed + self.period).max(SystemClock.now());
        let world = lock(&self.world);
        if exposed < world.camera_lost_until {
            return Ok(None);
        }
        let mut lens = self.lens.lock().unwrap_or_else(PoisonError::into_inner);
        lens.expose(&world, exposed).map(Some)
    }

    fn repeats(&self) -> bool {
        true
    }
}

/// The simulated input lines.
pub struct SimInputs {
    world: Shared,
}

impl SimInputs {
    /// The inputs of `world`.
    pub fn new(world: Shared) -> Self {
        Self { world }
    }
}

impl Inputs for SimInputs {
    fn wait(&mut self, timeout: Duration) -> Result<Vec<Edge>> {
        /// How late an edge may be seen: what a real thread takes to wake.
        const STEP: Duration = Duration::from_millis(2);
        let deadline = SystemClock.now() + timeout;
        loop {
            let now = SystemClock.now();
            let edges = lock(&self.world).advance(now);
            if !edges.is_empty() || now >= deadline {
                return Ok(edges);
            }
            wait_until((now + STEP).min(deadline));
        }
    }
}

/// The simulated output lines.
pub struct SimOutputs {
    world: Shared,
    homes: Vec<Drive>,
}

impl SimOutputs {
    /// The outputs of `world`; `homes` is each actuator's rest.
    pub fn new(world: Shared, homes: Vec<Drive>) -> Self {
        Self { world, homes }
    }
}

impl Outputs for SimOutputs {
    fn drive(&mut self, output: Output, drive: Drive, now: Timestamp) -> Result<()> {
        Pins { world: &mut lock(&self.world), homes: &self.homes }.drive(output, drive, now)
    }
}
