"""How a picture is taken: everything about it but the object.

`Look.random` draws it for training; `Look.demo` draws a tidy tray or belt for pictures that a person looks at.
"""

from dataclasses import dataclass

import numpy as np

from .solid import Thing
from .surface import GROUNDS


@dataclass
class Look:
    """How a picture is taken."""

    ground: str
    tray: bool
    clutter: int
    stand: bool
    """As built, rather than lying as it fell."""
    wall: float
    """How often a standing thing has a wall behind it."""
    tumble: float
    """How often a standing thing is upside down."""
    elevation: float
    """Of the camera above the horizon, radians."""
    fill: float
    """The object's size as a part of the picture's."""
    off_centre: float
    lights: int
    hardness: float
    temperature: float
    white_balance: float
    """How much of the light's colour the camera takes out, 0 to 1."""
    ambient: float
    brightness: float
    contrast: float
    blur: float
    noise: float
    quality: int
    focus: bool
    """A wide aperture, with a blurred background."""

    @classmethod
    def random(cls, rng: np.random.Generator, thing: Thing) -> "Look":
        """For training: as varied as can be."""
        stand = rng.random() < thing.upright
        shown = stand and not thing.lies  # as on a shelf or in a catalogue
        low = shown or rng.random() < 0.2
        under = str(rng.choice(["white", "white", "grey", "colour", "wood", "black"]) if shown else rng.choice(GROUNDS))
        return cls(
            ground=under,
            tray=not low and rng.random() < 0.25,
            clutter=int(rng.integers(3, 14)) if rng.random() < 0.3 else 0,
            stand=stand,
            wall=0.7,
            tumble=0.25,
            elevation=np.radians(rng.uniform(15 if thing.lies else 3, 40) if low else rng.uniform(40, 90)),
            fill=rng.uniform(0.45, 0.95),
            off_centre=rng.uniform(0, 0.12),
            lights=int(rng.integers(1, 4)),
            hardness=rng.beta(0.8, 1.5),
            temperature=rng.uniform(2600, 8000),
            white_balance=rng.beta(4, 1.5),
            ambient=rng.uniform(0.05, 1.0),
            brightness=rng.uniform(0.6, 0.85) if shown and under == "white" else rng.normal(0.51, 0.09),
            contrast=rng.uniform(0.8, 1.25),
            blur=max(0.0, rng.normal(0.3, 0.5)),
            noise=min(0.03, rng.exponential(0.008)),
            quality=int(rng.integers(60, 96)),
            focus=low and rng.random() < 0.5,
        )

    @classmethod
    def demo(cls, rng: np.random.Generator, thing: Thing) -> "Look":
        """For people: a grey tray or a belt, even light, a steady camera."""
        tray = rng.random() < 0.6
        return cls(
            ground="grey" if tray else "belt",
            tray=tray,
            clutter=0,
            stand=rng.random() < thing.upright,
            wall=0.0,
            tumble=0.0,
            elevation=np.radians(rng.uniform(48, 68)),
            fill=rng.uniform(0.8, 0.92),
            off_centre=0.03,
            lights=2,
            hardness=0.15,
            temperature=rng.uniform(4800, 6200),
            white_balance=0.9,
            ambient=0.6,
            brightness=0.5,
            contrast=1.05,
            blur=0.2,
            noise=0.004,
            quality=85,
            focus=False,
        )
