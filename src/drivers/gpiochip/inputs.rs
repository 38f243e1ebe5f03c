//! Input lines as raw edges, stamped and counted by the kernel.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use gpiocdev::Request;
use gpiocdev::line::{Bias, EdgeDetection, EdgeKind, EventClock, Value};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::find::Place;
use super::take;
use crate::clock::{Clock, SystemClock};
use crate::drivers::gpio::{InputSettings, Pull};
use crate::pipeline::actuate::Level;
use crate::pipeline::trigger::{Edge, Inputs};
use crate::units::{InputId, Timestamp};

/// Edges that the kernel keeps for one line: the most that it allows.
const KEPT: u32 = 1024;

/// Each line is a request of its own, so that a fast encoder cannot push a photo-eye's edges out of a shared buffer.
#[derive(Debug)]
pub(super) struct ChipInputs {
    lines: Vec<Line>,
    /// Edges that wait for their turn, in the order of their times.
    waiting: Vec<Edge>,
    buffer: Vec<u64>,
}

#[derive(Debug)]
struct Line {
    name: String,
    request: Request,
    count: Count,
}

impl ChipInputs {
    /// Takes the lines; an input that is active already says so by an edge.
    pub(super) fn open(settings: &[InputSettings], places: &[Place]) -> Result<Self> {
        let mut opened = Self { lines: Vec::new(), waiting: Vec::new(), buffer: Vec::new() };
        for (index, (input, place)) in settings.iter().zip(places).enumerate() {
            // Before the request, so that every edge that follows has a later time.
            let at = SystemClock.now();
            let mut builder = Request::builder();
            builder
                .on_chip(&place.device)
                .with_line(place.offset)
                .as_input()
                .with_edge_detection(EdgeDetection::BothEdges)
                .with_event_clock(EventClock::Monotonic)
                .with_kernel_event_buffer_size(KEPT);
            match input.active {
                Level::High => builder.as_active_high(),
                Level::Low => builder.as_active_low(),
            };
            match input.pull {
                Pull::None => &mut builder,
                Pull::Up => builder.with_bias(Bias::PullUp),
                Pull::Down => builder.with_bias(Bias::PullDown),
            };
            let request = take(&mut builder, place, &input.name)?;
            let value = request.value(place.offset);
            let value = value.map_err(|error| super::explain(&format!("reading input {}", input.name), &error))?;
            if value == Value::Active {
                opened.waiting.push(Edge { input: InputId(index), active: true, at, count: 0 });
            }
            let words = request.edge_event_u64_size();
            opened.buffer.resize(words * usize::try_from(KEPT).unwrap_or(1), 0);
            let count = Count { active: value == Value::Active, ..Count::default() };
            opened.lines.push(Line { name: input.name.clone(), request, count });
        }
        Ok(opened)
    }

    /// Reads what is there, of all lines.
    fn read(&mut self, ready: &[usize]) -> Result<()> {
        for index in ready {
            let line = &mut self.lines[*index];
            let told = |error| super::explain(&format!("reading input {}", line.name), &error);
            let words = line.request.read_edge_events_into_slice(&mut self.buffer).map_err(told)?;
            for event in self.buffer[..words].chunks_exact(line.request.edge_event_u64_size()) {
                let event = line.request.edge_event_from_slice(event).map_err(told)?;
                let active = event.kind == EdgeKind::Rising;
                self.waiting.push(Edge {
                    input: InputId(*index),
                    active,
                    at: Timestamp::from_nanos(event.timestamp_ns),
                    count: line.count.follow(event.line_seqno, active),
                });
            }
        }
        Ok(())
    }

    fn poll(&self, timeout: Duration) -> Result<Vec<usize>> {
        let mut fds: Vec<PollFd<'_>> =
            self.lines.iter().map(|line| PollFd::new(&line.request, PollFlags::IN)).collect();
        let timeout = Timespec::try_from(timeout).ok();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => bail!("waiting for inputs: {error}"),
        }
        let mut ready = Vec::new();
        for (index, fd) in fds.iter().enumerate() {
            let told = fd.revents();
            ensure!(
                !told.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL),
                "waiting for input {}: its GPIO chip is gone; check the expander's cable and supply",
                self.lines[index].name
            );
            if told.contains(PollFlags::IN) {
                ready.push(index);
            }
        }
        Ok(ready)
    }
}

