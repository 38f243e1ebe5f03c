//! Counters and last values: what the health message, the metrics and the page show.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::units::{Timestamp, millis};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one more.
    pub fn one(&self) {
        self.add(1);
    }

    /// Counts `n` more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A last value that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// So many more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// So many fewer.
    pub fn take(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    /// The last value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The spread of a stage's latencies since start.
#[derive(Debug)]
pub struct Latency(Mutex<Histogram<u64>>);

impl Default for Latency {
    fn default() -> Self {
        // One microsecond to one hour at two digits: 22 KB each, and no sample is refused.
        let histogram = Histogram::new_with_bounds(1, 3_600_000_000, 2).expect("the bounds are constants in range");
        Self(Mutex::new(histogram))
    }
}

impl Latency {
    /// Takes in one sample.
    pub fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(micros);
    }

    /// Median, 99th percentile and maximum in milliseconds, and how many samples; `None` before the first.
    pub fn spread(&self) -> Option<Spread> {
        let histogram = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ms = |micros: u64| millis(Duration::from_micros(micros));
        (!histogram.is_empty()).then(|| Spread {
            n: histogram.len(),
            p50_ms: ms(histogram.value_at_quantile(0.5)),
            p99_ms: ms(histogram.value_at_quantile(0.99)),
            max_ms: ms(histogram.max()),
        })
    }
}

/// What some counters were, now and then during the last minute.
#[derive(Debug, Default)]
struct Rates(Mutex<VecDeque<(Timestamp, [u64; Rates::OF.len()])>>);

impl Rates {
    const OF: [&'static str; 4] = ["frames", "items", "sorted", "events_sent"];
    const OVER: Duration = Duration::from_secs(60);
    /// From one count that is kept to the next, so that few are, however often anyone asks.
    const STEP: Duration = Duration::from_secs(5);

    /// How many a minute: over the last minute, or since it was first asked, or asked again. None before that.
    fn per_minute(&self, now: Timestamp, counts: [u64; Self::OF.len()]) -> BTreeMap<&'static str, f64> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.len() > 1 && now.since(kept[1].0) >= Self::OVER {
            kept.pop_front();
        }
        // Nobody has asked for long: what was then says nothing of now.
        if kept.front().is_some_and(|(at, _)| now.since(*at) >= Self::OVER * 2) {
            kept.pop_front();
        }
        let rates = kept.front().filter(|(at, _)| *at < now).map(|(at, before)| {
            let minutes = now.since(*at).as_secs_f64() / 60.0;
            let rate = |(now, before): (u64, u64)| now.saturating_sub(before) as f64 / minutes;
            std::iter::zip(Self::OF, std::iter::zip(counts, *before).map(rate)).collect()
        });
        if kept.back().is_none_or(|(at, _)| now.since(*at) >= Self::STEP) {
            kept.push_back((now, counts));
        }
        rates.unwrap_or_default()
    }
}

/// Percentiles of a latency, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Spread {
    /// How many samples stand behind the figures.
    pub n: u64,
    /// Median.
    pub p50_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// The largest sample.
    pub max_ms: f64,
}

