//! `[belt]`: the belt's measures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pipeline::track::belt::Belt;
use crate::problem::Problems;
use crate::units::{Speed, Timestamp};

/// `[belt]`: a moving belt. All places are millimetres behind the trigger, in the direction of travel.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The belt's usual speed. With an encoder only the checks use it, and how soon and for how long a gate is ordered at
    /// first.
    #[schemars(range(min = 1.0, max = 5000.0))]
    pub speed_mm_s: f64,
    /// The encoder's input; without one the position is speed times time.
    pub encoder: Option<String>,
    /// The encoder's second channel, where it is wired: it tells a belt that runs back, which one channel counts as
    /// running forwards. Where the belt seems to run back as it runs forwards, change the two for one another.
    pub encoder_second: Option<String>,
    /// Belt travel from one edge of the encoder to the next, rising and falling edges both counted.
    #[serde(default = "Settings::mm_per_count")]
    #[schemars(range(min = 0.01, max = 100.0))]
    pub mm_per_count: f64,
    /// The input that says that the belt runs; without one it is taken to run always.
    pub running: Option<String>,
    /// Usual length of an item, until the photo-eye has measured it.
    #[serde(default = "Settings::item_mm")]
    #[schemars(range(min = 1.0, max = 5000.0))]
    pub item_mm: f64,
    /// Least free belt between two items; closer ones go to the exception lane.
    #[serde(default = "Settings::min_gap_mm")]
    #[schemars(range(min = 0.0, max = 5000.0))]
    pub min_gap_mm: f64,
    /// Where the camera's view begins, at the picture's edge that items enter.
    #[schemars(range(min = -5000.0, max = 50_000.0))]
    pub view_start_mm: f64,
    /// Where the camera's view ends.
    #[schemars(range(min = -5000.0, max = 50_000.0))]
    pub view_end_mm: f64,
    /// Width of the window that follows the item through the view; the whole view when left out.
    #[schemars(range(min = 1.0, max = 5000.0))]
    pub window_mm: Option<f64>,
    /// Belt travel granted to the last look after the item has left the view.
    #[serde(default = "Settings::decide_mm")]
    #[schemars(range(min = 0.0, max = 5000.0))]
    pub decide_mm: f64,
    /// How far past its place a move still meets the item.
    #[serde(default = "Settings::tolerance_mm")]
    #[schemars(range(min = 0.1, max = 500.0))]
    pub tolerance_mm: f64,
    /// How far before or after its place a lane's sensor may see an item.
    #[serde(default = "Settings::confirm_within_mm")]
    #[schemars(range(min = 1.0, max = 5000.0))]
    pub confirm_within_mm: f64,
    /// Where the belt ends and drops into the exception lane.
    #[schemars(range(min = 1.0, max = 50_000.0))]
    pub end_mm: f64,
}

impl Settings {
    fn mm_per_count() -> f64 {
        1.0
    }

    fn item_mm() -> f64 {
        100.0
    }

    fn min_gap_mm() -> f64 {
        60.0
    }

    fn decide_mm() -> f64 {
        60.0
    }

    fn tolerance_mm() -> f64 {
        15.0
    }

    fn confirm_within_mm() -> f64 {
        80.0
    }

    /// The window's share of the view; the whole view without one.
    pub fn window(&self) -> f64 {
        self.window_mm.map_or(1.0, |window| window / (self.view_end_mm - self.view_start_mm))
    }

    /// How far an item of the usual length has run when it is first wholly in view; one that is longer than the view,
    /// when its middle is in the view's middle.
    pub fn seen_mm(&self) -> f64 {
        (self.view_start_mm + self.half_mm() + self.item_mm / 2.0).max(0.0)
    }

    /// How far an item of the usual length runs while it is wholly in view.
    pub fn shown_mm(&self) -> f64 {
        self.view_end_mm - self.view_start_mm - 2.0 * self.half_mm()
    }

    fn half_mm(&self) -> f64 {
        (self.item_mm / 2.0).min((self.view_end_mm - self.view_start_mm) / 2.0 - self.tolerance_mm)
    }

    /// The belt at rest at position 0.
    pub fn belt(&self, counted: bool, runs: bool, now: Timestamp) -> Belt {
        if counted { Belt::counted(self.mm_per_count, now) } else { Belt::timed(Speed(self.speed_mm_s), runs, now) }
    }

    /// Notes what is wrong on its own.
    pub fn check(&self, problems: &mut Problems<'_>) {
        problems.expect(
            self.view_start_mm < self.view_end_mm,
            "view_end_mm",
            format!("the view ends at {} mm, before it starts at {} mm", self.view_end_mm, self.view_start_mm),
            "measure both from the trigger, in the direction of travel",
        );
        problems.expect(
            self.view_end_mm > 0.0 || self.view_start_mm >= self.view_end_mm,
            "view_end_mm",
            format!("the view ends at {} mm, before items have come to the trigger", self.view_end_mm),
            "measure it from the trigger, and let the camera look behind it",
        );
        problems.expect(
            self.view_end_mm < self.end_mm,
            "end_mm",
            format!("the belt ends at {} mm, within the camera's view", self.end_mm),
            "measure the end of the belt from the trigger",
        );
        let view = self.view_end_mm - self.view_start_mm;
        problems.expect(
            view <= 0.0 || self.tolerance_mm < view / 2.0,
            "tolerance_mm",
            format!(
                "{} mm is half the view of {view} mm or more: items would be looked at outside of it",
                self.tolerance_mm
            ),
            "make it how far past its place a move still meets the item",
        );
        problems.expect(
            self.window_mm.is_none_or(|window| window <= view),
            "window_mm",
            format!("the window of {} mm is wider than the view of {view} mm", self.window_mm.unwrap_or(0.0)),
            "make it as wide as the longest item",
        );
        problems.expect(
            self.encoder_second.is_none() || self.encoder.is_some(),
            "encoder",
            "is missing: the second channel alone counts nothing",
            "name the input of the first channel",
        );
        if self.encoder.is_some() {
            // The kernel's event buffer and the sort thread keep up with ten thousand edges a second, of both channels.
            let rate = self.speed_mm_s / self.mm_per_count;
            let most = if self.encoder_second.is_some() { 5_000.0 } else { 10_000.0 };
            problems.expect(
                rate <= most,
                "mm_per_count",
                format!("{rate:.0} edges a second at {} mm/s", self.speed_mm_s),
                format!("use a coarser encoder, or divide its signal: {most} edges a second is the most"),
            );
        }
    }
}
