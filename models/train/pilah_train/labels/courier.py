"""Layouts of couriers' own counters and thermal printers."""

from . import blocks as b
from .sheet import Sheet
from .words import Waybill


def _pair(s: Sheet, w: Waybill, recipient_em, sender_em, swap=0.5):
    """Both parties in random order: who, keyword, size of letters, role."""
    rng = s.rng
    pair = [
        (w.recipient, w.to, rng.uniform(*recipient_em), "recipient"),
        (w.sender, w.sent_by, rng.uniform(*sender_em), "sender"),
    ]
    return pair[::-1] if rng.random() < swap else pair


def two_columns(s: Sheet, w: Waybill) -> None:
    """Courier and service on top, the parties side by side, a postal code in a box, bars and icons below."""
    rng, m = s.rng, s.rng.uniform(2, 4)
    wide = s.width - 2 * m
    y = b.header(s, m, m, wide, rng.uniform(7, 10), w, rng.random() < 0.15)
    code = rng.uniform(17, 24)
    on_top = rng.random() < 0.25
    if on_top:
        y = b.bars(s, m, y + 1, wide, code - 8, w, rng.uniform(2.5, 3.2)) + 0.5
    s.rule(m, y, m + wide, y)
    foot = s.height - m - (6 if on_top else code)
    cut = m + wide * rng.uniform(0.36, 0.5)
    pair = _pair(s, w, (3.2, 4.6), (2.4, 3.4), 0.7)
    if pair[0][3] == "recipient":
        cut = 2 * m + wide - cut
    for (who, key, em, role), (x0, x1) in zip(pair, ((m, cut), (cut, m + wide))):
        height = foot - y - 2
        boxed = role == "recipient" and rng.random() < 0.5 and who.says("postal")
        if boxed:
            height -= 9
        below = b.party(s, x0 + 0.8, y + 1, x1 - x0 - 2, height, who, key, em, role, rng.choice(["above", "above", "letter", ""]))
        if boxed and below < foot - 8:
            size = rng.uniform(4.5, 6.5)
            width = s.measure(who.place.postal_code, size, True)
            s.box(x1 - width - 5, foot - size - 3, x1 - 1, foot - 1.2, 0.3)
            s.text(x1 - width - 3, foot - size - 2, who.place.postal_code, size, bold=True, role=role)
    s.rule(cut, y, cut, foot)
    s.rule(m, foot, m + wide, foot)
    y = foot
    if not on_top:
        b.bars(
            s, m + wide * 0.1, y + 1.5, wide * 0.8, code - 9, w, rng.uniform(2.5, 3.4), rng.choice(["middle", "left", "right"])
        )
    s.text(m + 1, s.height - m - 3.4, f"{w.weight} - {w.goods[0]}", rng.uniform(2, 2.6))
    if rng.random() < 0.6:
        b.icons(s, m + wide - 18, s.height - m - 5.5, 5)


def stacked(s: Sheet, w: Waybill) -> None:
    """All in one column, blocks in any order: the most varied layout."""
    rng, m = s.rng, s.rng.uniform(2, 5)
    wide = s.width - 2 * m
    names = ["recipient", "sender", "bars"] + (["sort"] if rng.random() < 0.5 else []) + (["goods"] if rng.random() < 0.6 else [])
    rng.shuffle(names)
    if rng.random() < 0.85:
        names.insert(0, "header")
    share = {"recipient": 36, "sender": rng.uniform(20, 34), "bars": 20, "sort": 12, "goods": 14, "header": 10}
    scale = (s.height - 2 * m) / sum(share[name] for name in names)
    rules, align = rng.random() < 0.6, rng.choice(["middle", "left"])
    y = m
    for name in names:
        room = share[name] * scale
        if name == "header":
            b.header(s, m, y, wide, min(room, 11), w, rng.random() < 0.4)
        elif name == "bars":
            b.bars(s, m, y + 1, wide, min(room - 7, 18), w, rng.uniform(2.6, 3.6), align, rng.choice(["below", "below", "above"]))
        elif name == "sort":
            b.sort_code(s, m, y + 0.8, wide, min(room - 1.6, 14), w, rng.random() < 0.5)
        elif name == "goods":
            b.goods(s, m, y + 0.8, wide, w, rng.uniform(2.1, 2.8), int(room / 3.6))
        else:
            who, key, em = (
                (w.recipient, w.to, rng.uniform(3.4, 5)) if name == "recipient" else (w.sender, w.sent_by, rng.uniform(2.7, 4.2))
            )
            b.party(s, m, y + 0.8, wide, room - 1.5, who, key, em, name)
        y += room
        if rules:
            s.rule(m, y - 0.3, m + wide, y - 0.3, 0.25, rng.random() < 0.3)


