"""What stands on a shipping label, as fields with their truth: both parties' addresses, the waybill, all the rest.

    places = Places.load("id_addresses.csv.gz")
    waybill = draw(random.Random(1), places)          # everything one label says
    text, role = line(random.Random(1), places)       # one line of some label, for the training of a recognizer

Everything comes from a `random.Random`: the same seed gives the same words.
"""

import random
import textwrap
from dataclasses import dataclass

from . import slips
from . import vocabulary as v
from .addresses import Party, party
from .places import FOREIGN, Place, Places, bare

__all__ = ["ROLES", "Party", "Place", "Places", "Waybill", "awb", "draw", "line", "lines", "party"]

ROLES = ("recipient", "sender", "awb", "sortcode", "other")
CHARACTERS = " !\"#&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz|%"
"every character that a line may hold"


@dataclass
class Waybill:
    """Everything that one label says."""

    recipient: Party
    sender: Party
    awb: str
    awb_printed: str
    courier: str
    market: str
    service: str
    sort_code: str
    weight: str
    goods: list[str]
    order: str
    date: str
    cod: str
    notes: list[str]
    to: str
    "the keyword before the recipient"
    sent_by: str
    "the keyword before the sender"
    qr: str
    "what the QR code holds"


def draw(rng: random.Random, places: Places, foreign: bool = False) -> Waybill:
    """A waybill; sender and recipient are often of different regions. A foreign one goes to another country."""
    to = rng.choice(FOREIGN) if foreign else places.draw(rng)
    other = 0.5 if foreign else (0.75 if to.region != "REG_JAWA" else 0.45)
    number = awb(rng)
    upper = rng.random() < 0.6
    keys = (rng.choice(v.TO), rng.choice(v.FROM))
    if rng.random() < 0.5:  # keywords that go together
        k = rng.randrange(8)
        keys = (v.TO[(0, 2, 4, 6, 8, 11, 13, 15)[k]], v.FROM[(0, 0, 2, 4, 10, 0, 1, 11)[k]])
    mark = rng.choice(["", ":", ":", " :"])
    month = rng.choice(["{:02}", "{:02}", "{:02}"]).format(rng.randrange(1, 13))
    date = rng.choice(["{d:02}-{m}-20{y}", "{d:02}/{m}/20{y}", "20{y}-{m}-{d:02}", "{d:02}.{m}.{y}"]).format(
        d=rng.randrange(1, 29), m=month, y=rng.randrange(23, 28)
    )
    amount = f"{rng.randrange(9, 990)}.{rng.choice(['000', '500', '900', '750'])}"
    kilos = rng.choice(
        [f"{rng.randrange(1, 80) / 10}", f"{rng.randrange(1, 30)}", f"{rng.randrange(1, 9)},{rng.randrange(0, 99):02}"]
    )
    service = rng.choice(v.SERVICES[:12] if rng.random() < 0.6 else v.SERVICES)
    return Waybill(
        recipient=party(rng, places, to),
        sender=party(rng, places, places.draw(rng, other), sender=True),
        awb=number,
        awb_printed=_grouped(rng, number),
        courier=rng.choice(v.COURIERS),
        market=rng.choice(v.MARKETS),
        service=service,
        sort_code=sort_code(rng, to),
        weight=rng.choice(["{} kg", "{} Kg", "Berat: {} kg", "{}KG", "Weight : {} Kg", "{} kg / 1 koli", "Berat {} KG"]).format(
            kilos
        ),
        goods=[
            f"{rng.choice(v.GOODS)}{rng.choice([' x{}', ' x {}', '  {}', ' ({})', '']).format(rng.randrange(1, 6))}"
            for _ in range(4)
        ],
        order=rng.choice(["", "No. Pesanan: ", "Order ID: ", "Inv: INV/", "Ref "])
        + rng.choice(
            [f"{rng.randrange(10**10, 10**11)}", f"{rng.randrange(230101, 271231)}{_letters(rng, 8)}", f"{rng.randrange(10**14)}"]
        ),
        date=date,
        cod=rng.choice(["COD Rp {}", "COD: Rp{}", "Rp {}", "COD RP. {}", "COD IDR {}"]).format(amount)
        if rng.random() < 0.35
        else "",
        notes=[rng.choice(v.NOTES) for _ in range(rng.randrange(0, 4))],
        to=slips.cased(rng, keys[0], "upper" if upper else "asis") + mark,
        sent_by=slips.cased(rng, keys[1], "upper" if upper else "asis") + mark,
        qr=rng.choice(
            ["{}", "{}", "{}", "https://lacak.example/r/{}", "{}|" + to.postal_code, '{{"awb":"{}","svc":"' + service + '"}}']
        ).format(number),
    )


