"""How people write: abbreviations, mixed case, slips of the keyboard, masked phone numbers."""

import random

from . import vocabulary as v
from .places import bare

NEIGHBOURS = dict(
    row.split(":")
    for row in (
        "a:sqz b:vgn c:xvd d:sfe e:wrd f:dgr g:fht h:gju i:uok j:hku k:jli l:ko m:nj "
        "n:bm o:ipl p:ol q:wa r:etf s:adw t:ryg u:yij v:cbf w:qes x:zcs y:tuh z:xa"
    ).split()
)
"letters beside each letter on the keyboard"


def slip(rng: random.Random, word: str) -> str:
    """The word with one slip: a letter doubled, dropped, swapped with the next, or its neighbour on the keyboard."""
    spots = [k for k in range(1, len(word) - 1) if word[k].isalpha() and word[k + 1].isalpha()]
    if len(spots) < 3:
        return word
    k, kind = rng.choice(spots), rng.random()
    if kind < 0.3:
        return word[:k] + word[k] + word[k:]
    if kind < 0.65:
        return word[:k] + word[k + 1 :]
    if kind < 0.85:
        return word[:k] + word[k + 1] + word[k] + word[k + 2 :]
    near = rng.choice(NEIGHBOURS[word[k].lower()]) if word[k].lower() in NEIGHBOURS else word[k]
    return word[:k] + (near.upper() if word[k].isupper() else near) + word[k + 1 :]


def cased(rng: random.Random, text: str, mode: str) -> str:
    """The text in this case: as it is, upper, lower, or a little of each."""
    if mode == "mixed":
        mode = rng.choices(["asis", "upper", "lower"], [5, 3, 3])[0]
    return {"asis": text, "upper": text.upper(), "lower": text.lower()}[mode]


def abbreviate(rng: random.Random, name: str) -> str:
    """A long first word cut as people cut it: Tanjung to Tj., Sungai to Sei, Utara to Utr."""
    cuts = {
        "Tanjung": ["Tj.", "Tjg.", "Tj"], "Sungai": ["Sei", "Sg.", "S."], "Kepulauan": ["Kep.", "Kep"], "Utara": ["Utr", "Ut."],
        "Selatan": ["Sel.", "Slt"], "Barat": ["Brt", "Bar."], "Timur": ["Tim.", "Tmr"], "Tengah": ["Teng.", "Tgh"],
        "Gunung": ["Gn.", "Gng"],
        "Bukit": ["Bkt."], "Tebing": ["Tb."], "Teluk": ["Tlk"], "Pulau": ["P.", "Pulo"], "Padang": ["Pdg."], "Batu": ["Bt."],
        "Kampung": ["Kp.", "Kmp"], "Ulu": ["Hulu"], "Muara": ["Ma.", "Mr."],
    }  # fmt: skip
    words = name.split()
    for k, word in enumerate(words):
        if len(words) > 1 and word in cuts and rng.random() < 0.5:
            words[k] = rng.choice(cuts[word])
            break
    return " ".join(words)


def regency(rng: random.Random, name: str, keep_kind: bool) -> str:
    """How a regency is written; with its kind (Kab., Kota) where the name alone would not do."""
    short = bare(name)
    if "Jakarta" in name or "Seribu" in name:
        side = short.removeprefix("Jakarta ")
        forms = [
            short,
            short,
            "Kota " + short,
            "Kota Adm. " + short,
            "Kota Administrasi " + short,
            "Kodya " + short,
            "Jak" + side[:3].lower(),
        ]
        forms += [
            {"Utara": "Jakut", "Barat": "Jakbar", "Pusat": "Jakpus", "Selatan": "Jaksel", "Timur": "Jaktim"}.get(side, short)
        ]
        return rng.choice(forms if "Jakarta" in name else ["Kep. Seribu", "Kepulauan Seribu", "Kab. Adm. Kepulauan Seribu"])
    if rng.random() < 0.1:
        short = abbreviate(rng, short)
    if name.startswith("Kabupaten"):
        kinds = ["Kab. ", "Kab. ", "Kab ", "Kabupaten ", "Kab.", "KAB "] + ([] if keep_kind else ["", ""])
    else:
        kinds = ["Kota ", "Kota ", "Kota "] + ([] if keep_kind else ["", "", "Kodya "])
    return rng.choice(kinds) + short


def province(rng: random.Random, name: str) -> str:
    """How a province is written: in full, with Prov., or as everyone abbreviates it."""
    short = v.PROVINCES.get(name, [])
    if short and rng.random() < (0.85 if len(name) > 20 else 0.5):
        return rng.choice(short)
    return rng.choice(["", "", "", "", "Prov. ", "Provinsi ", "Prov ", "Prop. "]) + name


def postal(rng: random.Random, code: str) -> str:
    """How a postal code is written."""
    if rng.random() < 0.012:
        code = " ".join(code)
    plain, marked = (
        ["{}", "{}", "{}", "{}", "({})", "{}."],
        ["Kode Pos {}", "KD POS. {}", "POS {}", "Kodepos: {}", "Kode Pos: {}", "kd pos {}"],
    )
    marked += [
        "ID {}",
        "ID({})",
        "ID, {}",
        "ID-{}",
        "Kodepos {}",
        "Kode pos : {}",
        "KP {}",
        "Post Code {}",
        "[{}]",
        "(Kode Pos {})",
    ]
    return rng.choice(plain if rng.random() < 0.6 else marked).format(code)


def phone(rng: random.Random) -> str:
    """A phone number, in a third of all cases masked."""
    head, body = "8" + rng.choice("12357889") + str(rng.randrange(10)), f"{rng.randrange(10**8):08}"[: rng.choice([7, 8, 8])]
    start = rng.choice(["0", "0", "0", "62", "+62", "(+62)", "+62 ", "(+62) "])
    kind = rng.random()
    if kind < 0.22:
        stars = rng.choice("**x") * (len(body) - rng.choice([2, 3]))
        return start + head[: rng.choice([2, 3])] + stars + body[-rng.choice([2, 3]) :]
    if kind < 0.33:
        return "0" + head + "-" + "xxxx" + "-" + body[-4:]
    if kind < 0.5:
        gap = rng.choice("- ")
        return (start + head + gap + body[:4] + gap + body[4:]).replace("  ", " ")
    if kind < 0.56:
        return f"0{rng.choice(['21', '22', '31', '24', '61', '274', '411', '778'])}{rng.choice(['-', ' ', ') '])}{body[:7]}"
    return start + head + body
