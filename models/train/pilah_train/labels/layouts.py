"""The labels' layouts: which there are, in which sizes, and which are kept out of training.

    sheet = draw(random.Random(1), waybill, "train")

A layout is a function that draws a waybill on a sheet, with its own freedom: the order of the parties, their columns, rules and
boxes, sizes of letters. Layouts that are kept out serve validation only.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from . import fonts
from .courier import cargo, postcode_boxes, receipt, sideways, stacked, tiny, two_columns
from .grid import quarters, ribbon
from .keptout import band, big_sort, corner_sender, right_column
from .market import goods_first, market_short, market_tall, tables
from .office import letterhead, office_sheet, two_fields
from .sheet import Sheet
from .words import Waybill


@dataclass(frozen=True)
class Layout:
    """One layout: its sizes in millimetres, how often it occurs, whether it is kept out, whether it has a QR code."""

    draw: Callable[[Sheet, Waybill], None]
    sizes: tuple[tuple[int, int], ...]
    weight: float = 1
    kept_out: bool = False
    office: bool = False
    "printed on paper by an office printer"


LAYOUTS = {
    "market-tall": Layout(market_tall, ((100, 150), (100, 140), (105, 148))),
    "market-short": Layout(market_short, ((100, 130), (100, 120), (100, 100)), 1.5),
    "market-goods": Layout(goods_first, ((100, 150), (100, 130))),
    "market-tables": Layout(tables, ((100, 150), (110, 110), (105, 148))),
    "courier-columns": Layout(two_columns, ((110, 90), (100, 75), (120, 90), (100, 100)), 2),
    "courier-stacked": Layout(stacked, ((100, 100), (100, 120), (90, 110), (80, 100)), 1.5),
    "courier-sideways": Layout(sideways, ((150, 100), (120, 80), (130, 90))),
    "courier-tiny": Layout(tiny, ((75, 100), (80, 80), (70, 90), (76, 102)), 1.2),
    "courier-postcode": Layout(postcode_boxes, ((100, 100), (110, 90), (100, 120))),
    "courier-cargo": Layout(cargo, ((150, 100), (140, 100), (100, 150)), 0.8),
    "courier-receipt": Layout(receipt, ((80, 110), (72, 120), (100, 110)), 0.8),
    "grid-quarters": Layout(quarters, ((110, 90), (100, 100), (120, 100), (148, 105), (100, 130)), 1.2),
    "grid-ribbon": Layout(ribbon, ((100, 130), (100, 150), (110, 90), (90, 100)), 1),
    "office-sheet": Layout(office_sheet, ((148, 105), (140, 100), (130, 95), (120, 90)), 1.5, office=True),
    "office-fields": Layout(two_fields, ((148, 105), (130, 90), (120, 100)), 1, office=True),
    "office-letter": Layout(letterhead, ((148, 105), (140, 95)), 0.8, office=True),
    "kept-band": Layout(band, ((100, 150), (100, 130), (105, 148)), kept_out=True),
    "kept-right": Layout(right_column, ((120, 80), (110, 90), (125, 85)), kept_out=True),
    "kept-corner": Layout(corner_sender, ((148, 105), (130, 95)), kept_out=True, office=True),
    "kept-sort": Layout(big_sort, ((75, 125), (80, 100), (100, 100)), kept_out=True),
}


def names(which: str = "train") -> list[str]:
    """The layouts of `train`, of `kept-out`, or `all`."""
    if which not in ("train", "kept-out", "all"):
        raise ValueError(f"layouts are train, kept-out or all, not {which}")
    return [name for name, layout in LAYOUTS.items() if which == "all" or layout.kept_out == (which == "kept-out")]


def draw(rng: random.Random, waybill: Waybill, which: str = "train", name: str = "") -> tuple[str, Sheet]:
    """A printed label of this name, or of any name of these layouts; its name and its sheet."""
    some = names(which)
    name = name or rng.choices(some, [LAYOUTS[n].weight for n in some])[0]
    layout = LAYOUTS[name]
    width, height = rng.choice(layout.sizes)
    if layout.office:
        dots, crisp = 12, False
    else:
        dots, crisp = rng.choices([(8, True), (8, False), (11.8, True), (12, False)], [45, 20, 20, 15])[0]
    sheet = Sheet(rng, width, height, fonts.pick(rng, "kept-out" if layout.kept_out else which), dots, crisp)
    sheet.name = f"{name}-{width}x{height}"
    layout.draw(sheet, waybill)
    return sheet.name, sheet
