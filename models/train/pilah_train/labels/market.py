"""Layouts of marketplaces: a market's name, a courier's name, the goods."""

from . import blocks as b
from .sheet import Sheet
from .words import Waybill


def market_tall(s: Sheet, w: Waybill) -> None:
    """Bars on top, sort code, recipient and sender in any order or side by side, goods and a QR code below."""
    rng, m = s.rng, s.rng.uniform(2, 4)
    wide = s.width - 2 * m
    y = b.header(s, m, m, wide, rng.uniform(9, 13), w)
    if rng.random() < 0.7:
        s.rule(m, y, m + wide, y)
    y = b.bars(s, m, y + 2, wide * rng.uniform(0.75, 0.95), rng.uniform(11, 16), w, rng.uniform(2.6, 3.6))
    if rng.random() < 0.7:
        y = b.sort_code(s, m, y + 1, wide, rng.uniform(9, 14), w, rng.random() < 0.6) + 1
    room = s.height - y - rng.uniform(26, 36)
    if rng.random() < 0.3:  # side by side
        y = _beside(s, w, m, y + 1, wide, room)
    else:
        first = rng.random() < 0.72
        parts = [
            (w.recipient, w.to, rng.uniform(3.4, 5), "recipient", 0.58),
            (w.sender, w.sent_by, rng.uniform(2.6, 3.8), "sender", 0.42),
        ]
        for who, key, em, role, share in parts if first else parts[::-1]:
            end = y + room * share
            s.rule(m, y, m + wide, y, 0.25, rng.random() < 0.4)
            b.party(s, m + 0.5, y + 1, wide - 1, room * share - 2, who, key, em, role)
            y = end
    s.rule(m, y, m + wide, y)
    side = min(rng.uniform(18, 26), s.height - y - m - 1)
    left = rng.random() < 0.3
    if rng.random() < 0.8:
        s.qr(m + 1 if left else m + wide - side, y + 1.5, side, w.qr)
    b.goods(s, m + (side + 3 if left else 0), y + 1.5, wide - side - 4, w, rng.uniform(2.1, 2.9), 7)


def _beside(s: Sheet, w: Waybill, m: float, y: float, wide: float, room: float) -> float:
    rng = s.rng
    cut = m + wide * rng.uniform(0.42, 0.58)
    pair = [(w.recipient, w.to, rng.uniform(3.2, 4.2), "recipient"), (w.sender, w.sent_by, rng.uniform(2.6, 3.4), "sender")]
    if rng.random() < 0.5:
        pair.reverse()
    for (who, key, em, role), (x0, x1) in zip(pair, ((m, cut), (cut, m + wide))):
        b.party(s, x0 + 0.8, y + 1, x1 - x0 - 2, room - 2, who, key, em, role)
    s.rule(m, y, m + wide, y)
    s.rule(cut, y, cut, y + room)
    return y + room


def market_short(s: Sheet, w: Waybill) -> None:
    """Name left and bars right, a sort code under a rule, recipient above sender, goods and QR code at the foot."""
    rng, m = s.rng, s.rng.uniform(2, 4.5)
    wide = s.width - 2 * m
    top = rng.uniform(15, 20)
    half = wide * rng.uniform(0.3, 0.42)
    right = rng.random() < 0.75
    x_bars, x_name = (m + half + 1, m) if right else (m, m + wide - half + 1)
    em = rng.uniform(3.8, 5.2)
    y = b.fitted(s, x_name, m, half - 2, w.market, em, bold=True)
    for part in s.wrap(f"via {w.courier} {w.service}", half - 2, em * 0.55)[:2]:
        y = s.text(x_name, y, part, em * 0.55)
    b.bars(s, x_bars, m, wide - half - 1, top - 6, w, rng.uniform(2.3, 2.9), "right" if right else "left")
    y = m + top
    s.rule(m, y, m + wide, y)
    if rng.random() < 0.8:
        y = b.sort_code(s, m, y + 0.8, wide, rng.uniform(8, 12), w, rng.random() < 0.3) + 0.8
        s.rule(m, y, m + wide, y)
    foot = rng.uniform(15, 22) if s.height < 115 else rng.uniform(22, 32)
    room = s.height - foot - y - m
    share = rng.uniform(0.52, 0.62)
    b.party(
        s,
        m,
        y + 1,
        wide,
        room * share - 2,
        w.recipient,
        w.to,
        rng.uniform(3.5, 4.9),
        "recipient",
        rng.choice(["inline", "", "above"]),
    )
    y += room * share
    s.rule(m, y, m + wide, y, 0.25, True)
    side = foot - 1
    narrow = wide - side - 3 if rng.random() < 0.5 else wide
    b.party(
        s,
        m,
        y + 1,
        narrow,
        room * (1 - share) - 1,
        w.sender,
        w.sent_by,
        rng.uniform(2.5, 3.4),
        "sender",
        rng.choice(["inline", ""]),
    )
    y = s.height - m - foot
    if rng.random() < 0.85:
        s.qr(m + wide - side, y + 0.5, side, w.qr)
    b.goods(s, m, y + 1, wide - side - 3, w, rng.uniform(2.1, 2.8), 6)


