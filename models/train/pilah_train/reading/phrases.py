"""Lines of text as labels print them, from a table of villages; used where the label generator's own words are not wanted."""

import csv
import gzip
from pathlib import Path

import numpy as np

FIRST = "Budi Siti Agus Dewi Rizky Putri Andi Nur Muhammad Ahmad Sri Eko Wahyu Indah Yanto Fitri Hendra Lestari Joko Ratna Made Wayan \
Ketut Nyoman Yohanes Maria Grace Ujang Asep Euis Dian Bayu Citra Galih Hesti Irfan Jihan Kartika Lukman Mega Novi Oki Qori Tri Umar Vina \
Wulan Xaverius Yusuf Zahra".split()
LAST = "Santoso Wijaya Saputra Lestari Hidayat Nugroho Pratama Siregar Nasution Simanjuntak Manurung Mandacan Kusuma Halim Gunawan Setiawan \
Rahman Hakim Susanto Tan Lim Wibowo Permata Utami Anggraini Maulana Ramadhan Fauzi Firmansyah Purba Ginting Rumbiak Latuconsina".split()
SHOP = "Toko Jaya Abadi|Sinar Motor Makmur|Berkah Collection|CV Maju Bersama|PT Karya Utama|Rumah Hijab|Gudang Elektronik|Kedai Kopi|Apotek Sehat|UD Sumber Rejeki".split("|")
STREET = "Sudirman Diponegoro Ahmad Yani Gatot Subroto Merdeka Pahlawan Kenanga Melati Mawar Cendrawasih Rajawali Gajah Mada Hayam Wuruk \
Imam Bonjol Kartini Yos Sudarso Veteran Pemuda Sumatra Bandung Surabaya Asia Afrika Kalimantan".split()
WORDS = "PENERIMA|PENGIRIM|Penerima:|Pengirim:|TO|FROM|Kepada:|Dari:|SHIPPER|RECEIVER|CONSIGNEE|Alamat|Berat|COD|NON COD|Cek dulu|No. Resi|REG|YES|OKE|CARGO|\
ECO|EXPRESS|Same Day|Layanan|Isi paket|Kode pos|Telp|HP|Kurir|Catatan|Fragile|JANGAN DIBANTING|Asuransi|Ongkir|Tanggal|Jumlah|Qty|Dropship|Terima kasih|ORIGIN|DEST|Kota|PCS|koli".split("|")
GOODS = "Masker Duckbill 50pcs|Baju anak|Sepatu pria size 42|Kabel USB-C 2m|Buku tulis|Hijab segi empat|Sambal 250gr|Casing HP|Lampu LED 12W|Kaos polos (L)|Tas wanita|Parfum 30ml".split(
    "|"
)
ASCII = [chr(c) for c in range(33, 127)]


