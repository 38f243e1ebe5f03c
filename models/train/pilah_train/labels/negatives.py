"""Pictures that must not get a lane: no label, no readable recipient, an address abroad, two labels."""

import cv2
import numpy as np

from .camera import View, overlap, random_view
from .photograph import Picture, Scene
from .scenes import kept, printed, scene_of, surround, truth_of

CASES = {"foreign": 18, "covered": 22, "two": 16, "out": 10, "blurred": 10, "stickers": 10, "blank": 6, "nolabel": 8}
"how often each case occurs"


def negative(rng, which, places, difficulty, case, size) -> Picture:
    """A picture that must not get a lane."""
    blur = rng.uniform(0.4, 1.2)
    if case in ("stickers", "blank", "nolabel"):
        scene = Scene(rng, difficulty, size)
        view = random_view(rng, scene.size, rng.uniform(4, 7), scene.c.tilt)
        if case != "blank" or rng.random() < 0.5:
            scene.lay_parcel(np.array([(-60, -60), (60, 60)]) * rng.uniform(0.4, 1.2), view)
        quad = view.points([(-50, -40), (50, -40), (50, 40), (-50, 40)])
        if case == "stickers":
            for _ in range(rng.randrange(1, 5)):
                scene.stick_other(quad, view, list(scene.covers))
        elif case == "nolabel":  # paper without print
            scene.cover(quad)
            scene.covers.clear()
        surround(scene, view, quad, [])
    elif case == "two":
        scene, view = _two(rng, which, places, difficulty, size)
    elif case == "out":
        scene, view = _out(rng, which, places, difficulty, size)
    else:
        scene, _, _, view, quad = scene_of(rng, which, places, difficulty, size, foreign=case == "foreign")
        recipient = [line for line in scene.out.lines if line["role"] == "recipient"]
        if case == "covered":
            _cover_recipient(scene, np.concatenate([line["quad"] for line in recipient]))
        elif case == "blurred":
            blur = rng.uniform(0.38, 0.7) * max(line["em_px"] for line in recipient)
        surround(scene, view, quad, [] if case != "foreign" else kept(scene))
    picture = scene.develop(blur)
    picture.truth = truth_of(scene, None, None, view, blur, difficulty, case)
    return picture


def _cover_recipient(scene: Scene, points: np.ndarray) -> None:
    """A patch over all of the recipient's lines, hardly larger than they are."""
    box = cv2.boxPoints(cv2.minAreaRect(points.astype(np.float32)))
    middle = box.mean(0)
    scene.cover((middle + (box - middle) * scene.rng.uniform(1.08, 1.2)).astype(np.float64))


def _two(rng, which, places, difficulty, size) -> tuple[Scene, View]:
    """Two labels of two parcels or on one parcel, both well in the picture."""
    while True:
        scene, view = _two_somewhere(rng, which, places, difficulty, size)
        frame = np.array([(0, 0), (scene.size[0], 0), scene.size, (0, scene.size[1])])
        first, second = (label["quad"] for label in scene.out.labels)
        if min(overlap(first, frame), overlap(second, frame)) > 0.75 and overlap(second, first) < 0.1:
            return scene, view


def _two_somewhere(rng, which, places, difficulty, size) -> tuple[Scene, View]:
    prints = [printed(rng, which, places)[1] for _ in range(2)]
    scene = Scene(rng, difficulty, size)
    w, h = scene.size
    view = random_view(rng, scene.size, 1.0, scene.c.tilt)
    apart = rng.uniform(0.5, 0.62) * w
    longest = max(np.hypot(s.width, s.height) for s in prints)
    view.px_per_mm = max(3.6, min(7.0, apart / longest * rng.uniform(0.9, 1.25)))
    scene.lay_parcel(np.array([(-90, -60), (90, 60)]), view)
    for k, sheet in enumerate(prints):
        turn = view.rotation + (rng.gauss(0, 8) if rng.random() < 0.6 else rng.uniform(-180, 180))
        spot = (w / 2 + (k - 0.5) * apart, h / 2 + rng.gauss(0, 0.06 * h))
        one = View(w, h, view.px_per_mm, turn, view.tilt, view.axis, spot, view.distance)
        scene.stick_label(sheet, one)
    return scene, view


def _out(rng, which, places, difficulty, size) -> tuple[Scene, View]:
    """A label whose recipient is outside of the picture."""
    while True:
        _, sheet = printed(rng, which, places)
        scene = Scene(rng, difficulty, size)
        view = random_view(rng, scene.size, rng.uniform(4.2, 8), scene.c.tilt)
        half = np.array([sheet.width, sheet.height]) / 2
        needed = np.concatenate([np.array(line.quad) for line in sheet.lines if line.role == "recipient"]) - half
        points = view.points(needed)
        side = rng.randrange(4)
        k, low = side % 2, side < 2
        edge = points[:, k].max() + rng.uniform(4, 60) if low else points[:, k].min() - rng.uniform(4, 60)
        middle = list(view.middle)
        middle[k] -= edge if low else edge - scene.size[k]
        view.middle = tuple(middle)
        quad = view.points(np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half)
        inside = overlap(quad, np.array([(0, 0), (scene.size[0], 0), scene.size, (0, scene.size[1])]))
        if inside > 0.12 or rng.random() < 0.1:
            break
    scene.lay_parcel(np.array([-half, half]), view)
    scene.stick_label(sheet, view)
    return scene, view
