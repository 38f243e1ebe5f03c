"""Goes closer to a thing that is small in the picture: a net that sees the whole of a wide tray has few pixels of a cell.

The daemon does exactly the same (its `preprocess::closer`), so all is in whole numbers on a small grid.
"""

import numpy as np
from PIL import Image

GRID = 64
EDGE = 14  # grey levels between the cells on both sides of one: less is a shadow or grain
RIM = 6  # cells; edges at the picture's rim belong to the ground and the tray, unless what is inside reaches there
TAIL = 3  # per cent of the edges on each side that do not count: specks
FEWEST = 16  # cells with an edge, or there is nothing to go closer to
MARGIN = 1.3
NEAREST = 0.2  # of a side


def look(picture: Image.Image) -> Image.Image:
    """The part of the picture around its edges, of the same shape; the whole where the ground is busy, or nothing stands out."""
    left, top, side = window(picture)
    (l, w), (t, h) = _span(left, side, picture.width), _span(top, side, picture.height)
    return picture.crop((l, t, l + w, t + h))


def window(picture: Image.Image) -> tuple[float, float, float]:
    """Left, top and side in fractions of the picture's width and height."""
    cells = _means(np.asarray(picture, np.int64).reshape(picture.height, picture.width, -1))
    steps = np.zeros((GRID, GRID), np.int64)
    steps[:, 1:-1] = np.abs(cells[:, 2:] - cells[:, :-2]).max(2)
    steps[1:-1] = np.maximum(steps[1:-1], np.abs(cells[2:] - cells[:-2]).max(2))
    rim = np.ones((GRID, GRID), bool)
    rim[RIM:-RIM, RIM:-RIM] = False
    edges = (steps > EDGE) & (steps > 3 * np.median(steps[rim])) & ~rim
    if edges.sum() < FEWEST:
        return 0.0, 0.0, 1.0
    (left, right), (top, bottom) = _extent(edges.sum(0)), _extent(edges.sum(1))
    side = min(max(max(right - left, bottom - top) * MARGIN, NEAREST * GRID), GRID)
    first = [min(max((a + b) / 2 - side / 2, 0.0), GRID - side) for a, b in ((left, right), (top, bottom))]
    return first[0] / GRID, first[1] / GRID, side / GRID


def _means(pixels: np.ndarray) -> np.ndarray:
    """The mean colour of each cell, rounded down: no library's resizing, for these round each in their own way."""
    rows, columns = (np.arange(GRID) * length // GRID for length in pixels.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(pixels, rows, axis=0), columns, axis=1)
    heights, widths = (np.maximum(np.diff(at, append=n), 1) for at, n in zip((rows, columns), pixels.shape))
    return sums // (heights[:, None] * widths)[:, :, None]


def _extent(counts: np.ndarray) -> tuple[int, int]:
    """From the first row or column to behind the last that holds edges, but for the tails; to the picture's end where they reach
    the rim."""
    sums = 100 * np.cumsum(counts)
    all_of_them = int(counts.sum())
    first, end = int(np.argmax(sums > TAIL * all_of_them)), int(np.argmax(sums >= (100 - TAIL) * all_of_them)) + 1
    return 0 if first == RIM else first, GRID if end == GRID - RIM else end


def _span(start: float, part: float, length: int) -> tuple[int, int]:
    first = min(round(start * length), length - 1)
    return first, min(max(round((start + part) * length), first + 1), length) - first
