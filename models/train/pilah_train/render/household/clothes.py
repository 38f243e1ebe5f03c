"""Clothes: shirts, trousers, dresses, underwear, socks, hats and gloves."""

import numpy as np
from mathutils import Matrix
from PIL import Image, ImageDraw

from ..soft import as_built, mirrored
from ..solid import Solid, Thing, curve
from ..surface import picture
from .cloth import denim, dye, lie, pen, shade, spread, textile
from .vary import artwork, byte, often, pick


def shirt(rng: np.random.Generator) -> Thing:
    """A T-shirt, a shirt with buttons or a pullover, spread out."""
    wide, tall, neck, long = rng.uniform(17, 27), rng.uniform(48, 72), rng.uniform(6, 9), often(rng, 0.4)
    colour, drop = dye(rng), rng.uniform(0.35, 0.85) + 0.2 * long
    image = textile(rng, colour, pick(rng, 0, 0, None, None))
    way, cuff = np.array([np.cos(drop), -np.sin(drop)]), rng.uniform(8, 11) if long else rng.uniform(13, 17)
    shoulder, pit = np.array([0.92 * wide, -4.0]), np.array([0.95 * wide, -rng.uniform(19, 23)])
    tip = shoulder + way * (rng.uniform(42, 54) if long else rng.uniform(9, 17))
    under = tip + cuff * np.array([-np.sin(drop), -np.cos(drop)])
    under[0] = max(under[0], pit[0] + 1.5)
    outline = mirrored(
        [
            (0, -1.5),
            (neck, 0),
            tuple(shoulder),
            tuple(tip),
            tuple(under),
            tuple(pit),
            (wide * rng.uniform(0.95, 1.1), -tall),
            (0, -tall - 0.8),
        ]
    )
    draw, at = pen(image, outline)
    dark, rim = shade(colour, 0.35), pick(rng, shade(colour, 0.7), shade(colour, 0.7), byte(dye(rng)))
    if often(rng, 0.2):
        sleeves = byte(dye(rng))
        for side in (-1, 1):
            draw.polygon(at(*[(side * x, y) for x, y in (shoulder, tip, under, pit)]), fill=sleeves)
    buttons = often(rng, 0.3)
    if buttons or often(rng, 0.2):
        draw.polygon(at((-neck, 0), (0, -1.5), (neck, 0), (0, -2.2 * neck)), fill=dark)
        draw.line(at((0, -8), (0, -tall)), fill=dark, width=2)
        draw.line(at((2.5, -8), (2.5, -tall)), fill=rim, width=2)
        for side in (-1, 1):
            draw.polygon(
                at((side * neck, 1), (side * 0.3, -2 * neck), (side * neck * 1.5, -1.6 * neck), (side * neck * 1.1, 0)),
                fill=rim,
                outline=dark,
            )
        for y in np.linspace(-18, -tall + 6, 6):
            (x, v), *_ = at((1.2, y))
            draw.ellipse([x - 4, v - 4, x + 4, v + 4], fill=pick(rng, (240, 240, 235), (30, 30, 30)))
    else:
        deep = neck * rng.uniform(0.9, 1.4)
        for grow, ink in ((1.3, rim), (1.0, dark)):
            draw.ellipse(at((-neck * grow, deep * grow))[0] + at((neck * grow, -deep * grow))[0], fill=ink)
        draw.rectangle(at((-neck, 2))[0] + at((neck, -1))[0], fill=shade(colour, 0.55))
        if often(rng, 0.65):
            w = rng.uniform(0.9, 1.5) * wide
            h = w * rng.uniform(0.5, 1.1)
            (l, t), (r, b) = at((-w / 2, -deep - 6), (w / 2, -deep - 6 - h))
            art = artwork(rng, (256, 192), pick(rng, colour, None), 1).resize((int(r - l), int(b - t)))
            shape = Image.new("L", art.size, 0)
            ImageDraw.Draw(shape).rounded_rectangle([0, 0, *art.size], pick(rng, 0, 15, 200), fill=255)
            image.paste(art, (int(l), int(t)), shape)
    for side in (-1, 1):
        draw.line(at(*[(side * x, y) for x, y in (shoulder, pit)]), fill=shade(colour, 0.6), width=2)
        inset = 1.5 if not long else 5
        draw.line(at(*[(side * x, y) for x, y in (tip - inset * way, under - inset * way)]), fill=rim, width=2)
    draw.line(at((-1.2 * wide, 2 - tall), (1.2 * wide, 2 - tall)), fill=shade(colour, 0.6), width=2)
    return as_built(lie(rng, spread(rng, outline, image), 0.3), 0.12)


