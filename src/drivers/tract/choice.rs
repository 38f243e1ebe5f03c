//! Float or int8: measured once on each machine, and remembered.
//!
//! Which one is faster depends on the processor and on the net: tiny nets gain nothing from int8, and a processor
//! without dot products little. The answer stands in the state directory, for the net, the processor and the version
//! that it was measured with, so that a start need not load both.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::grey;
use crate::clock::thread_cpu;
use crate::files;
use crate::pipeline::infer::{Engine, Model};

/// The file in the state directory.
const FILE: &str = "engine.json";

/// How many choices are kept: a station has four nets at most, and each upgrade measures them anew.
const MOST: usize = 16;

/// Runs of each engine; the fastest counts, since whatever else the machine does makes runs longer and never shorter.
const RUNS: usize = 5;

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Choice {
    /// What it holds for.
    pub(super) of: String,
    pub(super) engine: Engine,
    pub(super) float_ms: f64,
    pub(super) int8_ms: f64,
}

impl Choice {
    /// What a choice depends on: the net's hash, what runs it on how many threads, and the processor.
    pub(super) fn key(sha256: &str, kernel: &str, threads: usize) -> String {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        // x86 names its model; ARM gives numbers of the implementer and the part.
        let mut lines: Vec<&str> = cpu
            .lines()
            .filter(|line| {
                ["model name", "CPU implementer", "CPU part", "CPU variant"].iter().any(|l| line.starts_with(l))
            })
            .collect();
        lines.sort_unstable();
        lines.dedup();
        let processor: Vec<_> = lines.iter().filter_map(|line| line.split(": ").nth(1)).collect();
        format!("{sha256} by {kernel} x {threads} on {}, pilah {}", processor.join(" "), env!("CARGO_PKG_VERSION"))
    }

    /// What was measured before, if it was the same.
    pub(super) fn read(state: &Path, of: &str) -> Option<Self> {
        kept(state).into_iter().find(|choice| choice.of == of && choice.engine != Engine::Auto)
    }

    /// Measures both engines on a grey picture of this shape.
    ///
    /// # Errors
    /// When one does not run.
    pub(super) fn measure(of: String, shape: [usize; 4], float: &mut dyn Model, int8: &mut dyn Model) -> Result<Self> {
        let picture = grey(shape);
        let mut least = [Duration::MAX; 2];
        let time = |engine: &mut dyn Model| -> Result<Duration> {
            let before = thread_cpu();
            engine.run(&picture)?;
            Ok(thread_cpu() - before)
        };
        for _ in 0..RUNS {
            least[0] = least[0].min(time(float)?);
            least[1] = least[1].min(time(int8)?);
        }
        let [float_ms, int8_ms] = least.map(|time| time.as_secs_f64() * 1e3);
        let engine = if int8_ms < float_ms { Engine::Int8 } else { Engine::Float };
        Ok(Self { of, engine, float_ms, int8_ms })
    }

    /// Keeps it for the next start, beside those of other nets; without a state directory it is measured again then.
    pub(super) fn keep(self, state: &Path) {
        let mut choices = kept(state);
        choices.retain(|choice| choice.of != self.of);
        choices.push(self);
        let forgotten = choices.len().saturating_sub(MOST);
        let text = serde_json::to_vec_pretty(&choices[forgotten..]).unwrap_or_default();
        if let Err(error) = files::replace(&state.join(FILE), &text, false) {
            tracing::warn!(%error, "the choice of an engine could not be kept");
        }
    }
}

/// The choices in the file, the latest last; none where it is not there or damaged.
fn kept(state: &Path) -> Vec<Choice> {
    let text = fs::read(state.join(FILE)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::infer::{Output, Tensor};

    /// Takes as long as it is told to.
    struct Busy(Duration);

    impl Model for Busy {
        fn run(&mut self, _: &Tensor) -> Result<Vec<Output>> {
            let begin = thread_cpu();
            while thread_cpu() - begin < self.0 {}
            Ok(Vec::new())
        }
    }

    #[test]
    fn the_faster_engine_is_chosen_and_remembered_for_that_net_alone() {
        let state = tempfile::tempdir().unwrap();
        let (mut slow, mut fast) = (Busy(Duration::from_millis(3)), Busy(Duration::from_millis(1)));
        let choice = Choice::measure("a".into(), [1; 4], &mut slow, &mut fast).unwrap();
        assert_eq!(choice.engine, Engine::Int8, "{choice:?}");
        assert_eq!(Choice::measure("a".into(), [1; 4], &mut fast, &mut slow).unwrap().engine, Engine::Float);
        assert_eq!(Choice::read(state.path(), "a"), None);
        choice.clone().keep(state.path());
        assert_eq!(Choice::read(state.path(), "a"), Some(choice));
        assert_eq!(Choice::read(state.path(), "b"), None);
    }

    #[test]
    fn each_net_of_a_station_has_its_choice_and_the_oldest_are_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let of = |net: usize| format!("net {net}");
        let choice = |net, engine| Choice { of: of(net), engine, float_ms: 1.0, int8_ms: 2.0 };
        choice(0, Engine::Int8).keep(state.path());
        choice(1, Engine::Float).keep(state.path());
        choice(0, Engine::Float).keep(state.path());
        for net in 0..2 {
            assert_eq!(Choice::read(state.path(), &of(net)), Some(choice(net, Engine::Float)));
        }
        (2..=MOST).for_each(|net| choice(net, Engine::Int8).keep(state.path()));
        let found = |net| Choice::read(state.path(), &of(net)).is_some();
        assert!(!found(1) && found(0) && found(MOST), "the one that was kept first goes first");
        let half = fs::read(state.path().join(FILE)).unwrap();
        files::replace(&state.path().join(FILE), &half[..half.len() / 2], false).unwrap();
        assert!(!found(0), "a damaged file is as none");
    }

    #[test]
    fn the_same_processor_has_the_same_key() {
        assert_eq!(Choice::key("1", "neon", 1), Choice::key("1", "neon", 1));
        assert_ne!(Choice::key("1", "neon", 1), Choice::key("1", "sdot", 1));
        assert_ne!(Choice::key("1", "neon", 1), Choice::key("1", "neon", 2));
    }
}
