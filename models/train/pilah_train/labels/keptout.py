"""Layouts that training never sees: validation's."""

from . import blocks as b
from .sheet import Sheet
from .words import Waybill


def band(s: Sheet, w: Waybill) -> None:
    """A QR code and the sender on top, a band with the sort code, the recipient in a round frame, bars at the foot."""
    rng, m = s.rng, s.rng.uniform(2.5, 4)
    wide = s.width - 2 * m
    side = rng.uniform(22, 27)
    s.qr(m, m, side, w.qr)
    b.fitted(s, m + side + 2, m, wide - side - 2, f"{w.courier} - {w.service}", 4, bold=True)
    b.party(s, m + side + 2, m + 6, wide - side - 2, side - 7, w.sender, w.sent_by, rng.uniform(2.4, 3.1), "sender")
    y = m + side + 1.5
    s.box(m, y, m + wide, y + 9, 0, fill=0)
    b.fitted(s, m + 1, y + 1.3, wide - 2, w.sort_code, 6.5, bold=True, role="sortcode", align="middle", ink=255)
    y += 10.5
    foot = s.height - m - rng.uniform(28, 36)
    s.box(m, y, m + wide, foot, 0.5, round_=3)
    b.party(s, m + 2.5, y + 2, wide - 5, foot - y - 4, w.recipient, w.to, rng.uniform(3.5, 4.7), "recipient")
    b.goods(s, m, foot + 1, wide, w, 2.4, 3 if s.height > 140 else 2)
    b.bars(s, m, s.height - m - 18, wide, 12, w, 3.2)


def right_column(s: Sheet, w: Waybill) -> None:
    """The recipient large at the left, sender and service in a narrow right column, bars over the whole width."""
    rng, m = s.rng, s.rng.uniform(2.5, 3.5)
    wide = s.width - 2 * m
    cut = m + wide * rng.uniform(0.6, 0.66)
    y = b.bars(s, m, m, wide, rng.uniform(9, 12), w, 2.9, "left", "above") + 0.5
    s.rule(m, y, m + wide, y, 0.4)
    s.rule(cut, y, cut, s.height - m, 0.4)
    strip = rng.uniform(8, 10)
    b.party(s, m, y + 1.5, cut - m - 2, s.height - m - y - strip - 3, w.recipient, w.to, rng.uniform(3.4, 4.6), "recipient")
    b.sort_code(s, m, s.height - m - strip, cut - m - 1, strip, w, False)
    b.fitted(s, cut + 1.5, y + 1, m + wide - cut - 2, w.courier, 3.4, bold=True)
    b.fitted(s, cut + 1.5, y + 5, m + wide - cut - 2, w.service, 5, bold=True)
    s.rule(cut, y + 11, m + wide, y + 11)
    b.party(s, cut + 1.5, y + 12, m + wide - cut - 2, s.height - m - y - 20, w.sender, w.sent_by, rng.uniform(2.3, 2.8), "sender")
    s.text(cut + 1.5, s.height - m - 5.5, w.weight, 2.4)
    s.text(cut + 1.5, s.height - m - 2.6, w.date, 2.4)


def corner_sender(s: Sheet, w: Waybill) -> None:
    """Like an envelope: the sender in the lower left corner, the recipient right of the middle, bars in the upper left."""
    rng, m = s.rng, s.rng.uniform(5, 8)
    wide = s.width - 2 * m
    b.bars(s, m, m, wide * 0.55, 9, w, 2.8, "left")
    s.text(s.width - m, m, rng.choice(["PAKET", "DOKUMEN", w.service, "POS KILAT"]), 4.5, bold=True, align="right")
    x = m + wide * rng.uniform(0.2, 0.35)
    b.party(
        s, x, m + 17, m + wide - x, s.height - 2 * m - 17 - 24, w.recipient, w.to, rng.uniform(3.8, 5.4), "recipient", "letter"
    )
    b.party(s, m, s.height - m - 22, wide * 0.62, 22, w.sender, w.sent_by, rng.uniform(2.6, 3.4), "sender")


def big_sort(s: Sheet, w: Waybill) -> None:
    """A giant sort code, recipient and sender under inverted keywords, QR code beside the number."""
    rng, m = s.rng, s.rng.uniform(2, 3)
    wide = s.width - 2 * m
    b.sort_code(s, m, m, wide, 14, w, True)
    y = m + 15
    room = s.height - y - m - 22
    pair = [
        (w.sender, w.sent_by, rng.uniform(2.4, 3), "sender", 0.38),
        (w.recipient, w.to, rng.uniform(3.2, 4.2), "recipient", 0.62),
    ]
    for who, key, em, role, share in pair:
        s.box(m, y, m + s.measure(key, 2.8, True) + 2, y + 3.8, 0, fill=0)
        s.text(m + 1, y + 0.4, key, 2.8, bold=True, role=role, ink=255)
        b.party(s, m, y + 4.3, wide, room * share - 5, who, "", em, role, "plain")
        y += room * share
        s.rule(m, y - 0.4, m + wide, y - 0.4, 0.3)
    side = 16 if s.width < 90 else 21
    s.qr(m, y, side, w.qr)
    b.fitted(s, m + side + 2, y, wide - side - 2, w.courier, 3.6, bold=True)
    y = b.fitted(s, m + side + 2, y + 4.5, wide - side - 2, w.awb_printed, 3.2, role="awb")
    s.bars(m + side + 2, y, wide - side - 2, 8, w.awb)
    s.text(m + side + 2, s.height - m - 2.8, f"{w.weight}  {w.date}", 2.3)