def trousers(rng: np.random.Generator) -> Thing:
    """Jeans, trousers or shorts, spread out."""
    waist, rise, leg = (
        rng.uniform(15, 22),
        rng.uniform(20, 27),
        pick(rng, rng.uniform(8, 25), rng.uniform(55, 75), rng.uniform(60, 78)),
    )
    hip, hem, apart = waist * rng.uniform(1.1, 1.25), rng.uniform(8, 13) + (4 if leg < 30 else 0), rng.uniform(1, 5)
    colour, image = denim(rng) if often(rng, 0.55) else (lambda c: (c, textile(rng, c, pick(rng, 0, 0, 2, None))))(dye(rng))
    out = max(hip * rng.uniform(0.95, 1.1), apart + hem)
    outline = mirrored(
        [(0, -0.6), (waist, 0), (hip, -0.7 * rise), (out, -rise - leg), (out - hem * 1.1, -rise - leg - 0.5), (0.6, -rise)]
    )
    draw, at = pen(image, outline)
    thread = pick(rng, byte((0.5, 0.25, 0.05)), shade(colour, 0.5), shade(colour, 1.8))
    draw.polygon(at((-waist, 0), (waist, 0), (waist * 0.95, -1.8), (-waist * 0.95, -1.8)), fill=shade(colour, 0.4))
    draw.line(at((-hip, -4.3), (hip, -4.3)), fill=thread, width=3)
    draw.line(at((0, -1.5), (0, -rise)), fill=thread, width=2)
    draw.line(at(*curve([(3.2, -4), (3, -0.55 * rise), (0, -0.75 * rise)], 12)), fill=thread, width=2)
    for side in (-1, 1):
        draw.line(
            at(*curve([(side * waist * 0.55, -4.3), (side * waist * 0.62, -8.5), (side * hip, -11)], 12)), fill=thread, width=3
        )
        draw.line(at((side * (out - hem * 1.2), 2.5 - rise - leg), (side * out, 2.5 - rise - leg)), fill=thread, width=2)
        draw.line(
            at((side * (out - hem / 2), 2 - rise - leg), (side * 0.55 * waist, -rise)),
            fill=shade(colour, pick(rng, 0.7, 1.4)),
            width=2,
        )
        draw.rectangle(
            at((side * 0.5 * waist - 0.7, 0))[0] + at((side * 0.5 * waist + 0.7, -5.2))[0],
            fill=thread if often(rng, 0.3) else shade(colour, 0.8),
        )
    (x, y), *_ = at((0, -2.8))
    draw.ellipse([x - 5, y - 5, x + 5, y + 5], fill=(190, 160, 90))
    if often(rng, 0.2):
        stripe = byte(dye(rng))
        for side in (-1, 1):
            draw.line(
                at((side * 0.95 * waist, -3), (side * (hip - 1.5), -0.7 * rise), (side * (out - 1.5), -rise - leg)),
                fill=stripe,
                width=9,
            )
    return as_built(lie(rng, spread(rng, outline, image), 0.3), 0.12)


