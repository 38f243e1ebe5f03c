"""Pictures of labels without end: `for picture in stream(seed)`.

Picture number k of a seed is the same whatever came before it, so any part of a stream can be made on its own.
"""

import itertools
import random
from collections.abc import Iterator

import cv2
import numpy as np

from . import layouts, mail, surfaces
from . import words as w_
from .camera import View, random_view
from .photograph import Picture, Scene, _overlap, frame_label
from .places import Places
from .sheet import Sheet

DIFFICULTIES = {"easy": 40, "medium": 40, "hard": 20}
NEGATIVES = {"foreign": 18, "covered": 22, "two": 16, "out": 10, "blurred": 10, "stickers": 10, "blank": 6, "nolabel": 8}
COLUMNS = (
    "file layout region recipient_postal_code recipient_province recipient_regency sender_region awb barcode_types "
    "has_postal_code_text has_province_text rotation_deg tilt_deg px_per_mm blur difficulty note"
).split()


def stream(
    seed: int,
    layouts: str = "train",
    kind: str = "label",
    places: Places | None = None,
    start: int = 0,
    step: int = 1,
    difficulty: str = "",
    size: tuple[int, int] | None = None,
) -> Iterator[Picture]:
    """Pictures number `start`, `start + step`, ... of this seed, without end.

    `layouts` is train, kept-out or all; `kind` is label, negative, two, mail, mixed (nine labels to one negative), or one case
    of negatives (negative:foreign); `places` is the table of addresses ($PILAH_ADDRESSES if not given). A loader with n workers
    gives worker k start=k and step=n.
    """
    places = places or Places.load()
    for number in itertools.count(start, step):
        yield make(seed, number, layouts, kind, places, difficulty, size)


def make(seed: int, number: int, which: str, kind: str, places: Places, difficulty: str = "", size=None) -> Picture:
    """One picture of a stream."""
    rng = random.Random(f"{seed}-{number}-{which}-{kind}")
    if kind == "mixed":
        kind = "negative" if rng.random() < 0.1 else "label"
    difficulty = difficulty or rng.choices(list(DIFFICULTIES), list(DIFFICULTIES.values()))[0]
    if kind == "mail":
        return _mail(rng, which, places, difficulty, size)
    if kind == "label":
        return _label(rng, which, places, difficulty, size)
    kind, _, case = kind.partition(":")
    case = case or ("two" if kind == "two" else "") or rng.choices(list(NEGATIVES), list(NEGATIVES.values()))[0]
    return _negative(rng, which, places, difficulty, case, size)


def _printed(rng: random.Random, which: str, places: Places, foreign: bool = False) -> tuple[w_.Waybill, Sheet]:
    """A label that says all it was meant to say; one on which the recipient's address was cut off is thrown away."""
    while True:
        waybill = w_.draw(rng, places, foreign)
        name, sheet = layouts.draw(rng, waybill, which)
        says = "".join(line.text for line in sheet.lines if line.role == "recipient").replace(" ", "")
        who = waybill.recipient
        if all(
            _bare(text) in says for kind, text in who.pieces if kind in ("district", "regency", "province", "postal", "country")
        ):
            return waybill, sheet


def _bare(text: str) -> str:
    """A piece as it must at least occur: a postal code's digits, a place's name."""
    if sum(c.isdigit() for c in text) >= 4:
        return "".join(c for c in text if c.isdigit())
    return text.replace(" ", "")


def _scene(rng, which, places, difficulty, size, foreign=False):
    """A parcel with one label: scene, waybill, sheet, view and the label's corners."""
    waybill, sheet = _printed(rng, which, places, foreign)
    scene = Scene(rng, difficulty, size)
    smallest = min((line.em for line in sheet.lines if line.role == "recipient"), default=3)
    view = frame_label(rng, sheet, scene.c, scene.size, smallest, rng.random() < 0.12)
    half = np.array([sheet.width, sheet.height]) / 2
    scene.lay_parcel(np.array([-half, half]), view)
    if scene.soft and rng.random() < 0.7:
        view.bend_softly(np.random.default_rng(rng.getrandbits(32)), rng.uniform(0.3, 2.2), rng.uniform(120, 400))
    quad = scene.stick_label(sheet, view)
    return scene, waybill, sheet, view, quad


