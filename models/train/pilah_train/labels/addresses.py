"""An address as someone in a hurry types it: the pieces of one party's side of a label, and the place that they mean."""

import random
from dataclasses import dataclass, field

from . import slips
from . import vocabulary as v
from .places import Place, Places, bare


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
    pieces.append(("regency", place.regency))
    if place.province != place.regency:
        pieces.append(("province", place.province))
    if rng.random() < 0.9:
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
