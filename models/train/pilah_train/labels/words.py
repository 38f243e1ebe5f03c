"""What stands on a shipping label, as fields with their truth: both parties' addresses, the waybill, all the rest.

    places = Places.load("id_addresses.csv.gz")
    waybill = draw(random.Random(1), places)          # everything one label says
    text, role = line(random.Random(1), places)       # one line of some label, for the training of a recognizer

Everything comes from a `random.Random`: the same seed gives the same words.
"""

import random
import textwrap
from dataclasses import dataclass, field

from . import slips
from . import vocabulary as v
from .places import FOREIGN, Place, Places, bare

__all__ = ["ROLES", "Party", "Place", "Places", "Waybill", "awb", "draw", "line", "lines", "party"]

ROLES = ("recipient", "sender", "awb", "sortcode", "other")
CHARACTERS = " !\"#&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz|%"
"every character that a line may hold"


@dataclass
class Party:
    """One side of a parcel: how name, phone and address are printed, and the place that they mean."""

    place: Place
    name: str
    phone: str
    pieces: list[tuple[str, str]]
    "the address in the order of print: street, rt_rw, landmark, village, district, regency, province, postal, country"
    joint: str
    "what stands between the pieces"
    notes: list[str] = field(default_factory=list)

    def says(self, what: str) -> str:
        """The printed text of one piece, or nothing."""
        return " ".join(text for kind, text in self.pieces if kind == what)

    def address(self) -> str:
        """The pieces joined as this writer joins them, line breaks included."""
        text = ""
        for k, (kind, piece) in enumerate(self.pieces):
            joint = self.joint
            if joint == "lines":
                joint = "\n" if kind in ("village", "regency", "postal") and k else ", "
            if kind == "rt_rw" or (kind == "postal" and joint not in (" - ", "\n") and not piece[0].isalpha()):
                joint = "" if self.joint == "," and piece[0] == "(" else " "
            text += (joint if text else "") + piece
        return text

    def whole(self) -> str:
        """Name, address and phone in one piece of text, as on labels that print a party in one line."""
        return f"{self.name}, {self.address()}, {self.phone}".replace("\n", ", ")


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
            f"{rng.choice(v.GOODS)}{rng.choice([' x', ' x ', '  ', ' ('])}{rng.randrange(1, 6)}"
            for _ in range(rng.randrange(1, 5))
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


def party(rng: random.Random, places: Places, place: Place, sender: bool = False) -> Party:
    """One party at this place, as someone in a hurry types it."""
    mode = rng.choices(["upper", "asis", "mixed", "lower"], [40, 30, 20, 10])[0]
    joint = rng.choices([", ", ",", " - ", " ", ". ", "lines"], [50, 12, 8, 14, 2, 14])[0]
    if place.country:
        pieces, notes = _foreign(rng, place), ["foreign"]
    else:
        pieces, notes = _address(rng, places, place)
    pieces = [(kind, slips.cased(rng, text, mode)) for kind, text in pieces if text]
    return Party(place, _name(rng, sender, mode), slips.phone(rng), pieces, joint, notes)


def _address(rng: random.Random, places: Places, place: Place) -> tuple[list[tuple[str, str]], list[str]]:
    notes = []
    has_postal, has_province = rng.random() < 0.8, rng.random() < 0.82
    has_regency = rng.random() < 0.97 or not (has_postal or has_province)
    alone = not has_postal and not has_province
    names = {"regency": place.regency, "district": place.district, "village": place.village}
    spelt = dict(names)
    if rng.random() < 0.14:
        which = rng.choice(["regency", "district", "village", "regency"])
        head, _, tail = spelt[which].rpartition(" ") if which == "regency" and rng.random() < 0.8 else ("", "", spelt[which])
        changed = (head + " " if head else "") + slips.slip(rng, tail)
        if changed != spelt[which] and not (alone and which == "regency" and len(bare(place.regency)) < 6):
            notes.append(f"slip:{spelt[which]}>{changed}")
            spelt[which] = changed
    street, trap = _street(rng, place)
    if trap:
        notes.append("trap_street")
    rt, rw = rng.randrange(1, 20), rng.randrange(1, 15)
    rt_rw = rng.choice(
        [
            "RT {0:02}/RW {1:02}",
            "RT.{0:03}/{1:03}",
            "rt{0:02} rw{1:02}",
            "RT{0}/RW{1}",
            "RT {0:02} RW {1:02}",
            "RT{0:02}/{1:02}",
            "RT/RW {0:03}/{1:03}",
        ]
    )
    pieces = [("street", street)]
    if rng.random() < 0.6:
        pieces.append(("rt_rw", rt_rw.format(rt, rw)))
    if rng.random() < 0.2:
        pieces.append(("landmark", rng.choice(v.LANDMARKS)))
    short = rng.random() < 0.25
    if rng.random() < 0.75:
        village = slips.abbreviate(rng, spelt["village"]) if short else spelt["village"]
        pieces.append(
            ("village", rng.choice(["Kel. ", "Kelurahan ", "Desa ", "Ds. ", "Kel ", "Ds ", "", "", "Kel/Desa "]) + village)
        )
    if rng.random() < 0.93:
        district = slips.abbreviate(rng, spelt["district"]) if short else spelt["district"]
        pieces.append(("district", rng.choice(["Kec. ", "Kec. ", "Kecamatan ", "Kec ", "Kec.", "kec ", "", ""]) + district))
    if has_regency:
        regency = slips.regency(rng, spelt["regency"], alone or bare(place.regency) in places.ambiguous)
        pieces.append(("regency", regency))
    if has_province:
        pieces.append(("province", slips.province(rng, place.province)))
    if rng.random() < 0.12:
        a, b = rng.sample(range(1, len(pieces)), 2) if len(pieces) > 2 else (0, 0)
        pieces[a], pieces[b] = pieces[b], pieces[a]
    if has_postal:
        at = len(pieces) if rng.random() < 0.85 else rng.randrange(1, len(pieces) + 1)
        pieces.insert(at, ("postal", slips.postal(rng, place.postal_code)))
    if rng.random() < 0.07:
        pieces.append(("country", rng.choice(["Indonesia", "ID", "INDONESIA"])))
    return pieces, notes