impl Inputs for ChipInputs {
    fn wait(&mut self, timeout: Duration) -> Result<Vec<Edge>> {
        let timeout = if self.waiting.is_empty() { timeout } else { Duration::ZERO };
        let ready = self.poll(timeout)?;
        let seen = SystemClock.now();
        self.read(&ready)?;
        Ok(until(&mut self.waiting, seen))
    }
}

/// Takes the edges up to `seen` in the order of their times. Lines are read one after the other: an edge that came
/// meanwhile waits, since one that came before it, on a line that was read first, is still to be read.
fn until(waiting: &mut Vec<Edge>, seen: Timestamp) -> Vec<Edge> {
    waiting.sort_by_key(|edge| edge.at);
    let later = waiting.split_off(waiting.partition_point(|edge| edge.at <= seen));
    std::mem::replace(waiting, later)
}

/// A line's count of edges, carried on where the kernel's 32 bits begin anew.
///
/// The kernel counts an edge when its interrupt's thread runs, and reads the level then: of two edges that come closer
/// than that it hands over one, with the level of the second. Each edge changes the level, so that one that repeats it
/// tells of another that was swallowed. If it is repeated once more, that other one came late after all.
#[derive(Debug, Default)]
struct Count {
    all: u64,
    last: u32,
    active: bool,
    /// Whether the last edge told of one that was swallowed.
    swallowed: bool,
}

impl Count {
    fn follow(&mut self, seqno: u32, active: bool) -> u64 {
        let edges = seqno.wrapping_sub(self.last);
        self.all += u64::from(edges);
        let alternates = (active != self.active) == (edges % 2 == 1);
        match (alternates, self.swallowed) {
            (true, _) => {}
            (false, false) => self.all += 1,
            (false, true) => self.all -= 1,
        }
        self.swallowed = !alternates && !self.swallowed;
        (self.last, self.active) = (seqno, active);
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_goes_on_where_the_kernels_begins_anew() {
        let mut count = Count::default();
        assert_eq!([(1, true), (2, false), (9, true)].map(|(seqno, active)| count.follow(seqno, active)), [1, 2, 9]);
        let mut count = Count { all: u64::from(u32::MAX), last: u32::MAX, ..Count::default() };
        let counts = [(0, true), (5, false)].map(|(seqno, active)| count.follow(seqno, active));
        assert_eq!(counts, [1 << 32, (1 << 32) + 5]);
    }

    #[test]
    fn edges_that_the_kernel_swallowed_are_counted_and_late_ones_once() {
        let told = |edges: &[(u32, bool)]| {
            let mut count = Count::default();
            edges.iter().map(|&(seqno, active)| count.follow(seqno, active)).collect::<Vec<_>>()
        };
        // Up; down and up as one; down.
        assert_eq!(told(&[(1, true), (2, true), (3, false)]), [1, 3, 4]);
        // Up; down, but up again before the level was read; that up; down.
        assert_eq!(told(&[(1, true), (2, true), (3, true), (4, false)]), [1, 3, 3, 4]);
        // Twice two as one.
        assert_eq!(told(&[(1, true), (2, true), (3, false), (4, false), (5, true)]), [1, 3, 4, 6, 7]);
        // Four of which three did not fit the buffer, and the last was two.
        assert_eq!(told(&[(1, true), (5, false)]), [1, 6]);
    }

    #[test]
    fn edges_of_several_lines_come_in_the_order_of_their_times() {
        let edge = |input, ms| Edge { input: InputId(input), active: true, at: Timestamp::from_millis(ms), count: ms };
        // The encoder was read after the eye: its last edge came while that went on.
        let mut waiting = vec![edge(0, 5), edge(1, 3), edge(1, 4), edge(1, 6), edge(1, 11)];
        let seen = Timestamp::from_millis(10);
        assert_eq!(until(&mut waiting, seen), [edge(1, 3), edge(1, 4), edge(0, 5), edge(1, 6)]);
        waiting.push(edge(0, 10));
        assert_eq!(until(&mut waiting, Timestamp::from_millis(12)), [edge(0, 10), edge(1, 11)]);
        assert_eq!(waiting, []);
    }
}
