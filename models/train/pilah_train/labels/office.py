"""Layouts from a word processor: half sheets of paper that sellers print and stick on with tape."""

from . import blocks as b
from .sheet import Sheet
from .words import Waybill


def office_sheet(s: Sheet, w: Waybill) -> None:
    """The sender in a line or two, the recipient large, bars somewhere below."""
    rng, m = s.rng, s.rng.uniform(4, 8)
    wide = s.width - 2 * m
    first = rng.random() < 0.7
    small = rng.uniform(2.8, 4.2)
    code = rng.uniform(16, 24) if rng.random() < 0.9 else 2
    y = m
    if rng.random() < 0.25:
        y = s.text(m, y, w.courier, rng.uniform(4, 6), bold=True) + 1
    room = s.height - y - m - code
    if first:
        end = (
            b.party(s, m, y, wide, room * 0.32, w.sender, w.sent_by, small, "sender", rng.choice(["run", "run", "inline"])) + 1.5
        )
        if rng.random() < 0.6:
            s.rule(m, end, m + wide, end, 0.2, rng.random() < 0.5)
        y, room = end + 1.5, room - (end + 1.5 - y)
    indent = rng.choice([0, 0, rng.uniform(4, 30)])
    if rng.random() < 0.25:
        s.box(m, y - 0.5, m + wide, y + room * (0.9 if first else 0.6), 0.3)
        indent = max(indent, 2)
    keep = room if first else room * 0.62
    b.party(
        s,
        m + indent,
        y + 0.5,
        wide - indent - 1,
        keep - 2,
        w.recipient,
        w.to,
        rng.uniform(4.2, 6.4),
        "recipient",
        rng.choice(["letter", "above", "", ""]),
    )
    y += keep
    if not first:
        b.party(s, m, y, wide, room * 0.36 - 1, w.sender, w.sent_by, small, "sender", rng.choice(["run", "inline", ""]))
        y += room * 0.38
    if code > 5:
        align = rng.choice(["left", "middle", "right"])
        b.bars(s, m, s.height - m - code + 1, min(wide, 75), code - 7, w, rng.uniform(2.6, 3.4), align if wide < 76 else "left")
    if rng.random() < 0.4:
        s.text(
            s.width - m,
            s.height - m - 4,
            rng.choice(["FRAGILE", "JANGAN DIBANTING", w.weight, "TERIMA KASIH"]),
            3.6,
            align="right",
            bold=True,
        )


def two_fields(s: Sheet, w: Waybill) -> None:
    """Two framed fields, one over or beside the other, forms or running text."""
    rng, m = s.rng, s.rng.uniform(4, 7)
    wide, high = s.width - 2 * m, s.height - 2 * m
    code = rng.uniform(15, 20)
    top = rng.random() < 0.5
    y0 = m + (code if top else 0)
    room = high - code
    b.bars(s, m, m if top else m + room + 2, min(wide, 90), code - 8, w, rng.uniform(2.6, 3.3), "left")
    pair = [(w.recipient, w.to, rng.uniform(3.6, 5.2), "recipient"), (w.sender, w.sent_by, rng.uniform(3, 4.4), "sender")]
    if rng.random() < 0.5:
        pair.reverse()
    beside = rng.random() < 0.45
    form = rng.random() < 0.35
    place = 0.0
    for who, key, em, role in pair:
        share = 0.57 if role == "recipient" else 0.43
        x, y, w_, h_ = (
            (m + wide * place, y0, wide * share - 1, room) if beside else (m, y0 + room * place, wide, room * share - 1)
        )
        s.box(x, y, x + w_, y + h_, 0.3)
        if form:
            b.table(s, x + 1.5, y + 1.2, w_ - 3, h_ - 2, who, key, em * 0.85, role, False)
        else:
            b.party(s, x + 1.5, y + 1.2, w_ - 3, h_ - 2, who, key, em, role)
        place += share


def letterhead(s: Sheet, w: Waybill) -> None:
    """The sender as a letterhead, the recipient as in a letter, the waybill small in a corner."""
    rng, m = s.rng, s.rng.uniform(5, 8)
    wide = s.width - 2 * m
    centred = rng.random() < 0.6
    x, align = (s.width / 2, "middle") if centred else (m, "left")
    y = s.text(x, m, w.sender.name, rng.uniform(4.5, 6), bold=True, role="sender", align=align)
    em = rng.uniform(2.6, 3.3)
    for row in s.wrap(w.sender.address().replace("\n", ", "), wide, em)[:3]:
        y = s.text(x, y, row, em, role="sender", align=align)
    y = s.text(x, y, f"{rng.choice(['Telp', 'HP', 'WA', 'Tel.'])} {w.sender.phone}", em, role="sender", align=align) + 1
    s.rule(m, y, m + wide, y, 0.5)
    s.rule(m, y + 0.8, m + wide, y + 0.8, 0.2)
    y += 4
    indent = wide * rng.choice([0, 0.2, 0.35, 0.45])
    room = s.height - m - y - 16
    b.party(
        s,
        m + indent,
        y,
        wide - indent,
        room,
        w.recipient,
        w.to,
        rng.uniform(4, 5.5),
        "recipient",
        rng.choice(["letter", "above"]),
    )
    y = s.height - m - 14
    b.bars(s, m, y, min(wide * 0.6, 70), 9, w, 2.7, "left")
    s.text(s.width - m, y + 6, w.date, 2.8, align="right")