def sideways(s: Sheet, w: Waybill) -> None:
    """Bars up one side, the parties beside them."""
    rng, m = s.rng, s.rng.uniform(2.5, 4)
    column = rng.uniform(20, 26)
    left, turn = rng.random() < 0.5, rng.choice([90, 270])
    x = m if left else s.width - m - column
    s.bars(x + (0 if left else 6), m + 2, s.height - 2 * m - 6, column - 7, w.awb, turn=turn)
    em = rng.uniform(2.6, 3.2)
    number = w.awb_printed if s.measure(w.awb_printed, em) < s.height - 2 * m else w.awb
    s.text(x + (column - 6 if left else 1), m + 4, number, em, role="awb", turn=turn)
    x0, x1 = (m + column, s.width - m) if left else (m, s.width - m - column)
    s.rule(x0 if left else x1, m, x0 if left else x1, s.height - m)
    y = b.header(s, x0 + 1, m, x1 - x0 - 2, rng.uniform(8, 11), w, rng.random() < 0.3)
    if rng.random() < 0.5:
        y = b.sort_code(s, x0 + 2, y, x1 - x0 - 4, rng.uniform(9, 12), w) + 1
    room = s.height - m - 6 - y
    for who, key, em, role in _pair(s, w, (3.6, 5.2), (2.8, 3.8), 0.4):
        share = 0.58 if role == "recipient" else 0.42
        b.party(s, x0 + 2, y + 1, x1 - x0 - 4, room * share - 2, who, key, em, role)
        y += room * share
        s.rule(x0, y, x1, y, 0.25)
    s.text(x0 + 2, y + 1, f"{w.date}  {w.weight}  {w.service}", 2.4)


def tiny(s: Sheet, w: Waybill) -> None:
    """A small thermal label with little but the address."""
    rng, m = s.rng, s.rng.uniform(1.5, 3)
    wide = s.width - 2 * m
    y = b.header(s, m, m, wide, 8, w, False)
    bars_last = rng.random() < 0.5
    if not bars_last:
        y = b.bars(s, m, y, wide, rng.uniform(9, 13), w, 2.7)
        s.rule(m, y, m + wide, y)
    room = s.height - y - m - (18 if bars_last else 4)
    pair = _pair(s, w, (3.1, 4), (2.4, 3.2), 0.35)
    for who, key, em, role in pair:
        share = 0.6 if role == "recipient" else 0.4
        b.party(s, m, y + 0.8, wide, room * share - 1.4, who, key, em, role)
        y += room * share
        s.rule(m, y, m + wide, y, 0.2, rng.random() < 0.5)
    if bars_last:
        b.bars(s, m, y + 1, wide, rng.uniform(9, 12), w, 2.7)
    else:
        s.text(m, y + 0.6, f"{w.weight} {w.service} {w.date}", 2.2)


def postcode_boxes(s: Sheet, w: Waybill) -> None:
    """The recipient's postal code once more, large or in five boxes; the sender small at the foot."""
    rng, m = s.rng, s.rng.uniform(2.5, 4)
    wide = s.width - 2 * m
    y = b.header(s, m, m, wide, 9, w, rng.random() < 0.4)
    y = b.bars(s, m, y + 1, wide * 0.9, rng.uniform(10, 14), w, 3, "left", rng.choice(["below", "above"])) + 1
    s.rule(m, y, m + wide, y, 0.4)
    foot = rng.uniform(20, 26)
    room = s.height - m - foot - y
    code = w.recipient.place.postal_code if w.recipient.says("postal") else ""
    b.party(s, m, y + 1, wide, room - (12 if code else 2), w.recipient, w.to, rng.uniform(3.6, 4.8), "recipient")
    y += room
    if code and rng.random() < 0.5:
        for k, digit in enumerate(code):
            x = m + wide - (5 - k) * 8
            s.box(x, y - 9.5, x + 7, y - 1.5, 0.3)
            s.text(x + 3.5, y - 8.7, digit, 6, bold=True, role="recipient", align="middle")
    elif code:
        s.text(m + wide, y - 9, code, 7, bold=True, role="recipient", align="right")
    s.rule(m, y, m + wide, y, 0.4)
    b.party(s, m, y + 1, wide, foot - 6, w.sender, w.sent_by, rng.uniform(2.5, 3.3), "sender")
    s.text(m, s.height - m - 2.6, f"{w.weight}   {w.date}   {w.order}", 2.2)