macro_rules! status {
    ($( $kind:ident { $( $(#[doc = $doc:literal])+ $name:ident, )+ } )+) => {
        /// Every counter, gauge and latency of a station, shared by all its threads.
        #[derive(Debug, Default)]
        pub struct Status {
            $( $( $(#[doc = $doc])+ pub $name: $kind, )+ )+
            /// Counts of the last minute.
            rates: Rates,
        }

        status!(@each $( $kind { $( $name, )+ } )+);

        impl Status {
            /// What a number counts or shows, in a sentence.
            pub fn help(name: &str) -> Option<&'static str> {
                let all = [$( $( (stringify!($name), concat!($($doc),+)), )+ )+];
                all.into_iter().find(|(known, _)| *known == name).map(|(_, help)| help.trim_start())
            }
        }
    };
    (@each Counter { $($counter:ident,)+ } Gauge { $($gauge:ident,)+ } Latency { $($latency:ident,)+ }) => {
        impl Status {
            /// Each counter by its name on the wire.
            pub fn counters(&self) -> BTreeMap<&'static str, u64> {
                BTreeMap::from([$((stringify!($counter), self.$counter.get()),)+])
            }

            /// How many of what came a minute, lately; nothing when it is asked for the first time.
            pub fn per_minute(&self, now: Timestamp) -> BTreeMap<&'static str, f64> {
                let counters = self.counters();
                self.rates.per_minute(now, Rates::OF.map(|name| counters.get(name).copied().unwrap_or(0)))
            }

            /// Each gauge by its name on the wire.
            pub fn gauges(&self) -> BTreeMap<&'static str, u64> {
                BTreeMap::from([$((stringify!($gauge), self.$gauge.get()),)+])
            }

            /// Each latency that has samples, by its name on the wire.
            pub fn latencies(&self) -> BTreeMap<&'static str, Spread> {
                [$((stringify!($latency), self.$latency.spread()),)+]
                    .into_iter()
                    .filter_map(|(name, spread)| Some((name, spread?)))
                    .collect()
            }
        }
    };
}

status! {
    Counter {
        /// Frames that the camera delivered.
        frames,
        /// Frames that a newer one replaced before anyone looked.
        frames_skipped,
        /// Frames that could not be decoded, or that the camera's driver gave as broken.
        frames_bad,
        /// Times the camera had to be opened again.
        camera_reopened,
        /// Edges that the lock-out ignored as bounce.
        edges_ignored,
        /// Items seen by the trigger.
        items,
        /// Items decided for their own lane, also those that the next one then came too close to.
        sorted,
        /// Items left to the exception lane because no class was sure.
        unsure,
        /// Items whose decision came too late to move anything.
        late,
        /// Items too close to the one before or after.
        too_close,
        /// Items the trigger saw and no frame showed.
        unseen,
        /// Items that the trigger could not take because too many were in flight.
        items_refused,
        /// Moves carried out.
        moves,
        /// Moves that came too late and were not made.
        moves_missed,
        /// Moves taken back because the belt stopped or slowed.
        moves_recalled,
        /// Diverted items whose lane's sensor confirmed them.
        confirmed,
        /// Diverted items whose lane's sensor stayed silent.
        unconfirmed,
        /// Confirmations that no item was expected for.
        unexpected,
        /// Coils that were switched off because they reached their longest on-time.
        overtime,
        /// Events committed to disk.
        events_stored,
        /// Events lost before they could be committed: the queue was full, or the disk.
        events_lost,
        /// Unsent events that retention removed.
        events_dropped,
        /// Events the broker took.
        events_sent,
        /// Publishes that had to be repeated.
        publish_retries,
        /// Connections to the broker that were lost.
        broker_lost,
        /// Commands carried out, or maybe so: who carries them out gave no answer in time.
        commands,
        /// Commands taken and not carried out: the machine stands, is busy or stopping.
        commands_undone,
        /// Commands refused.
        commands_refused,
        /// Requests to the page that were refused: commands that are not allowed, or another host's name.
        page_refused,
        /// Bytes written to disk by the store, without pictures.
        store_bytes,
        /// Pictures written.
        pictures,
        /// Pictures removed: the budget, their age or a full disk wanted it.
        pictures_removed,
        /// Pictures not kept: too many were waiting, they could not be decoded, or the disk refused.
        pictures_lost,
    }
    Gauge {
        /// Items between trigger and outcome.
        in_flight,
        /// How far the belt has run since the start, in millimetres.
        belt_mm,
        /// Events that are neither on disk nor lost yet.
        unstored,
        /// Events on disk that the broker has not taken yet.
        outbox,
        /// One while events cannot be written to disk.
        store_failing,
        /// One while the broker is connected.
        broker_connected,
    }
    Latency {
        /// Exposure of a frame to its arrival at the sort thread.
        capture,
        /// Decoding and resizing a frame.
        preprocess,
        /// One run of the model.
        infer,
        /// Reading a label.
        read,
        /// Trigger to decision.
        decide,
        /// A move against its due time.
        actuate,
        /// One group commit.
        commit,
        /// Decision to the broker's acknowledgement; outcomes wait for decisions, and are left out.
        acknowledge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_listed_by_name() {
        let status = Status::default();
        status.items.add(3);
        status.in_flight.set(2);
        status.infer.record(Duration::from_millis(7));
        assert_eq!(status.counters()["items"], 3);
        assert_eq!(status.gauges()["in_flight"], 2);
        let spread = status.latencies()["infer"];
        assert_eq!(spread.n, 1);
        assert!((spread.p50_ms - 7.0).abs() < 0.1, "{spread:?}");
        assert!(!status.latencies().contains_key("read"));
        assert_eq!(Status::help("items"), Some("Items seen by the trigger."));
        assert_eq!(Status::help("nothing"), None);
    }

    #[test]
    fn rates_are_those_of_the_last_minute_however_often_they_are_asked_for() {
        let status = Status::default();
        let second = |second: u64| Timestamp::from_millis(second * 1000);
        assert!(status.per_minute(second(0)).is_empty());
        for now in 1..=300 {
            // One each second at first, then two, and none at the end.
            status.items.add(match now {
                ..=100 => 1,
                101..=200 => 2,
                _ => 0,
            });
            let items = status.per_minute(second(now))["items"];
            let wanted = match now {
                ..=100 => 60.0,
                170..=200 => 120.0,
                270.. => 0.0,
                _ => continue,
            };
            assert!((items - wanted).abs() < 1e-9, "after {now} s: {items} a minute");
        }
        assert!(status.rates.0.lock().unwrap().len() < 15);
        assert!(status.per_minute(second(300)).contains_key("frames"), "asked twice in one moment");
        status.items.add(1000);
        assert!(status.per_minute(second(4000)).is_empty(), "nobody asked for an hour");
        assert!(status.per_minute(second(4030))["items"].abs() < 1e-9);
    }
}