def goods_first(s: Sheet, w: Waybill) -> None:
    """A frame around all, COD and weight in boxes, sender over recipient or the other way, goods as a table at the foot."""
    rng, m = s.rng, s.rng.uniform(2, 3.5)
    wide = s.width - 2 * m
    s.box(m, m, m + wide, s.height - m, rng.uniform(0.25, 0.6), round_=rng.choice([0, 0, 2]))
    y = b.header(s, m + 1, m + 0.5, wide - 2, rng.uniform(9, 12), w, rng.random() < 0.7)
    s.rule(m, y, m + wide, y)
    x = m
    cells = [w.cod or "NON COD", w.weight, w.service, w.date][: rng.randrange(2, 5)]
    for text in cells:
        b.fitted(s, x + 1, y + 1, wide / len(cells) - 2, text, 3, bold=rng.random() < 0.5)
        x += wide / len(cells)
        s.rule(x, y, x, y + 5.5) if x < m + wide - 1 else None
    y += 5.5
    s.rule(m, y, m + wide, y)
    foot = s.height - m - rng.uniform(20, 30)
    code = rng.uniform(17, 22)
    low = rng.random() < 0.4
    if not low:
        b.bars(s, m + 3, y + 1.5, wide - 6, code - 7, w, rng.uniform(2.6, 3.4), number=rng.choice(["below", "below", "above"]))
        y += code
        s.rule(m, y, m + wide, y)
    room = foot - y - (code if low else 0)
    pair = [(w.recipient, w.to, rng.uniform(3.4, 4.6), "recipient"), (w.sender, w.sent_by, rng.uniform(2.8, 4), "sender")]
    shares = [0.56, 0.44]
    if rng.random() < 0.5:
        pair, shares = pair[::-1], shares[::-1]
    for (who, key, em, role), share in zip(pair, shares):
        b.party(s, m + 1.5, y + 1, wide - 3, room * share - 2, who, key, em, role)
        y += room * share
        s.rule(m, y, m + wide, y)
    if low:
        b.bars(s, m + 3, y + 1.5, wide - 6, code - 7, w, rng.uniform(2.6, 3.4))
        y += code
        s.rule(m, y, m + wide, y)
    b.goods(s, m + 1.5, y + 1, wide * 0.65, w, rng.uniform(2.1, 2.7), 6)
    if rng.random() < 0.4:
        size = min(s.height - m - y - 3, 20)
        s.qr(m + wide - size - 1.5, y + 1.5, size, w.qr)
    if rng.random() < 0.3:
        b.icons(s, m + wide * 0.66, y + 2, 5)


def tables(s: Sheet, w: Waybill) -> None:
    """Both parties as forms: a row for each part of the address."""
    rng, m = s.rng, s.rng.uniform(2, 4)
    wide = s.width - 2 * m
    y = b.header(s, m, m, wide, rng.uniform(8, 11), w, rng.random() < 0.5)
    y = b.bars(s, m, y + 1, wide, rng.uniform(9, 13), w, rng.uniform(2.6, 3.2))
    if rng.random() < 0.4:
        y = b.sort_code(s, m, y + 0.5, wide, rng.uniform(8, 11), w)
    ruled, black = rng.random() < 0.5, rng.random() < 0.35
    room = s.height - y - m - (10 if s.height < 115 else 18)
    pair = [(w.recipient, w.to, rng.uniform(2.9, 3.9), "recipient"), (w.sender, w.sent_by, rng.uniform(2.5, 3.2), "sender")]
    if rng.random() < 0.4:
        pair.reverse()
    for who, key, em, role in pair:
        share = 0.54 if role == "recipient" else 0.46
        if black:
            s.box(m, y, m + wide, y + em * 1.3, 0, fill=0)
            s.text(m + 1, y + 0.1, key, em, bold=True, role=role, ink=255)
            b.table(s, m + 1, y + em * 1.5, wide - 2, room * share - em * 2, who, "", em, role, ruled)
        else:
            b.table(s, m + 1, y + 0.8, wide - 2, room * share - 2, who, key, em, role, ruled)
        s.box(m, y, m + wide, y + room * share, 0.25)
        y += room * share + 0.5
    b.goods(s, m + 1, y + 0.5, wide - 2, w, rng.uniform(2.1, 2.6), 5)