def _foreign(rng: random.Random, place: Place) -> list[tuple[str, str]]:
    street = rng.choice(["Jalan", "Jln", "Lorong", "Lebuh"] if place.country == "Malaysia" else ["Street", "Road", "Ave"])
    name = rng.choice(["Merdeka", "Bahagia", "SS 2/24", "Mawar 3", "Harmoni", "Wawasan 2/1", "Bukit"])
    pieces = [("street", f"No {rng.randrange(1, 300)}, {street} {name}"), ("village", place.village)]
    if rng.random() < 0.5:
        pieces.append(("district", place.district))
    pieces.append(("postal", place.postal_code))
    if place.province != place.regency:
        pieces += [("regency", place.regency), ("province", place.province)]
    if rng.random() < 0.85:
        pieces.append(("country", place.country))
    return pieces


def _street(rng: random.Random, place: Place) -> tuple[str, bool]:
    """A street with its number; and whether it is named after a place elsewhere."""
    kind, trap = rng.random(), False
    number = rng.choice(
        [
            "No. {}",
            "No {}",
            "NO.{}",
            "no{}",
            "No.{}",
            "Kav. {}",
            "{}",
            "No. {}A",
            "Blok C{}/4",
            "Blk A{} No 3",
            "Gg. 3 No {}",
            "KM {}",
        ]
    )
    number = number.format(rng.randrange(1, 220))
    if kind < 0.68:
        trap = rng.random() < 0.3
        name = rng.choice(v.CITY_STREETS if trap else v.STREETS)
        text = f"{rng.choice(['Jl. ', 'Jl. ', 'Jalan ', 'Jln. ', 'JL ', 'Jl ', 'jl.'])}{name} {number}"
    elif kind < 0.82:
        kind_of = rng.choice(["Perum", "Perumahan", "Komplek", "Komp.", "Apartemen", "Cluster", "Ruko"])
        text = f"{kind_of} {rng.choice(v.ESTATES)} {number}"
    else:
        text = (
            f"{rng.choice(['Dusun ', 'Dsn. ', 'Kp. ', 'Kampung ', 'Gg. ', 'Lingk. ', 'Banjar '])}{rng.choice(v.HAMLETS)} {number}"
        )
    return text, trap and name not in f"{place.regency} {place.province}"


def _name(rng: random.Random, sender: bool, mode: str) -> str:
    if sender and rng.random() < 0.6:
        return f"{rng.choice(v.SHOP_HEADS)} {' '.join(rng.sample(v.SHOP_TAILS, rng.randrange(1, 3)))}"
    given, family = rng.choice(v.GIVEN), rng.choice(v.FAMILY)
    if rng.random() < 0.08:  # the name of an account
        return (given + family)[: rng.randrange(7, 12)].lower() + rng.choice(["", "88", "_", "01", "id"])
    name = f"{given} {family}" if rng.random() < 0.85 else given
    if rng.random() < 0.18:
        name = f"{rng.choice(v.TITLES)} {name}"
    if rng.random() < 0.06:
        name += f" ({rng.choice(v.SHOP_TAILS)})"
    return slips.cased(rng, name, mode if rng.random() < 0.3 else "asis")


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