def cargo(s: Sheet, w: Waybill) -> None:
    """Freight: the destination's city large, pieces and weight in cells, both parties in columns or rows."""
    rng, m = s.rng, s.rng.uniform(2.5, 4)
    wide = s.width - 2 * m
    s.box(m, m, m + wide, s.height - m, 0.5)
    y = b.header(s, m + 1, m + 0.5, wide - 2, 10, w, False)
    s.rule(m, y, m + wide, y, 0.4)
    pieces = rng.randrange(1, 6)
    texts = [f"Koli {rng.randrange(1, pieces + 1)}/{pieces}", w.weight, w.service, w.sort_code]
    for k, text in enumerate(texts):
        role = "sortcode" if k == 3 else "other"
        b.fitted(s, m + 1 + wide * k / 4, y + 1, wide / 4 - 2, text, 4, bold=True, role=role)
    y += 6.5
    s.rule(m, y, m + wide, y, 0.4)
    code = rng.uniform(18, 24)
    foot = s.height - m - code
    pair = _pair(s, w, (3.3, 4.6), (2.8, 3.8))
    if s.width > s.height:
        cut = m + wide / 2
        for (who, key, em, role), (x0, x1) in zip(pair, ((m, cut), (cut, m + wide))):
            b.party(s, x0 + 1.2, y + 1, x1 - x0 - 2.5, foot - y - 2, who, key, em, role)
        s.rule(cut, y, cut, foot, 0.4)
    else:
        middle = y + (foot - y) / 2
        for (who, key, em, role), (y0, y1) in zip(pair, ((y, middle), (middle, foot))):
            b.party(s, m + 1.2, y0 + 1, wide - 2.5, y1 - y0 - 2, who, key, em, role)
        s.rule(m, middle, m + wide, middle, 0.4)
    s.rule(m, foot, m + wide, foot, 0.4)
    b.bars(s, m + 2, foot + 1.5, wide * 0.7, code - 8, w, 3.2, "left")
    if rng.random() < 0.6:
        s.qr(m + wide - code + 2, foot + 1.5, code - 3, w.qr)
    else:
        b.icons(s, m + wide * 0.75, foot + 3, 7)


def receipt(s: Sheet, w: Waybill) -> None:
    """Like a till's receipt: everything in the middle, dashed rules."""
    rng, m = s.rng, s.rng.uniform(3, 5)
    wide = s.width - 2 * m
    y = s.text(s.width / 2, m, w.courier, 4.5, bold=True, align="middle")
    y = s.text(s.width / 2, y, rng.choice(["BUKTI KIRIM", "RESI PENGIRIMAN", "TANDA TERIMA", w.service]), 3, align="middle") + 1
    y = b.bars(s, m, y, wide, rng.uniform(9, 12), w, 2.8)
    align = rng.choice(["middle", "left"])
    room = s.height - y - m - 10
    for who, key, em, role in _pair(s, w, (3.2, 4.2), (2.7, 3.6)):
        share = 0.56 if role == "recipient" else 0.44
        s.rule(m, y, m + wide, y, 0.25, True)
        text = f"{key}\n{who.name}\n{who.address()}\n{who.phone}"
        s.block(m, y + 0.8, wide, text, em, room * share - 1.5, role=role, align=align)
        y += room * share
    s.rule(m, y, m + wide, y, 0.25, True)
    b.goods(s, m, y + 0.8, wide, w, 2.4, 3)