def awb(rng: random.Random) -> str:
    """A waybill number in one of the couriers' formats."""
    digits = lambda n: f"{rng.randrange(10**n):0{n}}"  # noqa: E731
    form = rng.choice(
        [
            "P13",
            "00-11",
            "12",
            "10",
            "15",
            "SPXID15",
            "JX10",
            "TLJN10",
            "KLN9",
            "AN2-10",
            "LTR4-9",
            "any",
            "JP10",
            "ID18",
            "14",
            "16",
        ]
    )
    if form == "any":
        return _letters(rng, rng.randrange(2, 5)) + digits(rng.randrange(8, 14))
    if form == "AN2-10":
        return rng.choice(["CM", "NL", "BX", "EE"]) + digits(9) + rng.choice(["ID", "", "MY", "X"])
    if form == "LTR4-9":
        return _letters(rng, 4) + "-" + digits(9)
    if form == "00-11":
        return "00" + digits(11)
    head = form.rstrip("0123456789")
    return head + digits(int(form[len(head) :]))


def sort_code(rng: random.Random, place: Place) -> str:
    """The couriers' code of the way; in one of twelve the hub of somewhere else."""
    hub = v.HUBS.get(place.province, "XXX")
    if rng.random() < 0.08:
        hub = rng.choice(list(v.HUBS.values()))
    near = (place.district.replace(" ", "") + "XXX")[:3].upper()
    city = (bare(place.regency).replace(" ", "") + "XXX")[:3].upper()
    number = f"{rng.randrange(1, 60):02}"
    forms = [
        "{hub} / {near} / {n}",
        "{hub}-{city}",
        "{hub}/{city}/{n}",
        "{hub} {n}",
        "{hub}-{near}-{n}{x}",
        "{city}-{n}",
        "{hub}{n}{x}-{m:03}",
        "{x}-{n}-{m:02}",
    ]
    return rng.choice(forms).format(hub=hub, near=near, city=city, n=number, x=rng.choice("ABCDEFGHK"), m=rng.randrange(1, 99))


def _letters(rng: random.Random, n: int) -> str:
    return "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZ", k=n))


def _grouped(rng: random.Random, number: str) -> str:
    """The number as printed beside its bars."""
    kind = rng.random()
    if kind < 0.75:
        return number
    if kind < 0.85 and len(number) <= 16:
        return " ".join(textwrap.wrap(number, 4))
    head = rng.choice(["No. Resi: ", "Resi: ", "AWB ", "AWB: ", "No Resi : ", "RESI ", "No. Resi ", "Waybill "])
    return f"*{number}*" if kind > 0.97 else head + number


def lines(rng: random.Random, places: Places) -> list[tuple[str, str]]:
    """All lines of one label in some width: text and role."""
    w = draw(rng, places, foreign=rng.random() < 0.02)
    found = [(w.courier, "other"), (w.market, "other"), (w.service, "other"), (w.sort_code, "sortcode"), (w.awb_printed, "awb")]
    for side, key, role in ((w.recipient, w.to, "recipient"), (w.sender, w.sent_by, "sender")):
        width = rng.randrange(16, 52)
        text = f"{key}\n{side.name}\n{side.address()}\n{side.phone}"
        if rng.random() < 0.4:
            text = f"{key} {side.name} {side.phone}\n{side.address()}"
        elif rng.random() < 0.2:
            text = f"{key} {side.whole()}"
        found += [(part, role) for row in text.split("\n") for part in textwrap.wrap(row, width)]
        if rng.random() < 0.3:
            for kind in rng.sample(list(v.ROW_LABELS), 3):
                says = {"name": side.name, "phone": side.phone}.get(kind) or side.says(kind)
                if says:
                    found.append((f"{rng.choice(v.ROW_LABELS[kind])}{rng.choice([': ', ' : ', ' '])}{says}", role))
        if rng.random() < 0.4:
            found.append((side.place.postal_code or "0", role))
    rest = [w.weight, w.order, w.date, w.cod, *w.goods, *w.notes]
    return found + [(text, "other") for text in rest if text]


def line(rng: random.Random, places: Places) -> tuple[str, str]:
    """One line of some label: text and role; addresses and numbers more often than the rest."""
    found = lines(rng, places)
    weights = [{"recipient": 3, "sender": 3, "awb": 4, "sortcode": 2, "other": 1}[role] for _, role in found]
    return rng.choices(found, weights)[0]
