//! The words every stage speaks: times, places on the belt, and who is meant.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use anyhow::anyhow;
use serde::{Deserialize, Serialize};

/// A time in milliseconds as it is printed and sent: to the microsecond.
pub fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// A moment of `CLOCK_MONOTONIC`, in nanoseconds since boot: what kernels stamp frames and edges with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment the clock started.
    pub const ZERO: Self = Self(0);

    /// The moment `nanos` nanoseconds after the clock started.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The moment `millis` milliseconds after the clock started.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// Nanoseconds since the clock started.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the clock started.
    pub fn as_secs_f64(self) -> f64 {
        Duration::from_nanos(self.0).as_secs_f64()
    }

    /// How long ago `earlier` was; zero when it is later than `self`.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// How far `self` is from `other`, whichever comes first.
    pub fn distance(self, other: Self) -> Duration {
        Duration::from_nanos(self.0.abs_diff(other.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// The moment `wait` later; saturates at the end of time.
    fn add(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    /// The moment `back` earlier; saturates at the start of the clock.
    fn sub(self, back: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(back.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// A length along the belt, in millimetres; as a position it counts from where the belt stood at start.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Millimetres(pub f64);

impl Millimetres {
    /// Whole millimetres of a position.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast saturates, and belts run forwards"
    )]
    pub fn whole(self) -> u64 {
        self.0 as u64
    }
}

impl Add for Millimetres {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Millimetres {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

/// The speed of the belt, in millimetres a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Speed(pub f64);

impl Speed {
    /// Slower than this a belt counts as standing still.
    pub const STANDSTILL: Self = Self(1.0);

    /// How far the belt runs in `time`.
    pub fn travel(self, time: Duration) -> Millimetres {
        Millimetres(self.0 * time.as_secs_f64())
    }

    /// How long the belt takes for `way`; `None` while it stands still.
    /// A way that lies behind takes no time.
    pub fn time_for(self, way: Millimetres) -> Option<Duration> {
        (self > Self::STANDSTILL).then(|| Duration::from_secs_f64((way.0 / self.0).max(0.0)))
    }
}

/// The name of an item for all time: a ULID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ItemId(pub ulid::Ulid);

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ItemId {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let id = ulid::Ulid::from_string(text).map_err(|error| anyhow!("reading item id {text:?}: {error}"))?;
        Ok(Self(id))
    }
}

impl Serialize for ItemId {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ItemId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for ItemId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ItemId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"})
    }
}

/// A lane, by its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(pub usize);

/// An actuator, by its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActuatorId(pub usize);

/// An input line, by its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputId(pub usize);

/// A class of the model, by its place in the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_saturate_instead_of_wrapping() {
        let early = Timestamp::from_millis(1);
        let late = Timestamp::from_millis(3);
        assert_eq!(late.since(early), Duration::from_millis(2));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early - Duration::from_secs(1), Timestamp::ZERO);
        assert_eq!(Timestamp::from_nanos(u64::MAX) + Duration::from_secs(1), Timestamp::from_nanos(u64::MAX));
    }

    #[test]
    fn a_standing_belt_never_arrives() {
        assert_eq!(Speed(0.0).time_for(Millimetres(10.0)), None);
        assert_eq!(Speed(100.0).time_for(Millimetres(10.0)), Some(Duration::from_millis(100)));
        assert_eq!(Speed(100.0).time_for(Millimetres(-10.0)), Some(Duration::ZERO));
    }
}
