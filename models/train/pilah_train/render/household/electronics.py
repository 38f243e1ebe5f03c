"""Electronics inside and around devices: boards, drives, memory, chargers, cords, routers."""

import numpy as np
from mathutils import Matrix

from ..soft import as_built
from ..solid import TAU, Solid, Thing, curve, rounded
from ..surface import picture, solid_colour, steel
from .casing import Panel, below, case, disc, end_of, fit, font, plate, underside, wander
from .vary import QUARTER, artwork, at, byte, grey, hue, often, paint, pick, text_lines, word


def circuit_board(rng: np.random.Generator) -> Thing:
    """A circuit board with traces, chips, capacitors and connectors; some lack a corner or are broken off."""
    w, h = rng.uniform(6, 22), rng.uniform(4, 14)
    mask = pick(rng, *[hue(rng, 0.36, 0.42, (0.7, 1), (0.2, 0.5))] * 4, hue(rng, 0.58, 0.66, (0.7, 1), (0.2, 0.6)),
                hue(rng, 0.08, 0.11, (0.5, 0.8), (0.4, 0.7)), grey(rng, 0.008, 0.03),
                hue(rng, 0.98, 1.01, (0.8, 1), (0.4, 0.6)))  # fmt: skip
    notch = rng.uniform(0.15, 0.5, 2) * (w, h) if often(rng, 0.4) else np.zeros(2)
    edge = [(-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, h / 2)]
    edge += [(-w / 2 + notch[0], h / 2), (-w / 2 + notch[0], h / 2 - notch[1]), (-w / 2, h / 2 - notch[1])]
    edge = edge if notch.any() else edge[:3] + [(-w / 2, h / 2)]
    if often(rng, 0.3):
        edge[1:3] = [(w / 2 + rng.uniform(-0.12, 0.0) * w, y) for y in np.linspace(-h / 2, h / 2, 9)]
    body = Solid().prism(np.array(edge), 0.16, solid_colour(mask, 0.4))
    for side in (0, 1):
        traces = Panel(w, h, mask)
        lines, gold = byte(tuple(c * 1.8 + 0.01 for c in mask)), pick(rng, (205, 180, 90), (190, 190, 195))
        size = traces.image.size
        for _ in range(int(rng.integers(40, 110))):
            x, y = rng.integers(0, 64, 2) * 10
            dx, dy, gap = (*rng.integers(-14, 14, 2) * 10, 6)
            for n in range(rng.integers(1, 5)):
                traces.draw.line(
                    [x, y + gap * n, x + dx, y + gap * n, x + dx + abs(dy) // 2, y + dy + gap * n], fill=lines, width=3
                )
            r = rng.uniform(2, 6)
            traces.draw.ellipse([x - r, y - r, x + r, y + r], fill=gold)
        for _ in range(8 + 90 * (1 - side)):
            x, y, count = *(rng.uniform(0, 1, 2) * size), rng.integers(2, 12)
            for n in range(count):
                traces.draw.ellipse([x + 9 * n - 3, y - 3, x + 9 * n + 3, y + 3], fill=gold)
        for _ in range(14 * side):
            traces.draw.text(
                tuple(rng.uniform(0, 0.95, 2) * size), pick(rng, "R", "C", "U", "J") + str(rng.integers(99)), "white", font(14)
            )
        skin = Solid().prism(np.array(edge), 0.01, picture(traces.image, 0.3))
        body.add(skin, at(0, 0, 0.16) if side else below())
    black, pins, taken = solid_colour((0.012, 0.012, 0.014), 0.4), steel(), []
    bodies = [hue(rng, value=(0.1, 0.7)), (0.02, 0.03, 0.15), (0.01, 0.01, 0.012)]
    sleeve, pale, brass = (
        solid_colour(pick(rng, *bodies), 0.3),
        solid_colour(pick(rng, (0.8, 0.8, 0.76), paint(rng)), 0.5),
        steel(0.4),
    )
    for kind in (
        "big",
        *rng.choice(["chip", "can", "plug", "port", "sink", "coil", "yellow", "small", "small"], rng.integers(14, 34)),
    ):
        a, b = {
            "big": rng.uniform(1.8, 4, 2), "chip": rng.uniform(0.8, 2.6, 2), "can": np.repeat(rng.uniform(0.6, 1.5), 2),
            "plug": (rng.uniform(1.5, 5), 0.9), "port": (1.6, 1.9), "sink": rng.uniform(1.5, 3.5, 2), "coil": (1.8, 1.8),
            "yellow": rng.uniform(1.2, 2.4, 2), "small": (0.5, 0.28),
        }[kind]  # fmt: skip
        for _ in range(30):
            x, y = rng.uniform(-0.43, 0.37) * w, rng.uniform(-0.45, 0.45) * h
            if kind == "port":
                y = pick(rng, -1, 1) * (h / 2 - 0.8)
            inside = abs(x) + a / 2 < w / 2 - 0.1 - 0.1 * w * (x > 0) and abs(y) + b / 2 < h / 2 + (
                0.4 if kind == "port" else -0.1
            )
            clear = x - a / 2 > -w / 2 + notch[0] or y + b / 2 < h / 2 - notch[1]
            if (
                inside
                and clear
                and all(abs(x - u) > (a + c) / 2 + 0.15 or abs(y - v) > (b + d) / 2 + 0.15 for u, v, c, d in taken)
            ):
                break
        else:
            continue
        taken.append((x, y, a, b))
        if kind in ("big", "chip"):
            body.box((a - 0.3, b - 0.3, 0.4), (x, y, 0.4), black, 0.05)
            for t in np.linspace(-0.4, 0.4, int(b * 4)):
                body.box((a, 0.1, 0.1), (x, y + t * b, 0.24), pins)
            for t in np.linspace(-0.4, 0.4, int(a * 4) * (kind == "big")):
                body.box((0.1, b, 0.1), (x + t * a, y, 0.24), pins)
        elif kind == "can":
            tall = rng.uniform(0.8, 2.6)
            body.add(Solid().lathe([(a / 2, 0), (a / 2, tall), (a / 2 - 0.06, tall + 0.06)], sleeve, 20), at(x, y, 0.16))
            body.add(disc(a / 2 - 0.05, tall + 0.04, brass, 20), at(x, y, 0.16))
        elif kind == "plug":
            body.box((a, b, 0.9), (x, y, 0.6), pale, 0.05).box((a - 0.3, 0.4, 0.05), (x, y, 1.05), black)
            for t in np.linspace(-0.42, 0.42, int(a * 3)):
                body.box((0.1, 0.1, 0.9), (x + t * (a - 0.3), y, 0.7), pins)
        elif kind == "port":
            body.box((a, b, 1.2), (x, y, 0.76), brass, 0.05).box((1.2, 0.05, 0.8), (x, y + np.sign(y) * 0.96, 0.76), black)
        elif kind == "sink":
            body.box((a, b, 0.3), (x, y, 0.35), brass)
            for t in np.linspace(-0.5, 0.5, 8):
                body.box((0.1, b, 1.2), (x + t * (a - 0.1), y, 0.9), brass)
        elif kind == "coil":
            ring = np.linspace(0, 7 * TAU, 160)
            wire = np.stack(
                [(0.6 + 0.26 * np.cos(ring * 3)) * np.cos(ring / 7), (0.6 + 0.26 * np.cos(ring * 3)) * np.sin(ring / 7)], 1
            )
            line = np.column_stack([wire, 0.45 + 0.26 * np.sin(ring * 3)])
            body.add(Solid().tube(line, 0.08, solid_colour((0.5, 0.16, 0.05), 0.3, 0.9), 6), at(x, y, 0))
        elif kind == "yellow":
            body.box((a, b, 1.2), (x, y, 0.76), black, 0.05).box(
                (0.7 * a, b + 0.1, 1.4), (x, y, 0.86), solid_colour((0.7, 0.5, 0.05)), 0.1
            )
        else:
            body.box((a, b, 0.25), (x, y, 0.3), pick(rng, black, pale, sleeve)).box((0.14, b, 0.27), (x - 0.2, y, 0.3), pins)
    return as_built(body, 0.25)


def charger(rng: np.random.Generator) -> Thing:
    """A charger: a plug-in block or a brick, with its cables."""
    colour = pick(rng, grey(rng, 0.01, 0.03), grey(rng, 0.01, 0.03), grey(rng, 0.65, 0.85))
    shell, body, thick = case(rng, colour), Solid(), rng.uniform(0.16, 0.3)
    if often(rng, 0.5):
        w, h, z = rng.uniform(2.8, 5), rng.uniform(4, 7.5), rng.uniform(2.4, 4)
        body.box((w, h, z), (0, 0, z / 2), shell, 0.15 * w)
        for x in (-0.95, 0.95):
            body.tube(np.array([(x, 0.45 * h, 0.55 * z), (x, h / 2 + 1.9, 0.55 * z)]), 0.22, steel())
        body.box((0.9 * min(w, 3), 0.4, 0.7 * z), (0, h / 2, z / 2), shell, 0.15)
    else:
        w, h, z = rng.uniform(4, 6), rng.uniform(8, 13), rng.uniform(2.2, 3.4)
        body.box((w, h, z), (0, 0, z / 2), shell, 0.1 * w)
        path = wander(rng, (0, h / 2 - 0.1, 0.5 * z), QUARTER, rng.uniform(7, 13), 1.4 * thick)
        body.tube(path, 1.4 * thick, shell, 8)
        fit(body, end_of(rng, "mains"), path)
    badge = Panel(0.7 * w, 0.6 * h, pick(rng, colour, (0.75, 0.75, 0.72)), 256)
    ink = (60, 60, 60) if sum(colour) > 1 else (170, 170, 170)
    badge.text(0, 0.2 * h, 0.16 * w, word(rng), ink)
    text_lines(rng, badge.draw, (20, 90, badge.image.width - 20, badge.image.height - 20), ink, 14)
    body.add(badge.solid(0.1), at(0, 0, z))
    path = wander(rng, (0, -h / 2 + 0.1, 0.5 * z), -QUARTER, rng.uniform(7, 16), thick)
    body.tube(path, thick, shell, 8).tube(path[:3], [0.5, 0.45, thick], shell, 10)
    fit(body, end_of(rng, pick(rng, "usb", "power")), path)
    return as_built(body, 0.4)


def cord(rng: np.random.Generator) -> Thing:
    """A cable, coiled or straying, with a plug at each end."""
    thick, body = rng.uniform(0.2, 0.45), Solid()
    cover = solid_colour(pick(rng, grey(rng, 0.01, 0.03), grey(rng, 0.01, 0.03), grey(rng, 0.6, 0.85), paint(rng)), 0.5)
    if often(rng, 0.8):
        turns, r = rng.uniform(2.6, 6.5), rng.uniform(4, 8)
        a = np.linspace(0, TAU * turns, int(44 * turns))
        drift = curve(rng.normal(0, 0.12, (9, 3)), len(a))
        ring = r * (1 + drift[:, 0])
        stretch = rng.uniform(0.6, 1)
        path = np.stack([ring * np.cos(a), stretch * ring * np.sin(a), thick * (1.2 + 2 * a / TAU * rng.uniform(0.3, 0.8))], 1)
        tail = wander(rng, path[-1], a[-1] + QUARTER + 0.3, rng.uniform(5, 12), thick)
        head = wander(rng, path[0], -QUARTER - 0.3, rng.uniform(5, 12), thick)
        path = np.vstack([head[:0:-1], path, tail[1:]])
        if often(rng, 0.5):
            t = np.linspace(0, TAU, 20)
            tie = np.stack([-0.98 * r + 1.3 * r * 0.2 * np.cos(t), 0 * t, 3 * thick + 4.2 * thick * np.sin(t)], 1)
            body.tube(tie, 0.25, solid_colour(paint(rng), 0.6), 8)
    else:
        path = wander(rng, (0, 0, thick), rng.uniform(0, TAU), rng.uniform(12, 28), thick)
    body.tube(path, thick, cover, 8)
    fit(body, end_of(rng), path)
    fit(body, end_of(rng, pick(rng, "usb", "jack", "power")), path[::-1])
    return as_built(body, 0.2)


def hard_disk(rng: np.random.Generator) -> Thing:
    """A hard disk: closed with a label, or open with its platter and arm."""
    w, h, z = pick(rng, (10.2, 14.7, 2.6), (7, 10, 0.95), (10.2, 14.7, 2.0))
    metal, dull, s = steel(rng.uniform(0.25, 0.5)), solid_colour(grey(rng, 0.02, 0.5), 0.45, 0.8), w / 10.2
    body = Solid().box((w, h, 0.8 * z), (0, 0, 0.4 * z), dull, 0.1 * s)
    if often(rng, 0.45):
        for x, y, u, v in ((-0.48, 0, 0.04, 1), (0.48, 0, 0.04, 1), (0, 0.48, 1, 0.04), (0, -0.48, 1, 0.04)):
            body.box((u * w, v * h, 0.2 * z), (x * w, y * h, 0.9 * z), dull, 0.05)
        body.add(disc(0.45 * w, 0.1, steel(0.15), 64), at(0, 0.13 * h, 0.85 * z)).add(
            disc(0.13 * w, 0.16 * z, metal), at(0, 0.13 * h, 0.85 * z)
        )
        body.add(disc(0.08 * w, 0.2 * z, metal), at(0.3 * w, -0.28 * h, 0.8 * z))
        body.tube(
            np.array([(0.3 * w, -0.28 * h, 0.97 * z), (rng.uniform(-0.05, 0.2) * w, 0.15 * h, 0.97 * z)]),
            [0.5 * s, 0.15 * s],
            metal,
        )
        body.box((0.35 * w, 0.2 * h, 0.15 * z), (0.25 * w, -0.37 * h, 0.87 * z), metal, 0.1)
    else:
        body.prism(rounded(w - 0.4 * s, h - 0.4 * s, 0.8 * s), z, metal, 0.1 * s)
        label = artwork(rng, (400, 360), pick(rng, (0.85, 0.85, 0.83), (0.85, 0.85, 0.83), paint(rng)), 1)
        body.add(plate(label, 0.72 * w, 0.45 * h), at(0, 0.1 * h, z))
        body.add(disc(0.12 * w, 0.06, dull), at(0, -0.27 * h, z))
        for x, y in [(x, y) for x in (-0.42, 0.42) for y in (-0.44, 0, 0.44)]:
            body.add(disc(0.3 * s, 0.05, solid_colour((0.1, 0.1, 0.1), 0.3, 1)), at(x * w, y * h, z))
    board = Panel(0.9 * w, 0.55 * h, hue(rng, 0.36, 0.64, (0.8, 1), (0.15, 0.4)), 400)
    for _ in range(60):
        x, y = rng.uniform(-0.45, 0.45, 2) * (w, h)
        board.fill(x, y * 0.6, *rng.uniform(0.1, 0.9, 2), pick(rng, (150, 150, 150), (40, 130, 70), (200, 170, 80)))
    for _ in range(6):
        board.key(*(rng.uniform(-0.35, 0.35, 2) * (w, 0.55 * h)), *rng.uniform(0.08, 0.25, 2) * w, 0.15, (15, 15, 17))
    body.add(board.solid(), below(0, -0.2 * h, 0.0)).add(disc(0.2 * w, 0.08, metal), below(0, 0.25 * h, 0.03))
    body.box((0.5 * w, 0.3, 0.4 * z), (0.1 * w, -h / 2, 0.3 * z), solid_colour((0.01, 0.01, 0.01)))
    return as_built(body, 0.25)


def router(rng: np.random.Generator) -> Thing:
    """A router or a modem: antennas, lights, ports and slots for air."""
    w, h, z, colour = (
        rng.uniform(11, 24),
        rng.uniform(9, 15),
        rng.uniform(2.2, 4),
        pick(rng, grey(rng, 0.01, 0.03), grey(rng, 0.7, 0.88)),
    )
    shell, black = case(rng, colour), solid_colour((0.006, 0.006, 0.007), 0.5)
    body = Solid().prism(rounded(w, h, rng.uniform(0.5, 2.5)), z, shell, 0.2 * z)
    top = Panel(0.85 * w, 0.8 * h, colour, 512)
    ink, dark = byte(grey(rng, 0.3, 0.6)), byte(tuple(0.3 * c for c in colour))
    for x in np.linspace(-0.38, 0.38, int(rng.integers(12, 30))):
        top.fill(x * w, 0.2 * h, 0.12, 0.25 * h, dark, 0.05)
    top.text(0, -0.1 * h, 0.09 * w, word(rng), ink)
    for i in range(rng.integers(4, 9)):
        top.fill(
            -0.3 * w + 0.07 * w * i,
            -0.32 * h,
            0.35,
            0.35,
            pick(rng, (60, 220, 90), (70, 220, 90), (230, 150, 30), (40, 60, 50)),
            0.15,
        )
    body.add(top.solid(0.5), at(0, 0, z - 0.01))
    for x in np.linspace(-0.32, 0.32, int(rng.integers(4, 7))):
        port = pick(rng, (0.75, 0.55, 0.03), (0.02, 0.1, 0.4), (0.5, 0.5, 0.5))
        body.box((1.5, 0.1, 1.3), (x * w, h / 2, 0.45 * z), solid_colour(port, 0.4)).box(
            (1.15, 0.14, 0.85), (x * w, h / 2, 0.45 * z), black
        )
    for x in np.linspace(-0.44, 0.44, int(rng.integers(1, 5))) if often(rng, 0.8) else ():
        lean, long, mast = rng.normal(0, 0.25), rng.uniform(10, 17), case(rng, colour)
        foot = np.array((x * w, h / 2 + 0.5, 0.55 * z))
        body.tube(np.array([foot - (0, 0.8, 0), foot]), 0.5, mast)
        body.tube(
            foot + long * np.outer([-0.03, 0.1, 0.98, 1], (np.sin(lean), 0.1, np.cos(lean))), [0.65, 0.6, 0.42, 0.2], mast, 14
        )
    underside(rng, body, 0.94 * w, 0.94 * h, colour)
    return as_built(body, 0.6)


def memory(rng: np.random.Generator) -> Thing:
    """A USB stick with its cap off, or a memory module with gold contacts."""
    if often(rng, 0.5):
        w, h, z = rng.uniform(1.6, 2.2), rng.uniform(3.4, 5.5), rng.uniform(0.7, 1.0)
        body = Solid().box((w, h, z), (0, 0, z / 2), case(rng, paint(rng)), pick(rng, 0.1, 0.28))
        body.box((1.2, 1.4, 0.45), (0, h / 2 + 0.6, z / 2), steel(), 0.04)
        body.box((0.98, 0.02, 0.22), (0, h / 2 + 1.3, z / 2 - 0.08), solid_colour((0.01, 0.01, 0.01)))
        for x in (-0.25, 0.25):
            body.box((0.24, 0.28, 0.02), (x, h / 2 + 0.75, z / 2 + 0.23), solid_colour((0.01, 0.01, 0.01)))
        body.add(plate(artwork(rng, (120, 240), copies=1), 0.75 * w, 0.6 * h), at(0, 0, z))
        body.add(
            Solid().lathe([(0.25, -0.1), (0.45, -0.1), (0.45, 0.1), (0.25, 0.1), (0.25, -0.1)], steel()),
            at(0, -h / 2 - 0.2, z / 2),
        )
        return as_built(body, 0.2)
    w, mask = pick(rng, 13.3, 6.8), pick(rng, (0.01, 0.12, 0.04), (0.01, 0.12, 0.04), (0.01, 0.01, 0.012), (0.01, 0.05, 0.2))
    body, count = Solid().box((w, 3.1, 0.14), (0, 0, 0), solid_colour(mask, 0.4)), int(w / rng.uniform(1.35, 1.7))
    for side in (at(0, 0, 0.07), below(0, 0, -0.07) @ Matrix.Rotation(np.pi, 4, "Z")):
        face = Panel(w, 3.1, mask, 700)
        for x in np.arange(-w / 2 + 0.3, w / 2 - 0.2, 0.13):
            if abs(x - 0.1 * w) > 0.2:
                face.fill(x, -1.35, 0.08, 0.35, (225, 185, 80))
        for _ in range(50):
            face.fill(
                *(rng.uniform(-0.48, 0.48, 2) * (w, 2.0)), *rng.uniform(0.08, 0.3, 2), pick(rng, (170, 170, 170), (150, 110, 60))
            )
        for x in np.linspace(-0.43, 0.43, count) * w:
            face.key(x, 0.35, 0.75 * w / count, 1.3, 0.12, (18, 18, 20), word(rng)[:3], (110, 110, 110))
        if often(rng, 0.3):
            face.fill(0.2 * w, 0.4, 0.4 * w, 1.4, (230, 230, 225))
        body.add(face.solid(0.02), side)
    return as_built(body, 0.2)


KINDS = {
    "charger": charger,
    "circuit-board": circuit_board,
    "cord": cord,
    "hard-disk": hard_disk,
    "memory": memory,
    "router": router,
}
