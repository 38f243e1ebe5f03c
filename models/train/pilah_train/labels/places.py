"""Real places for addresses: province, regency, district, village and postal code, from the table of villages."""

import csv
import gzip
import os
from dataclasses import dataclass
from pathlib import Path

from ..recipe import Fault

JAWA = ("Banten", "Daerah Khusus Ibukota Jakarta", "Jawa Barat", "Jawa Tengah", "Daerah Istimewa Yogyakarta", "Jawa Timur")
REGIONS = ("REG_JAWA", "REG_LUARJAWA")


@dataclass(frozen=True)
class Place:
    """One village, or one invented foreign town (then `country` says of which country)."""

    province: str
    regency: str
    district: str
    village: str
    postal_code: str
    country: str = ""

    @property
    def region(self) -> str:
        """REG_JAWA or REG_LUARJAWA; nothing for a foreign place."""
        if self.country:
            return ""
        return REGIONS[self.province not in JAWA]


COLUMNS = Place.__match_args__[:5]


def table(path: str | Path) -> list[dict[str, str]]:
    """The rows of the table of villages: CSV, gzipped or not."""
    try:
        with (gzip.open if str(path).endswith(".gz") else open)(path, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, EOFError, ValueError) as e:
        raise Fault(f"reading the table of villages {path}: {e}") from e
    if missing := set(COLUMNS) - set(rows[0] if rows else ()):
        raise Fault(f"the table of villages {path} lacks {', '.join(sorted(missing))}; its columns are {', '.join(COLUMNS)}")
    return rows


class Places:
    """All villages, to draw from evenly: small provinces and regencies occur as often as big ones."""

    def __init__(self, rows: list[Place]):
        self.tree: dict[str, dict[str, dict[str, list[Place]]]] = {region: {} for region in REGIONS}
        for row in rows:
            self.tree[row.region].setdefault(row.province, {}).setdefault(row.regency, []).append(row)
        self.regencies = {
            region: [villages for regencies in self.tree[region].values() for villages in regencies.values()]
            for region in REGIONS
        }
        if not all(self.regencies.values()):
            raise Fault("the table of villages needs places in Jawa and outside")
        by_name: dict[str, set[str]] = {}
        for region in REGIONS:
            for villages in self.regencies[region]:
                by_name.setdefault(bare(villages[0].regency), set()).add(region)
        self.ambiguous = {name for name, regions in by_name.items() if len(regions) > 1}
        "names of regencies that without Kota or Kabupaten could be in either region (Banjar)"

    @classmethod
    def load(cls, path: str | Path | None = None) -> "Places":
        """Those of the table `path` or $PILAH_ADDRESSES."""
        path = path or os.environ.get("PILAH_ADDRESSES")
        if not path:
            raise Fault("which addresses? name the table with --addresses FILE or in the environment variable PILAH_ADDRESSES")
        return cls([Place(*(row[k] for k in COLUMNS)) for row in table(path)])

    def draw(self, rng, jawa: float = 0.5) -> Place:
        """A place: in Jawa with this probability; by province, regency and village, or by regency and village."""
        region = REGIONS[rng.random() >= jawa]
        if rng.random() < 0.5:
            villages = rng.choice(self.regencies[region])
        else:
            villages = rng.choice(list(rng.choice(list(self.tree[region].values())).values()))
        return rng.choice(villages)


def bare(regency: str) -> str:
    """Without what kind of regency it is: 'Kabupaten Malang' and 'Kota Malang' are 'Malang'."""
    for kind in ("Kabupaten ", "Kota Administrasi ", "Kabupaten Administrasi ", "Kota "):
        if regency.startswith(kind):
            return regency[len(kind) :].removeprefix("Administrasi ")
    return regency


FOREIGN = [
    Place(province, regency, district, village, code, country)
    for country, rows in {
        "Malaysia": """Selangor|Petaling Jaya|Damansara|Taman Megah|47301;Johor|Johor Bahru|Tebrau|Taman Daya|81100
            Pulau Pinang|George Town|Jelutong|Taman Tun Sardon|11600;Sarawak|Kuching|Padungan|Tabuan Jaya|93350
            Sabah|Kota Kinabalu|Likas|Taman Fortuna|88450
            Kuala Lumpur|Kuala Lumpur|Cheras|Taman Midah|56000
            Perak|Ipoh|Menglembu|Taman Lahat|31450;Melaka|Melaka Tengah|Ayer Keroh|Bukit Beruang|75450
            Pahang|Kuantan|Beserah|Taman Tas|25150;Kedah|Alor Setar|Anak Bukit|Taman Wira|05150
            Johor|Batu Pahat|Sri Gading|Taman Bukit Perdana|83000;Selangor|Shah Alam|Seksyen 7|Kampung Padang Jawa|40000""",
        "Singapore": """Singapore|Singapore|Bedok|Bedok North Ave 3|460512;Singapore|Singapore|Jurong|Jurong St 61|640662
            Singapore|Singapore|Tampines|Tampines St 81|520842;Singapore|Singapore|Toa Payoh|Lorong 4|310074""",
        "Timor-Leste": "Dili|Dili|Cristo Rei|Becora|;Baucau|Baucau|Baucau|Bahu|",
        "Thailand": "Bangkok|Bangkok|Samsen|Soi 3|10400;Songkhla|Hat Yai|Hat Yai|Soi 5|90110;Phuket|Phuket|Kathu|Patong|83150",
        "Philippines": "Metro Manila|Quezon City|Diliman|Teachers Village|1101;Cebu|Cebu City|Lahug|Apas|6000",
    }.items()
    for line in rows.splitlines()
    for province, regency, district, village, code in (row.strip().split("|") for row in line.split(";") if row.strip())
]
