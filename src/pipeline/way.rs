//! The way items go: on a belt or through a smart bin.

use crate::pipeline::actuate::Moved;
use crate::pipeline::track::bin::Bin;
use crate::pipeline::track::{Arrival, Assigned, Step, Track};
use crate::pipeline::trigger::{Edge, Keep, Scene};
use crate::units::{ItemId, LaneId, Millimetres, Timestamp};

/// A belt that moves, or a bin in which one item rests.
#[derive(Debug)]
pub enum Way {
    /// Items follow each other.
    Belt(Box<Track>),
    /// One item at a time.
    Bin(Bin),
}

impl Way {
    /// Items between trigger and outcome.
    pub fn in_flight(&self) -> usize {
        match self {
            Self::Belt(track) => track.in_flight(),
            Self::Bin(bin) => bin.in_flight(),
        }
    }

    /// Whether something waits for a person to take it out.
    pub fn waits(&self) -> bool {
        match self {
            Self::Belt(_) => false,
            Self::Bin(bin) => bin.waits(),
        }
    }

    /// Whether the last item has made way for another: on a belt that stands, and in a bin that does, it has not.
    pub fn has_room(&self, at: Timestamp) -> bool {
        match self {
            Self::Belt(track) => track.has_room(at),
            Self::Bin(bin) => bin.has_room(),
        }
    }

    /// A new item.
    pub fn came(&mut self, id: ItemId, at: Timestamp) -> Arrival {
        match self {
            Self::Belt(track) => track.came(id, at),
            Self::Bin(bin) => bin.came(id, at),
        }
    }

    /// The last item's trailing edge.
    pub fn left(&mut self, at: Timestamp) {
        match self {
            Self::Belt(track) => track.left(at),
            Self::Bin(_) => {}
        }
    }

    /// An edge of the belt's inputs or of a lane's sensor; others mean nothing here.
    pub fn edge(&mut self, edge: Edge, out: &mut Vec<Step>) {
        match self {
            Self::Belt(track) => track.edge(edge.input, edge.active, edge.count, edge.at, out),
            Self::Bin(bin) => bin.edge(edge.input, edge.active, edge.at, out),
        };
    }

    /// How far the belt has run at `at`; a bin has none.
    pub fn position(&self, at: Timestamp) -> Option<Millimetres> {
        match self {
            Self::Belt(track) => Some(track.position(at)),
            Self::Bin(_) => None,
        }
    }

    /// What the picture says; returns what it is to be kept as.
    pub fn scene(&mut self, scene: Scene, at: Timestamp) -> Option<Keep> {
        match self {
            Self::Belt(_) => None,
            Self::Bin(bin) => bin.scene(scene, at),
        }
    }

    /// The undecided items that a frame exposed at `exposed` shows alone, with the places of their middles, 0 to 1.
    pub fn in_view(&self, exposed: Timestamp) -> Vec<(ItemId, f64)> {
        match self {
            Self::Belt(track) => track.in_view(exposed),
            Self::Bin(bin) => bin.in_view(exposed).into_iter().collect(),
        }
    }

    /// When an item came that is on a belt.
    pub fn came_at(&self, id: ItemId) -> Option<Timestamp> {
        match self {
            Self::Belt(track) => track.came_at(id),
            Self::Bin(_) => None,
        }
    }

    /// Whether the item shares its gap with another.
    pub fn too_close(&self, id: ItemId) -> bool {
        match self {
            Self::Belt(track) => track.too_close(id),
            Self::Bin(_) => false,
        }
    }

    /// Sends an item to a lane.
    pub fn assign(&mut self, id: ItemId, lane: LaneId, now: Timestamp, out: &mut Vec<Step>) -> Assigned {
        match self {
            Self::Belt(track) => track.assign(id, lane, now),
            Self::Bin(bin) => bin.assign(id, lane, now, out),
        }
    }

    /// The actuate thread's word on a move.
    pub fn moved(&mut self, moved: &Moved) {
        match self {
            Self::Belt(track) => track.moved(moved),
            Self::Bin(bin) => bin.moved(moved),
        }
    }

    /// Does what is due.
    pub fn step(&mut self, now: Timestamp, out: &mut Vec<Step>) {
        match self {
            Self::Belt(track) => track.step(now, out),
            Self::Bin(bin) => bin.step(now, out),
        }
    }

    /// The machine stops: everything in flight is lost, but for an item that lies still in a bin.
    pub fn stop(&mut self, out: &mut Vec<Step>) {
        match self {
            Self::Belt(track) => track.abandon(out),
            Self::Bin(bin) => bin.stop(out),
        }
    }

    /// The program ends: everything in flight is lost.
    pub fn end(&mut self, out: &mut Vec<Step>) {
        match self {
            Self::Belt(track) => track.abandon(out),
            Self::Bin(bin) => bin.abandon(out),
        }
    }

    /// The machine goes on.
    pub fn go(&mut self) {
        match self {
            Self::Belt(_) => {}
            Self::Bin(bin) => bin.go(),
        }
    }

    /// When `step` has something to do next.
    pub fn wake(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Belt(track) => track.wake(now),
            Self::Bin(bin) => bin.wake(now),
        }
    }
}
