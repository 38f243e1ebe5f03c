"""From recognized lines with their boxes to an answer: a column-aware parser for OCR engines to be compared with.

It knows what anyone would write in a day: keywords open a party's block, a line belongs to the nearest keyword above it in its
column, postal codes and names of places are looked up in the table of villages.
"""

import csv
import gzip
import re
from collections import Counter, defaultdict
from dataclasses import dataclass

from rapidfuzz import fuzz, process

JAWA = {"BANTEN", "DAERAH KHUSUS IBUKOTA JAKARTA", "JAWA BARAT", "JAWA TENGAH", "DAERAH ISTIMEWA YOGYAKARTA", "JAWA TIMUR"}
SHORT = """DKI JAKARTA=DAERAH KHUSUS IBUKOTA JAKARTA|DKI=DAERAH KHUSUS IBUKOTA JAKARTA|JABAR=JAWA BARAT|JATENG=JAWA TENGAH|
JATIM=JAWA TIMUR|DIY=DAERAH ISTIMEWA YOGYAKARTA|DI YOGYAKARTA=DAERAH ISTIMEWA YOGYAKARTA|SUMUT=SUMATERA UTARA|
SUMBAR=SUMATERA BARAT|
SUMSEL=SUMATERA SELATAN|KEPRI=KEPULAUAN RIAU|BABEL=KEPULAUAN BANGKA BELITUNG|NTB=NUSA TENGGARA BARAT|NTT=NUSA TENGGARA TIMUR|
KALBAR=KALIMANTAN BARAT|KALTENG=KALIMANTAN TENGAH|KALSEL=KALIMANTAN SELATAN|KALTIM=KALIMANTAN TIMUR|KALTARA=KALIMANTAN UTARA|
SULUT=SULAWESI UTARA|SULTENG=SULAWESI TENGAH|SULSEL=SULAWESI SELATAN|SULTRA=SULAWESI TENGGARA|SULBAR=SULAWESI BARAT|
MALUT=MALUKU UTARA|PABAR=PAPUA BARAT|WEST JAVA=JAWA BARAT|CENTRAL JAVA=JAWA TENGAH|EAST JAVA=JAWA TIMUR""".replace("\n", "")
# keywords as engines write them: often without the spaces
RECIPIENT = r"KEPADA|PENERIMA|RECEIVER|SHIP *TO|DELIVER *TO|CONSIGNEE|RECIPIENT|TUJUAN|DIKIRIM *KE|^UNTUK|^YTH|^TO\b|^KPD"
SENDER = r"PENGIRIM|SHIPPER|SENDER|SHIP *FROM|^FROM\b|^DARI\b|^DARI *TOKO|PENJUAL|SELLER|DROPSHIPPER|^ASAL\b|PNGRM"
FOREIGN = r"MALAYSIA|SINGAPORE|THAILAND|PHILIPPINES|TIMOR-LESTE|SELANGOR|JOHOR|SARAWAK|SABAH"


