"""A parcel with a label, or a letter, in a photograph: put together, and its row of the truth."""

import random

import cv2
import numpy as np

from . import layouts, mail
from . import words as w_
from .camera import View, overlap
from .framing import frame_label
from .photograph import Picture, Scene
from .places import Places
from .sheet import Sheet

COLUMNS = (
    "file layout region recipient_postal_code recipient_province recipient_regency sender_region awb barcode_types "
    "has_postal_code_text has_province_text rotation_deg tilt_deg px_per_mm blur difficulty note"
).split()


def label(rng, which, places, difficulty, size) -> Picture:
    for _ in range(20):
        scene, waybill, sheet, view, quad = scene_of(rng, which, places, difficulty, size)
        surround(scene, view, quad, kept(scene))
        blur = _blur(scene)
        picture = scene.develop(blur)
        if all(line["visible"] for line in picture.lines if line["role"] == "recipient"):
            break
    picture.truth = truth_of(scene, waybill, sheet, view, blur, difficulty)
    return picture


def letter(rng, which, places, difficulty, size) -> Picture:
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
    surround(scene, view, quad, keep)
    blur = min(_blur(scene), 1.6)
    picture = scene.develop(blur)
    picture.truth = truth_of(scene, None, sheet, view, blur, difficulty)
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


def printed(rng: random.Random, which: str, places: Places, foreign: bool = False) -> tuple[w_.Waybill, Sheet]:
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


def scene_of(rng, which, places, difficulty, size, foreign=False):
    """A parcel with one label: scene, waybill, sheet, view and the label's corners."""
    waybill, sheet = printed(rng, which, places, foreign)
    scene = Scene(rng, difficulty, size)
    smallest = min((line.em for line in sheet.lines if line.role == "recipient"), default=3)
    view = frame_label(rng, sheet, scene.c, scene.size, smallest, rng.random() < 0.12)
    half = np.array([sheet.width, sheet.height]) / 2
    scene.lay_parcel(np.array([-half, half]), view)
    if scene.soft and rng.random() < 0.7:
        view.bend_softly(np.random.default_rng(rng.getrandbits(32)), rng.uniform(0.3, 2.2), rng.uniform(120, 400))
    quad = scene.stick_label(sheet, view)
    return scene, waybill, sheet, view, quad


def surround(scene: Scene, view: View, quad: np.ndarray, keep: list[np.ndarray]) -> None:
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
        if not any(overlap(box, patch) > 0 for box in keep):
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


def kept(scene: Scene) -> list[np.ndarray]:
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


def truth_of(scene, waybill, sheet, view, blur, difficulty, case="") -> dict:
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