def _around(scene: Scene, view: View, quad: np.ndarray, keep: list[np.ndarray]) -> None:
    """What else happens to a label: stickers, a covered corner, tape, creases, glare, shadow."""
    rng, c, light = scene.rng, scene.c, scene.light
    if rng.random() < 0.3:
        for _ in range(rng.choice([1, 1, 2])):
            scene.stick_other(quad, view, keep)
    if rng.random() < c.covered:
        k = rng.randrange(4)
        u, v = (quad[(k + 1) % 4] - quad[k]) * rng.uniform(0.1, 0.5), (quad[(k + 3) % 4] - quad[k]) * rng.uniform(0.1, 0.5)
        o = quad[k] - (u + v) * rng.uniform(0.05, 0.4)
        patch = np.array([o, o + u * 1.2, o + (u + v) * 1.2, o + v * 1.2])
        if not any(_overlap(box, patch) > 0 for box in keep):
            scene.cover(patch)
    if rng.random() < 0.35:
        light.tape(quad, rng.uniform(35, 60) * view.px_per_mm)
    if rng.random() < 0.25 + 0.4 * c.wear:
        light.crease(quad, rng.uniform(0.4, 1) * (0.5 + 0.5 * c.wear))
    if scene.soft:
        light.ripple(quad, rng.uniform(0.01, 0.05))
    if rng.random() < c.glare:
        light.glare(rng.uniform(0.3, 0.6 + 0.4 * c.wear))
    if rng.random() < 0.06 + 0.15 * c.wear:
        light.shadow()


def _kept(scene: Scene) -> list[np.ndarray]:
    """What nothing may cover: the recipient's lines, and mostly the waybill."""
    keep = [line["quad"] for line in scene.out.lines if line["role"] == "recipient"]
    if scene.rng.random() < 0.9:
        keep += [line["quad"] for line in scene.out.lines if line["role"] == "awb"]
        keep += [code["quad"] for code in scene.out.codes]
    return keep


def _blur(scene: Scene) -> float:
    """A blur of the lens that leaves the recipient's letters readable."""
    smallest = min((line["em_px"] for line in scene.out.lines if line["role"] == "recipient"), default=14)
    return min(scene.rng.uniform(*scene.c.blur), smallest / 12.5)


def _label(rng, which, places, difficulty, size) -> Picture:
    for _ in range(20):
        scene, waybill, sheet, view, quad = _scene(rng, which, places, difficulty, size)
        _around(scene, view, quad, _kept(scene))
        blur = _blur(scene)
        picture = scene.develop(blur)
        if all(line["visible"] for line in picture.lines if line["role"] == "recipient"):
            break
    picture.truth = _truth(scene, waybill, sheet, view, blur, difficulty)
    return picture


def _mail(rng, which, places, difficulty, size) -> Picture:
    """An envelope with its postal code in five boxes, on the belt as it is."""
    while True:
        recipient, sender, sheet = mail.draw(rng, places, which)
        scene = Scene(rng, difficulty, size)
        view = frame_label(rng, sheet, scene.c, scene.size, 4, rng.random() < 0.2)
        if view.px_per_mm > 2.6:
            break
    quad = scene.stick_label(sheet, view)
    scene.light.fall(quad, rng.uniform(0.1, 0.3), rng.uniform(2, 8))
    inside = np.zeros((scene.light.h, scene.light.w), np.uint8)
    cv2.fillPoly(inside, [np.round(quad / 2).astype(np.int32)], 1)
    scene.light.gain[inside > 0] = 1
    keep = [box["quad"] for box in scene.out.boxes] + [line["quad"] for line in scene.out.lines if line["role"] == "recipient"]
    _around(scene, view, quad, keep)
    blur = min(_blur(scene), 1.6)
    picture = scene.develop(blur)
    picture.truth = _truth(scene, None, sheet, view, blur, difficulty)
    has = {kind: int(any(kind == piece for piece, _ in recipient.pieces)) for kind in ("postal", "province")}
    picture.truth |= {
        "region": recipient.place.region,
        "recipient_postal_code": recipient.place.postal_code,
        "recipient_province": recipient.place.province,
        "recipient_regency": recipient.place.regency,
        "sender_region": sender.place.region,
        "has_postal_code_text": has["postal"],
        "has_province_text": has["province"],
        "note": ";".join(["mail", *scene.notes, f"font={sheet.family.name}"]),
    }
    return picture