def underwear(rng: np.random.Generator) -> Thing:
    """Briefs."""
    w, h, colour = rng.uniform(13, 18), rng.uniform(16, 26), dye(rng)
    image, outline = (
        textile(rng, colour),
        mirrored([(0, 0), (w, 0.5), (w * 1.05, -rng.uniform(3, 0.4 * h)), (w * 0.55, -0.66 * h), (w * 0.28, -h), (0, -h - 0.3)]),
    )
    draw, at = pen(image, outline)
    draw.rectangle(
        at((-1.2 * w, 1))[0] + at((1.2 * w, -2.8))[0], fill=pick(rng, shade(colour, 0.6), byte(dye(rng)), shade(colour, 1.5))
    )
    for side in (-1, 1):
        draw.line(at(*[(side * x, y) for x, y in outline[2:5]]), fill=shade(colour, 0.6), width=12)
        draw.line(at((0, -3), (side * 0.15 * w, -h)), fill=shade(colour, 0.7), width=3)
    return as_built(lie(rng, spread(rng, outline, image, 0.6), 0.1), 0.12)


def sock(rng: np.random.Generator) -> Thing:
    """A sock or a pair, plain, striped or with heel and toe of another colour."""
    leg, foot, w, colour = rng.uniform(3, 28), rng.uniform(12, 19), rng.uniform(4, 5), dye(rng)
    outline = curve(
        [
            (-w, leg),
            (-w, 2),
            (-w - 0.8, -4),
            (-w + 1, -7.5),
            (1, -8.5),
            (foot - 3, -8.6),
            (foot, -6.5),
            (foot - 0.5, -2.5),
            (foot - 5, -0.8),
            (w + 0.5, 0.5),
            (w, 3),
            (w, leg),
        ],
        70,
    )
    image = textile(rng, colour, pick(rng, 0, 1, 2, 3, 4, 6, None))
    draw, at = pen(image, outline)
    ink = pick(rng, byte(dye(rng)), shade(colour, 0.5))
    if often(rng, 0.5):
        draw.ellipse(at((-w - 6, -1))[0] + at((-w + 4.5, -12))[0], fill=ink)
        draw.rectangle(at((foot - 4.5, 0))[0] + at((foot + 1, -12))[0], fill=ink)
    cuff = leg - rng.uniform(2, 4)
    draw.rectangle(at((-w - 2, leg + 1))[0] + at((w + 2, cuff))[0], fill=pick(rng, ink, shade(colour, 0.8)))
    for y in np.arange(cuff - 1, cuff - rng.uniform(0, 7), -1.6) if often(rng, 0.4) else ():
        draw.line(at((-w - 2, y), (w + 2, y)), fill=ink, width=7)
    for x in np.arange(-w, w, 0.7):
        draw.line(at((x, leg), (x, cuff)), fill=shade(colour, 0.5), width=1)
    one = lambda: lie(rng, spread(rng, outline, image, rng.uniform(0.8, 1.8), 0.7, 80), 0.25, 1.5)
    body = one()
    if often(rng, 0.45):
        body.add(
            one(),
            Matrix.Translation((rng.uniform(-3, 12), rng.uniform(-9, 9), rng.uniform(0.8, 1.6)))
            @ Matrix.Rotation(rng.normal(0, 0.7), 4, "Z"),
        )
    return as_built(body, 0.15)