class Phrases:
    def __init__(self, table: Path):
        with gzip.open(table, "rt", encoding="utf-8") as f:
            self.rows = [(r["province"], r["regency"], r["district"], r["village"], r["postal_code"]) for r in csv.DictReader(f)]

    def line(self, rng: np.random.Generator) -> str:
        kinds = [self.address, self.address, self.place, self.person, self.street, phone, code, number, word, five, noise, self.cut]
        text = kinds[rng.choice(len(kinds), p=[0.18, 0.12, 0.12, 0.08, 0.1, 0.06, 0.09, 0.06, 0.07, 0.04, 0.04, 0.04])](rng)
        return cased(text, rng)

    def place(self, rng) -> str:
        province, regency, district, village, post = self.rows[rng.integers(len(self.rows))]
        short = regency.replace("Kabupaten", pick(rng, ["Kab.", "Kabupaten", "KAB", ""]))
        parts = [pick(rng, ["", "Kel. ", "Desa ", "Ds. "]) + village, pick(rng, ["Kec. ", "", "KECAMATAN ", "Kec "]) + district, short.strip(), province, post]
        a = rng.integers(len(parts))
        return pick(rng, [", ", " - ", ",", ", "]).join(parts[a : a + rng.integers(1, 4)])

    def street(self, rng) -> str:
        road = pick(rng, ["Jl. ", "JL ", "Jalan ", "Jln. ", "Gg. ", "Perum "]) + pick(rng, STREET)
        parts = [f"No. {rng.integers(1, 300)}{pick(rng, ['', '', 'A', 'B', '/12'])}", f"RT {rng.integers(1, 20):02}/RW {rng.integers(1, 15):02}",
                 f"RT.{rng.integers(1, 20):03}/{rng.integers(1, 15):03}", f"Blok {pick(rng, 'ABCDEFGH')}{rng.integers(1, 30)}", f"KAV. {rng.integers(1, 60)}"]  # fmt: skip
        rng.shuffle(parts)
        return " ".join([road, *parts[: rng.integers(1, 3)]])

    def address(self, rng) -> str:
        return pick(rng, [", ", " ", ","]).join([self.street(rng), self.place(rng)])

    def cut(self, rng) -> str:
        words = self.address(rng).split()
        a = rng.integers(len(words))
        return " ".join(words[a : a + rng.integers(1, 4)])

    def person(self, rng) -> str:
        name = pick(rng, SHOP) if rng.random() < 0.25 else f"{pick(rng, FIRST)} {pick(rng, LAST)}"
        return name + (f" ({pick(rng, FIRST)})" if rng.random() < 0.08 else "")


def pick(rng, options):
    return options[rng.integers(len(options))]


def digits(rng, n: int) -> str:
    return "".join(map(str, rng.integers(0, 10, n)))


def phone(rng) -> str:
    d = digits(rng, 8)
    return pick(rng, [f"08{d[:2]}-{d[2:6]}-{d[4:]}", f"+62 8{d}", f"(+62) 8{d[0]}*******{d[1:3]}", f"08{d}{d[:2]}", f"08{d[:2]}-xxxx-{d[4:]}", f"628{d}", f"Telp. 08{d}", f"0{d[:3]} {d[3:]}"])


def code(rng) -> str:
    prefix = "".join(pick(rng, ASCII[32:58]) for _ in range(rng.integers(0, 5)))
    text = prefix + digits(rng, rng.integers(6, 15))
    if rng.random() < 0.25:
        text = " ".join(text[i : i + 4] for i in range(0, len(text), 4))
    if rng.random() < 0.15:
        text = f"{pick(rng, ['CGK', 'SUB', 'BDO', 'KNO', 'UPG'])}-{prefix[:3]}-{digits(rng, 2)}{pick(rng, 'ABCDXYZ')}"
    return pick(rng, ["", "", "No. Resi: ", "AWB ", "Resi "]) + text


def number(rng) -> str:
    n = rng.integers(1, 999)
    return pick(rng, [f"{n / 10:.1f} kg", f"Rp {n}.000", f"Rp{n}.{digits(rng, 3)},-", f"{n} gr", f"{rng.integers(1, 32):02}/{rng.integers(1, 13):02}/20{rng.integers(20, 30)}",
                      f"{rng.integers(0, 24):02}:{rng.integers(0, 60):02}", f"Berat: {n / 100:.2f} Kg", f"1/{rng.integers(1, 9)}", f"{n / 10:.1f} kg - {pick(rng, GOODS)}", f"{rng.integers(1, 9)}x {pick(rng, GOODS)}"])  # fmt: skip


def word(rng) -> str:
    return pick(rng, WORDS)


def five(rng) -> str:
    return pick(rng, ["", "", "Kode Pos ", "(", "ID "]) + digits(rng, 5)


def noise(rng) -> str:
    """Characters without sense: the net shall not guess from the neighbours alone, and every character shall be known."""
    words = ["".join(pick(rng, ASCII) for _ in range(rng.integers(1, 7))) for _ in range(rng.integers(1, 4))]
    return " ".join(words)


def cased(text: str, rng) -> str:
    r = rng.random()
    return text.upper() if r < 0.35 else text.lower() if r < 0.4 else text