def _negative(rng, which, places, difficulty, case, size) -> Picture:
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
        _around(scene, view, quad, [])
    elif case == "two":
        scene, view = _two(rng, which, places, difficulty, size)
    elif case == "out":
        scene, view = _out(rng, which, places, difficulty, size)
    else:
        scene, _, _, view, quad = _scene(rng, which, places, difficulty, size, foreign=case == "foreign")
        recipient = [line for line in scene.out.lines if line["role"] == "recipient"]
        if case == "covered":
            _cover_recipient(scene, np.concatenate([line["quad"] for line in recipient]))
        elif case == "blurred":
            blur = rng.uniform(0.38, 0.7) * max(line["em_px"] for line in recipient)
        _around(scene, view, quad, [] if case != "foreign" else _kept(scene))
    picture = scene.develop(blur)
    picture.truth = _truth(scene, None, None, view, blur, difficulty, case)
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
        if min(_overlap(first, frame), _overlap(second, frame)) > 0.75 and _overlap(second, first) < 0.1:
            return scene, view


def _two_somewhere(rng, which, places, difficulty, size) -> tuple[Scene, View]:
    prints = [_printed(rng, which, places)[1] for _ in range(2)]
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
        _, sheet = _printed(rng, which, places)
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
        inside = _overlap(quad, np.array([(0, 0), (scene.size[0], 0), scene.size, (0, scene.size[1])]))
        if inside > 0.12 or rng.random() < 0.1:
            break
    scene.lay_parcel(np.array([-half, half]), view)
    scene.stick_label(sheet, view)
    return scene, view


def _truth(scene, waybill, sheet, view, blur, difficulty, case="") -> dict:
    """The row of truth.csv, without the file."""
    row = dict.fromkeys(COLUMNS[1:], "")
    notes = list(dict.fromkeys(scene.notes))
    row |= {"rotation_deg": round((view.rotation + 180) % 360 - 180, 1), "tilt_deg": round(view.tilt, 1)}
    row |= {"px_per_mm": round(view.px_per_mm, 2), "blur": round(blur, 2), "difficulty": difficulty}
    if scene.out.labels:
        row["layout"] = scene.out.labels[0]["layout"]
    if waybill is None:
        row["note"] = ";".join([f"negative:{case}", *notes])
        return row
    to, lines = waybill.recipient, scene.out.lines
    gone = not any(line["visible"] for line in lines if line["role"] == "awb") and not any(
        code["visible"] for code in scene.out.codes if code["kind"] == "code128"
    )
    printed = any(line["role"] == "awb" for line in lines)
    notes += ["awb_covered"] * (gone and printed) + to.notes + [f"font={sheet.family.name}"]
    smallest = min(line["em_px"] for line in lines if line["role"] == "recipient")
    row |= {
        "region": to.place.region,
        "recipient_postal_code": to.place.postal_code,
        "recipient_province": to.place.province,
        "recipient_regency": to.place.regency,
        "sender_region": waybill.sender.place.region,
        "awb": waybill.awb if printed else "",
        "barcode_types": "+".join(sorted({"Code128" if code["kind"] == "code128" else "QR" for code in scene.out.codes})),
        "has_postal_code_text": int(bool(to.says("postal"))),
        "has_province_text": int(bool(to.says("province"))),
        "note": ";".join([*notes, f"em_px={smallest}"]),
    }
    return row


def warm_up() -> None:
    """Make the pool of surfaces now rather than with the first pictures."""
    for kind in surfaces.MAKERS:
        for number in range(surfaces.VARIETY):
            surfaces._texture(kind, number)
    surfaces.noise(0)