def dress(rng: np.random.Generator) -> Thing:
    """A dress or a skirt, spread out."""
    waist, tall, hem, colour, skirt = rng.uniform(12, 17), rng.uniform(35, 75), rng.uniform(22, 42), dye(rng), often(rng, 0.4)
    image, up = textile(rng, colour), 0 if skirt else rng.uniform(32, 40)
    below = [(waist, 0), (waist * 1.15, -6), (hem, -tall), (0.5 * hem, -tall - 2), (0, -tall - 2.5)]
    bust, strap = waist * 1.2, rng.uniform(6, 9)
    above = [(0, up - 11), (strap - 2, up - 5), (strap, up), (strap + rng.uniform(2.5, 7), up - 1), (bust, up - 18)]
    outline = mirrored([(0, -0.5), *below] if skirt else [*above, *below])
    draw, at = pen(image, outline)
    for x in np.linspace(-0.9, 0.9, rng.integers(5, 16)):
        draw.line(at((x * waist, -3), (x * hem, -tall)), fill=shade(colour, 0.7), width=2)
    draw.rectangle(at((-2 * waist, 1.5))[0] + at((2 * waist, -2.5))[0], fill=pick(rng, shade(colour, 0.6), byte(dye(rng))))
    draw.line(at((-hem, 3 - tall), (hem, 3 - tall)), fill=pick(rng, shade(colour, 0.6), byte(dye(rng))), width=pick(rng, 2, 12))
    return as_built(lie(rng, spread(rng, outline, image, 0.9, 1.3), 0.25), 0.12)


def hat(rng: np.random.Generator) -> Thing:
    """A cap with a peak, or a knitted hat with a turned-up edge."""
    colour, r = dye(rng), rng.uniform(8, 9.5)
    t = np.linspace(0, np.pi / 2, 26)
    if often(rng, 0.5):
        image = textile(rng, colour, pick(rng, 0, 0, 0, 5, 8)).resize((768, 384))
        draw, panel = ImageDraw.Draw(image), byte(dye(rng))
        if often(rng, 0.4):
            draw.rectangle([512, 0, 768, 384], fill=panel)
        for x in np.linspace(0, 768, 7):
            draw.line([x, 0, x, 384], fill=shade(colour, 0.5), width=4)
        art = artwork(rng, (128, 96), pick(rng, colour, None), 1)
        image.paste(art, (576 - 64, 240))
        crown = np.stack([r * np.cos(t) ** 0.8, 11 * np.sin(t) ** 0.9], 1)
        body = Solid().lathe(crown, picture(image.transpose(Image.FLIP_LEFT_RIGHT), 0.9, bump=0.1), 60)
        body.bend(lambda p: p * (0.88, 1, 1))
        u, v = np.meshgrid(np.linspace(-1, 1, 40), np.linspace(0, 1, 14))
        a = u * 1.15 - np.pi / 2
        out = r + rng.uniform(6, 8) * v * np.cos(u * np.pi / 2) ** 0.6
        brim = np.stack([0.88 * out * np.cos(a), out * np.sin(a), 0.3 - rng.uniform(0.5, 2.5) * (u**2) * v - 0.8 * v**2], -1)
        peak = picture(textile(rng, pick(rng, colour, dye(rng)), 0), 0.9)
        body.grid(brim, peak).grid(brim - (0, 0, 0.3), peak).lathe([(0, 11.4), (0.8, 11.3), (0.9, 10.9)], peak, 16)
        return as_built(body, 0.55)
    tall, cuff = rng.uniform(16, 21), rng.uniform(4, 8)
    image = textile(rng, colour, pick(rng, 0, 1, 4, 7)).resize((768, 384))
    draw = ImageDraw.Draw(image)
    for x in np.linspace(0, 768, 60):
        draw.line([x, 0, x, 384], fill=shade(colour, 0.6), width=3)
    edge = Image.new("RGB", (768, 64), pick(rng, shade(colour, 0.8), byte(dye(rng))))
    for x in np.linspace(0, 768, 60):
        ImageDraw.Draw(edge).line([x, 0, x, 64], fill=(20, 20, 20), width=2)
    ribs = lambda rr, z, a: rr * (1 + 0.015 * np.cos(60 * a))
    profile = np.stack([r * np.cos(t) ** 0.55, tall * np.sin(t)], 1)
    body = Solid().lathe(profile, picture(image, 0.95, bump=0.3), 180, ribs)
    body.lathe(
        [(r - 0.5, 0), (r + 0.5, -0.2), (r + 0.9, 0.5), (r + 0.8, cuff - 0.5), (r + 0.3, cuff), (r - 0.6, cuff)],
        picture(edge, 0.95),
        180,
        ribs,
    )
    flat, lean = rng.uniform(0.35, 0.9), rng.normal(0, 0.2)
    body.bend(lambda p: np.stack([p[:, 0] + lean * p[:, 2], p[:, 1] * flat, p[:, 2]], 1))
    if often(rng, 0.4):
        wool = picture(textile(rng, dye(rng), 2), 0.95)
        ball = Solid().lathe(np.stack([3.2 * np.cos(2 * t - np.pi / 2), 3.2 * np.sin(2 * t - np.pi / 2)], 1), wool, 40)
        ball.bend(lambda p: p * (1 + rng.normal(0, 0.09, (len(p), 1))))
        body.add(ball, Matrix.Translation((lean * tall, 0, tall + 1.5)))
    return as_built(body, 0.25)


