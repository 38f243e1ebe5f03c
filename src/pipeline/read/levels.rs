//! Grey levels by rank, and their spreading over a range: what makes pale and dark prints alike to the nets.

/// How many pixels have each level.
pub(super) struct Levels {
    counts: [usize; 256],
    count: usize,
}

impl Levels {
    /// Counts pixels.
    pub(super) fn of(pixels: impl Iterator<Item = u8>) -> Self {
        let mut levels = Self { counts: [0; 256], count: 0 };
        for pixel in pixels {
            levels.counts[usize::from(pixel)] += 1;
            levels.count += 1;
        }
        levels
    }

    /// The level of the pixel at this share of all, in thousandths, by nearest rank; 255 where there are none.
    pub(super) fn at(&self, thousandths: usize) -> i32 {
        let mut left = (thousandths * self.count.saturating_sub(1) + 500) / 1000;
        let level = self.counts.iter().position(|&count| {
            let here = left < count;
            left = left.saturating_sub(count);
            here
        });
        i32::try_from(level.unwrap_or(255)).unwrap_or(255)
    }
}

/// Brings a level that is `low` to `dark`, and one that is `range` higher to `light`, rounded to the nearest.
pub(super) fn spread(level: u8, low: i32, range: i32, (dark, light): (i32, i32)) -> u8 {
    // Half the range is added before dividing.
    let spread = ((i32::from(level) - low) * (light - dark) * 2 + range).div_euclid(2 * range) + dark;
    u8::try_from(spread.clamp(0, 255)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest_and_levels_are_spread_to_the_ends() {
        let levels = Levels::of(0..=200);
        assert_eq!([0, 5, 30, 500, 900, 995, 1000].map(|share| levels.at(share)), [0, 1, 6, 100, 180, 199, 200]);
        assert_eq!(Levels::of(std::iter::empty()).at(500), 255);
        assert_eq!([10, 60, 110, 0, 255].map(|level| spread(level, 10, 100, (32, 224))), [32, 128, 224, 13, 255]);
    }
}
