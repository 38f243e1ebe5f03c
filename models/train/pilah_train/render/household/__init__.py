"""Things of every class but light bulbs, each call another one, for training beside photographs.

Light bulbs can only be rendered, so without these a net could take "rendered" for "light bulb"; and they show what
collections of photographs lack: household cells, crushed bottles, trays, one thing alone under a lamp.
"""

from collections.abc import Callable

import numpy as np

from ..solid import Thing
from . import (
    batteries,
    cloth,
    clothes,
    crockery,
    devices,
    electronics,
    fruit,
    gadgets,
    glass,
    greens,
    metal,
    oddments,
    paper,
    plastic,
    scraps,
)

KINDS: dict[str, dict[str, Callable[[np.random.Generator], Thing]]] = {
    "battery": batteries.KINDS,
    "clothes": clothes.KINDS | cloth.KINDS,
    "e-waste": devices.KINDS | electronics.KINDS | gadgets.KINDS,
    "glass": glass.KINDS,
    "metal": metal.KINDS,
    "organic": fruit.KINDS | greens.KINDS | scraps.KINDS,
    "paper": paper.KINDS,
    "plastic": plastic.KINDS,
    "unknown": crockery.KINDS | oddments.KINDS,
}
"""Makers by class and kind."""