@dataclass
class Line:
    """A recognized line, its box in upright coordinates, its confidence from 0 to 1."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    confidence: float


class Places:
    """Codes and names of the table of villages."""

    def __init__(self, path: str):
        opened = gzip.open if path.endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.codes = {row["postal_code"]: row["province"] for row in rows}
        self.provinces = {row["province"].upper(): row["province"] for row in rows}
        self.provinces |= {short: self.provinces[name] for short, name in (pair.split("=") for pair in SHORT.split("|"))}
        by_name = defaultdict(set)
        for row in rows:
            name = row["regency"].upper()
            for kind in ("KABUPATEN ", "KOTA ADMINISTRASI ", "KOTA "):
                name = name.removeprefix(kind)
            by_name[name].add((row["regency"], row["province"]))
        self.regencies = dict(by_name)

    def find(self, text: str) -> tuple[str, str, str]:
        """Postal code, province and regency of an address, each perhaps empty."""
        clean = re.sub(
            r"[^A-Z0-9 ]+",
            " ",
            re.sub(r"\b(JL|JLN|JALAN)\b[^,]*?(?=\b(RT|KEL|DESA|DS|KEC|KAB|KOTA|NO)\b|,|$)", " ", text.upper()),
        )
        codes = [code for code in re.findall(r"(?<!\d)\d{5}(?!\d)", text) if code in self.codes]
        words = clean.split()
        windows = {" ".join(words[k : k + n]): k for n in (1, 2, 3, 4) for k in range(len(words) - n + 1)}
        together = re.sub(r"[^A-Z]+", "", clean)
        province = _best(windows, self.provinces) or _inside(together, self.provinces)
        regency = _best(windows, self.regencies) or _inside(together, self.regencies)
        province = self.provinces.get(province, "")
        homes = self.regencies.get(regency, set())
        if province and homes:
            homes = {home for home in homes if home[1] == province} or homes
        name = sorted(homes)[0][0] if homes else ""
        if homes and not province and len({home[1] for home in homes}) == 1:
            province = sorted(homes)[0][1]
        return (codes[-1] if codes else ""), province, name


def _best(windows: dict[str, int], names: dict) -> str:
    """The name that some words spell best, the later the better; nothing if none is near."""
    found = []
    for window, at in windows.items():
        if len(window) < 3:
            continue
        if window in names:
            found.append((100 + len(window), at, window))
        elif len(window) > 5:
            hit = process.extractOne(window, names.keys(), scorer=fuzz.ratio, score_cutoff=88)
            if hit:
                found.append((hit[1], at, hit[0]))
    return max(found)[2] if found else ""


def _inside(together: str, names: dict) -> str:
    """The longest name within letters that lost their spaces."""
    return max((name for name in names if len(name) > 5 and name.replace(" ", "") in together), key=len, default="")


def blocks(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    """The recipient's and the sender's lines."""
    keys = []
    for line in lines:
        upper = line.text.upper()
        if re.search(SENDER, upper):
            keys.append((line, "sender"))
        elif re.search(RECIPIENT, upper):
            keys.append((line, "recipient"))
    sides = {"recipient": [], "sender": []}
    for line in lines:
        best = None
        for key, side in keys:
            height = key.y1 - key.y0
            if key is line:
                best = (0, side)
                break
            if line.y0 < key.y0 - 0.3 * height:
                continue
            overlap = min(line.x1, key.x1 + 12 * height) - max(line.x0, key.x0 - 4 * height)
            if overlap <= 0:
                continue
            far = (line.y0 - key.y0) + 0.8 * abs(line.x0 - key.x0)
            if best is None or far < best[0]:
                best = (far, side)
        if best:
            sides[best[1]].append(line)
    return sides["recipient"], sides["sender"]


def answer(lines: list[Line], places: Places) -> dict:
    """The answer in the form of `pilah classify --json`, without times."""
    lines = sorted((line for line in lines if line.confidence > 0.4), key=lambda line: (round(line.y0 / 8), line.x0))
    recipient, sender = blocks(lines)
    if not recipient and sender:
        recipient = [line for line in lines if line not in sender]
    text = " , ".join(line.text for line in recipient)
    code, province, regency = places.find(text)
    votes = Counter()
    if code:
        votes[places.codes[code].upper() in JAWA] += 2
    if province:
        votes[province.upper() in JAWA] += 2
    region = ""
    if votes and len(votes) == 1 and not re.search(FOREIGN, text.upper()):
        region = "REG_JAWA" if votes.most_common(1)[0][0] else "REG_LUARJAWA"
    numbers = [re.sub(r"[^A-Z0-9-]", "", line.text.upper().split(":")[-1]) for line in lines if line not in recipient + sender]
    awb = next((n for n in numbers if re.fullmatch(r"[A-Z]{0,5}-?\d{8,18}[A-Z]{0,2}", n)), "")
    read = lambda value: {"value": value, "confidence": 1.0} if value else None  # noqa: E731
    return {
        "lane": region or "manual",
        "sorted": bool(region),
        "reason": "confident" if region else ("disagree" if len(votes) > 1 else "no-read"),
        "readings": {"postal_code": read(code), "province": read(province), "regency": read(regency), "awb": read(awb)},
        "evidence": len(recipient) + 3 * len(votes),
    }
