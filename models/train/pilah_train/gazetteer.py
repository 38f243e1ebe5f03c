"""Packs Indonesia's provinces, regencies, districts, villages and postal codes into the one file that the label reader loads."""

import argparse
import re
import struct
import sys
from pathlib import Path

from .labels import places
from .recipe import replace_file, said

MAGIC = b"pilah gazetteer 1\n"
# As people and lanes write them; all other names are the official ones.
SHORT = {"DAERAH KHUSUS IBUKOTA JAKARTA": "DKI JAKARTA", "DAERAH ISTIMEWA YOGYAKARTA": "DI YOGYAKARTA"}


def letters(name: str) -> str:
    """What comparing looks at: capitals without spaces, without what stands in brackets or behind a slash."""
    name = re.sub(r"\(.*?\)|[/*\"].*", "", name)
    return re.sub(r"[^A-Z]", "", name.upper())


def texts(names: list[str]) -> bytes:
    return "\n".join(names).encode("ascii")


def numbers(format: str, values: list[int]) -> bytes:
    return struct.pack(f"<{len(values)}{format}", *values)


def pack(rows: list[dict[str, str]]) -> bytes:
    """The sections of the file, in the order in which `src/pipeline/read/gazetteer.rs` reads them."""
    provinces, regencies, districts = {}, {}, {}
    villages = sorted({letters(row["village"]) for row in rows})
    village_at = {name: at for at, name in enumerate(villages)}
    codes = sorted({int(row["postal_code"]) for row in rows})
    code_at = {code: at for at, code in enumerate(codes)}
    below: dict[int, set[tuple[int, int]]] = {}
    for row in rows:
        name = row["province"].upper()
        province = provinces.setdefault(SHORT.get(name, name), len(provinces))
        regency = regencies.setdefault((row["regency"].upper(), province), len(regencies))
        district = districts.setdefault((letters(row["district"]), regency), len(districts))
        place = (village_at[letters(row["village"])], code_at[int(row["postal_code"])])
        below.setdefault(district, set()).add(place)
    places = [sorted(below[district]) for district in range(len(districts))]
    ends, total = [], 0
    for some in places:
        total += len(some)
        ends.append(total)
    flat = [place for some in places for place in some]
    sections = [
        texts(list(provinces)),
        texts([name for name, _ in regencies]),
        numbers("H", [province for _, province in regencies]),
        texts([name for name, _ in districts]),
        numbers("H", [regency for _, regency in districts]),
        texts(villages),
        numbers("I", codes),
        numbers("I", ends),
        numbers("H", [village for village, _ in flat]),
        numbers("H", [code for _, code in flat]),
    ]
    return MAGIC + b"".join(struct.pack("<I", len(section)) + section for section in sections)


@said
def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("addresses", type=Path, help="csv, gzipped or not: province, regency, district, village, postal_code")
    p.add_argument("out", type=Path, help="the file to write, data/gazetteer.bin")
    a = p.parse_args()
    packed = pack(places.table(a.addresses))
    replace_file(a.out, packed)
    print(f"{a.out}: {len(packed):,} bytes")


if __name__ == "__main__":
    sys.exit(main())
