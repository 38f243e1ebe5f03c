//! What the simulated camera sees: a dark belt and the items on it, at their places.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;

use crate::pipeline::capture::{Frame, Picture, PixelFormat};
use crate::pipeline::infer::Manifest;
use crate::pipeline::preprocess::{Filter, Raster, resize};
use crate::sim::feed::Specimen;
use crate::sim::world::World;
use crate::units::{Millimetres, Timestamp};

/// The simulated camera's lens: which stretch of belt it sees, in how many pixels.
#[derive(Debug)]
pub struct Lens {
    /// Where the view begins, behind the trigger.
    pub start: Millimetres,
    /// Where it ends.
    pub end: Millimetres,
    /// How long pictures of items are shown, halfway along the item: a label is as large on a longer parcel.
    pub shows: Millimetres,
    /// Pixels along the belt.
    pub width: u32,
    /// Pixels across it.
    pub height: u32,
    specimens: Vec<Specimen>,
    /// Items at the size in which the lens shows them.
    shown: BTreeMap<usize, Arc<Raster>>,
    belt: Vec<u8>,
    sequence: u64,
    shot: Shot,
}

impl Lens {
    /// A camera over the belt from `start` to `end`, which shows pictures `shows` long.
    pub fn new(start: Millimetres, end: Millimetres, shows: Millimetres, shot: Shot, specimens: Vec<Specimen>) -> Self {
        let (width, height) = shot.size;
        // Rubber: dark, with a little structure, the same in every frame.
        let mut rng = fastrand::Rng::with_seed(1);
        let belt = (0..width * height).flat_map(|_| [28 + rng.u8(0..10); 3]).collect();
        Self { start, end, shows, width, height, shot, specimens, shown: BTreeMap::new(), belt, sequence: 0 }
    }

    /// The frame exposed at `at`.
    ///
    /// # Errors
    /// When a specimen's picture cannot be resized.
    pub fn expose(&mut self, world: &World, at: Timestamp) -> Result<Frame> {
        let mut pixels = self.belt.clone();
        let scale = f64::from(self.width) / (self.end - self.start).0;
        for (index, front) in world.in_view(at, self.start.0, self.end.0) {
            let coming = &world.things[index].coming;
            let middle = (front - self.start).0 - coming.length.0 / 2.0;
            let left = (middle - self.shows.0 / 2.0) * scale;
            let item = self.item(coming.specimen, self.shows.0 * scale)?;
            let mirrored = f64::from(self.width) - left - f64::from(item.width);
            let left = if self.shot.mirrored { mirrored } else { left };
            paste(&mut pixels, (self.width, self.height), &item, left);
        }
        self.sequence += 1;
        let (width, height) = (self.width, self.height);
        let picture = Picture { format: PixelFormat::Rgb8, width, height, bytes: Arc::from(pixels) };
        Ok(Frame { picture, exposed: at, estimated: false, sequence: self.sequence })
    }

    /// What is shown of a specimen's picture, `side` pixels wide.
    fn item(&mut self, specimen: usize, side: f64) -> Result<Arc<Raster>> {
        if let Some(shown) = self.shown.get(&specimen) {
            return Ok(Arc::clone(shown));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred pixels")]
        let side = (side as u32).clamp(1, if self.shot.whole { self.width } else { self.height });
        let picture = &self.specimens[specimen].picture;
        let shown = if self.shot.whole {
            let scaled = u64::from(picture.height) * u64::from(side) / u64::from(picture.width.max(1));
            let height = u32::try_from(scaled).unwrap_or(u32::MAX).clamp(1, self.height);
            resize(&picture.colour(), side, height, Filter::Bilinear)?
        } else {
            let square = picture.width.min(picture.height);
            let middle = picture.crop((picture.width - square) / 2, (picture.height - square) / 2, square, square);
            resize(&middle.colour(), side, side, Filter::Bilinear)?
        };
        let shown = Arc::new(shown);
        self.shown.insert(specimen, Arc::clone(&shown));
        Ok(shown)
    }
}

/// Puts an item on the belt with its left edge at `left`, halfway up.
fn paste(belt: &mut [u8], (width, height): (u32, u32), item: &Raster, left: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "a few thousand pixels")]
    let left = left.round() as i64;
    let top = (height - item.height) / 2;
    for row in 0..item.height {
        let skip = u32::try_from(-left).unwrap_or(0).min(item.width);
        let from = u32::try_from(left).unwrap_or(0).min(width);
        let n = (item.width - skip).min(width - from) as usize * 3;
        let source = ((row * item.width + skip) * 3) as usize;
        let target = (((top + row) * width + from) * 3) as usize;
        belt[target..target + n].copy_from_slice(&item.pixels[source..source + n]);
    }
}

/// How the simulated camera shows items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shot {
    /// Pixels of a frame: width and height.
    pub size: (u32, u32),
    /// Whether a specimen's whole picture is shown, or its middle square.
    pub whole: bool,
    /// Whether items run from the frame's right edge to its left.
    pub mirrored: bool,
}

impl Shot {
    /// Frames in which an item fills the net's input.
    pub fn for_net(manifest: &Manifest, view_mm: f64, item_mm: f64) -> Self {
        let side = manifest.input.height.max(64);
        Self { size: (scaled(side, view_mm / item_mm), side), whole: false, mirrored: false }
    }

    /// Frames in which an item is as large as the photograph of a label, so that print stays readable.
    pub fn for_labels(view_mm: f64, item_mm: f64) -> Self {
        Self { size: (scaled(1280, view_mm / item_mm), 720), whole: true, mirrored: false }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand pixels")]
fn scaled(pixels: u32, by: f64) -> u32 {
    (f64::from(pixels) * by).round() as u32
}
