"""Layouts in cells: everything in its own box, the boxes in any order."""

from . import blocks as b
from .sheet import Sheet
from .words import Waybill


def quarters(s: Sheet, w: Waybill) -> None:
    """Two columns of two or three cells each, split anywhere: the parties, bars, sort code, goods."""
    rng, m = s.rng, s.rng.uniform(2, 4)
    x1, y1 = s.width - m, s.height - m
    cut_x = m + (x1 - m) * rng.uniform(0.42, 0.58)
    columns = [["recipient", "bars"], ["sender", rng.choice(["sort", "goods", "qr"])]]
    if rng.random() < 0.5:
        columns[0].append(rng.choice(["header", "goods", "sort"]))
        columns[1].append(rng.choice(["header", "qr", "goods"]))
    for column in columns:
        rng.shuffle(column)
    rng.shuffle(columns)
    share = {"recipient": 4.5, "sender": 4, "bars": 2.2, "sort": 1.6, "goods": 2, "qr": 2.6, "header": 1.3}
    frames = rng.random() < 0.8
    for column, (left, right) in zip(columns, ((m, cut_x), (cut_x, x1))):
        y, unit = m, (y1 - m) / sum(share[name] for name in column)
        for name in column:
            below = y + share[name] * unit
            if frames:
                s.box(left, y, right, below, 0.3)
            _cell(s, w, name, left + 1.2, y + 1, right - left - 2.4, below - y - 2)
            y = below


def _cell(s: Sheet, w: Waybill, name: str, x: float, y: float, width: float, height: float) -> None:
    rng = s.rng
    if name == "recipient":
        b.party(s, x, y, width, height, w.recipient, w.to, rng.uniform(3.3, 4.6), "recipient")
    elif name == "sender":
        b.party(s, x, y, width, height, w.sender, w.sent_by, rng.uniform(2.6, 3.6), "sender")
    elif name == "bars":
        b.bars(s, x, y, width, max(height - 6, 6), w, 2.6)
    elif name == "sort":
        b.sort_code(s, x, y, width, min(height, 14), w, False)
    elif name == "goods":
        b.goods(s, x, y, width, w, 2.3, int(height / 3))
    elif name == "qr":
        s.qr(x, y, min(width, height, 28), w.qr)
    else:
        b.header(s, x, y, width, height, w, rng.random() < 0.4)


def ribbon(s: Sheet, w: Waybill) -> None:
    """A ribbon with turned text along one side, recipient and sender beside it, bars at the foot."""
    rng, m = s.rng, s.rng.uniform(2, 3.5)
    left, ribbon_wide = rng.random() < 0.6, rng.uniform(7, 10)
    x = m if left else s.width - m - ribbon_wide
    s.box(x, m, x + ribbon_wide, s.height - m, 0.4)
    em = ribbon_wide * 0.55
    text = f"{w.service} {w.sort_code}" if rng.random() < 0.5 else w.courier
    role = "sortcode" if w.sort_code in text else "other"
    while s.measure(text, em, True) > s.height - 2 * m - 6 and em > 2:
        em *= 0.9
    s.text(x + ribbon_wide * 0.2, m + 3, text, em, bold=True, role=role, turn=rng.choice([90, 270]))
    x0 = m + ribbon_wide + 2 if left else m
    wide = s.width - 2 * m - ribbon_wide - 2
    foot = s.height - m - rng.uniform(20, 26)
    y = m
    if rng.random() < 0.6:
        y = b.header(s, x0, y, wide, 9, w, rng.random() < 0.4)
        s.rule(x0, y, x0 + wide, y)
    pair = [
        (w.recipient, w.to, rng.uniform(3.4, 4.8), "recipient", 0.58),
        (w.sender, w.sent_by, rng.uniform(2.6, 3.5), "sender", 0.42),
    ]
    if rng.random() < 0.5:
        pair.reverse()
    room = foot - y
    for who, key, em, role, part in pair:
        b.party(s, x0, y + 1, wide, room * part - 2, who, key, em, role)
        y += room * part
        s.rule(x0, y, x0 + wide, y, 0.3, rng.random() < 0.3)
    b.bars(s, x0, foot + 1.5, wide, 11, w, 2.8, rng.choice(["left", "middle"]))
    s.text(x0, s.height - m - 2.6, f"{w.weight}  {w.date}", 2.3)
