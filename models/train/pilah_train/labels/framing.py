"""How bad a picture of some difficulty may be, and where a label lies in it."""

import random
from dataclasses import dataclass

import numpy as np

from .camera import View, random_view
from .sheet import Sheet


@dataclass(frozen=True)
class Conditions:
    """How bad a picture of some difficulty may be."""

    px_per_mm: tuple[float, float]
    blur: tuple[float, float]
    tilt: float
    wear: float
    glare: float
    noise: tuple[float, float]
    light: tuple[float, float]
    motion: float
    covered: float
    least_em: float
    "pixels an em that the recipient's smallest line has at least"


CONDITIONS = {
    "easy": Conditions((4.1, 9), (0.4, 0.9), 10, 0.2, 0.15, (0.6, 3), (0.7, 1.15), 0, 0.05, 13.5),
    "medium": Conditions((4, 8), (0.45, 1.3), 15, 0.5, 0.35, (0.8, 4.5), (0.5, 1.15), 0.06, 0.1, 12.5),
    "hard": Conditions((3.8, 7), (0.6, 2.3), 17, 0.85, 0.5, (1, 7), (0.4, 1.15), 0.12, 0.15, 11.5),
}


def frame_label(rng: random.Random, sheet: Sheet, c: Conditions, size: tuple[int, int], least_em: float, cut: bool) -> View:
    """A view in which all of the recipient's lines are in the picture, and with `cut` perhaps not all of the rest."""
    w, h = sheet.width, sheet.height
    view = random_view(rng, size, 1.0, c.tilt)
    centre = np.array((w / 2, h / 2))
    corners = view.points(np.array([(0, 0), (w, 0), (w, h), (0, h)]) - centre) - view.middle
    lines = [line.quad for line in sheet.lines if line.role == "recipient"]
    needed = _seen(view, centre, lines + [quad for _, quad in sheet.boxes])
    room = np.array(size) - 14
    low = max(c.px_per_mm[0], c.least_em / max(least_em, 0.5))
    if rng.random() < 0.97:  # the waybill too, where there is room for both
        bars = [code.quad for code in sheet.codes if code.kind == "code128"] if rng.random() < 0.7 else []
        waybill = _seen(view, centre, [line.quad for line in sheet.lines if line.role == "awb"] + bars)
        both = np.concatenate([needed, waybill])
        if (room / np.ptp(both, axis=0)).min() * 0.97 > low:
            needed = both
    fit, fit_needed = (room / np.ptp(corners, axis=0)).min(), (room / np.ptp(needed, axis=0)).min()
    high = max(low, min(c.px_per_mm[1], fit * (1.3 if cut else 1)))
    view.px_per_mm = float(min(low * (high / low) ** rng.random(), fit_needed * 0.97))
    scale = view.px_per_mm
    cut = cut or scale > fit
    spot = []
    for k in range(2):
        inner = (7 - needed[:, k].min() * scale, size[k] - 7 - needed[:, k].max() * scale)
        outer = (4 - corners[:, k].min() * scale, size[k] - 4 - corners[:, k].max() * scale)
        if outer[0] < outer[1] and not cut:
            spot.append(rng.uniform(*outer))
        else:
            middle = size[k] / 2
            spot.append(min(max(rng.gauss(middle, size[k] * 0.12), inner[0]), inner[1]))
    view.middle = (float(spot[0]), float(spot[1]))
    return view


def _seen(view: View, centre: np.ndarray, quads: list) -> np.ndarray:
    """Corners on a sheet as seen at one pixel a millimetre, around the picture's middle."""
    points = np.concatenate([np.array(quad) for quad in quads] or [centre[None]]) - centre
    return view.points(points) - view.middle