def glove(rng: np.random.Generator) -> Thing:
    """A glove of wool, cloth or rubber, or a pair."""
    colour, w, long = dye(rng), rng.uniform(4.2, 5), rng.uniform(6.5, 8.5)
    cuff, step = rng.uniform(4, 9), 2 * w / 4
    edge: list[tuple[float, float]] = [(-w * 0.85, -cuff - 4), (-w * 0.8, -4)]
    spread_out, tips = rng.uniform(0.03, 0.14), []
    thumb = [(-w, -2.5), (-w - 3, 1), (-w - 4.6, 4.5), (-w - 4.3, 5.8), (-w - 3.2, 5.9), (-w - 1.8, 4.2), (-w, 2.2)]
    edge += [tuple(p) for p in curve(thumb, 24)] + [(-w, 5)]
    for i, share in enumerate((0.88, 1.0, 0.93, 0.72)):
        x, lean = -w + (i + 0.5) * step, (i - 1.5) * spread_out
        half = 0.43 * step
        way, side = np.array([np.sin(lean), np.cos(lean)]), np.array([np.cos(lean), -np.sin(lean)])
        base, top = np.array([x, 6.0 - 0.25 * (i - 1.2) ** 2]), long * share - half
        arc = np.linspace(np.pi, 0, 9)
        edge += [
            tuple(base - half * side),
            *[tuple(base + top * way + half * (np.cos(a) * side + np.sin(a) * way)) for a in arc],
            tuple(base + half * side),
        ]
        tips.append(base + (top - 0.5) * way)
    edge += [(w, 4), (w * 0.95, -2), (w * 0.8, -4), (w * 0.85, -cuff - 4)]
    outline = np.array(edge)
    image = textile(rng, colour, pick(rng, 0, 0, 1, 2, 4, 7))
    draw, at = pen(image, outline)
    ink = pick(rng, byte(dye(rng)), shade(colour, 0.6))
    draw.rectangle(at((-w - 1, -4))[0] + at((w + 1, -cuff - 5))[0], fill=ink)
    for x in np.arange(-w, w, 0.6):
        draw.line(at((x, -4), (x, -cuff - 4)), fill=shade(colour, 0.4), width=2)
    if often(rng, 0.35):
        for tip in tips:
            (x, y), *_ = at(tip)
            draw.rectangle([x - 30, y - 40, x + 30, y + 20], fill=ink)
    one = lambda: lie(rng, spread(rng, outline, image, rng.uniform(0.7, 1.2), 0.5, 120), 0.0, 0.8)
    body = one()
    if often(rng, 0.4):
        body.add(
            one(),
            Matrix.Translation((rng.uniform(4, 10), rng.uniform(-5, 5), 0.9))
            @ Matrix.Rotation(rng.normal(0, 0.6), 4, "Z")
            @ Matrix.Scale(-1, 4, (1, 0, 0)),
        )
    return as_built(body, 0.15)


KINDS = {
    "shirt": shirt,
    "trousers": trousers,
    "underwear": underwear,
    "sock": sock,
    "dress": dress,
    "hat": hat,
    "glove": glove,
}
