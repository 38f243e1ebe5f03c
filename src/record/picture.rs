//! The ids of kept pictures, which say whose each is and what it shows.

use crate::units::ItemId;

/// What a kept picture shows of its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PictureView {
    /// The thumbnail of an item that was sure.
    Sure,
    /// The thumbnail of an item that was not.
    Unsure,
    /// The whole frame of an item that was not sure: what models learn from.
    Frame,
}

impl PictureView {
    const ALL: [Self; 3] = [Self::Sure, Self::Unsure, Self::Frame];

    /// The thumbnail's view.
    pub fn of(sure: bool) -> Self {
        if sure { Self::Sure } else { Self::Unsure }
    }

    /// The picture's id: the item's and what it shows.
    pub fn id(self, item: ItemId) -> String {
        let view = match self {
            Self::Sure => "sure",
            Self::Unsure => "unsure",
            Self::Frame => "frame",
        };
        format!("{item}-{view}")
    }

    /// Whose picture an id names, and what it shows; `None` when it is no picture's id.
    pub fn parse(id: &str) -> Option<(ItemId, Self)> {
        let item = id.split_once('-')?.0.parse().ok()?;
        let view = Self::ALL.into_iter().find(|view| view.id(item) == id)?;
        Some((item, view))
    }
}
