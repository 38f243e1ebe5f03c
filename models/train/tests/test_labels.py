"""The label generator on a handful of well-known places."""

import csv
import json
import multiprocessing.dummy
import random
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from pilah_train.labels import __main__ as command
from pilah_train.labels import code128, fonts, generator, layouts, rate, slips, words
from pilah_train.labels.places import Place, Places
from pilah_train.recipe import Fault

PLACES = """Jawa Barat|Kota Bandung|Coblong|Dago|40135
Jawa Timur|Kota Surabaya|Gubeng|Airlangga|60286
Jawa Tengah|Kabupaten Magelang|Muntilan|Muntilan|56411
Daerah Khusus Ibukota Jakarta|Kota Administrasi Jakarta Timur|Kramatjati|Cililitan|13640
Banten|Kota Tangerang|Cipondoh|Poris|15141
Sumatera Utara|Kota Medan|Medan Baru|Padang Bulan|20155
Sulawesi Selatan|Kota Makassar|Panakkukang|Masale|90231
Bali|Kota Denpasar|Denpasar Selatan|Sanur|80228
Kalimantan Selatan|Kabupaten Banjar|Martapura|Keraton|70611
Jawa Barat|Kota Banjar|Pataruman|Hegarsari|46322"""


@pytest.fixture(scope="module")
def places():
    return Places([Place(*line.split("|")) for line in PLACES.splitlines()])


def installed():
    try:
        return bool(fonts.families())
    except Fault:
        return False


drawn = pytest.mark.skipif(not installed(), reason="the fonts that labels are set in are not installed")


def test_the_first_digit_of_every_printed_code_decides_the_region(places):
    rng = random.Random(1)
    for _ in range(300):
        waybill = words.draw(rng, places)
        for who in (waybill.recipient, waybill.sender):
            assert (who.place.postal_code[0] in "1456") == (who.place.region == "REG_JAWA")
            if who.says("postal"):
                assert who.place.postal_code in who.says("postal").replace(" ", "")


def test_about_a_fifth_of_addresses_have_no_postal_code_and_all_say_where(places):
    rng = random.Random(2)
    parties = [words.draw(rng, places).recipient for _ in range(1000)]
    assert 0.15 < np.mean([not who.says("postal") for who in parties]) < 0.25
    assert all(who.says("postal") or who.says("regency") or who.says("province") for who in parties)


def test_a_regency_of_two_regions_keeps_its_kind(places):
    assert places.ambiguous == {"Banjar"}
    for k in range(200):
        written = slips.regency(random.Random(k), "Kabupaten Banjar", True)
        assert written.lower().startswith("kab")


def test_lines_hold_only_known_characters_and_repeat_with_their_seed(places):
    rng, again = random.Random(3), random.Random(3)
    for _ in range(100):
        lines = words.lines(rng, places)
        assert lines == words.lines(again, places)
        assert {c for text, _ in lines for c in text} <= set(words.CHARACTERS)
        assert {role for _, role in lines} <= set(words.ROLES)


def test_code_128_has_the_check_symbol_of_the_standard():
    assert code128.values("PJJ123C") == [104, 48, 42, 42, 17, 18, 19, 35, 55, 106]
    assert code128.values("123456") == [105, 12, 34, 56, 44, 106]
    assert len(code128.modules("123456")) == 11 * 5 + 13
    with pytest.raises(ValueError):
        code128.values("Jl. Café")


@pytest.mark.parametrize("text", ["SPXID025686384411", "00663561269", "P2722795941323", "A1", "12345", "AB1234CD"])
def test_code_128_says_the_text_it_was_given(text):
    values, said, in_c = code128.values(text), "", None
    for value in values[:-2]:
        if value in (code128.START_B, code128.TO_B) and (in_c is not False):
            in_c = False
        elif value in (code128.START_C, code128.TO_C) and (in_c is not True):
            in_c = True
        else:
            said += f"{value:02}" if in_c else chr(value + 32)
    assert said == text


@drawn
@pytest.mark.parametrize("kind", ["label", "negative:covered", "negative:two"])
def test_a_picture_depends_on_its_seed_and_number_alone(places, kind):
    a, b = (generator.make(7, 3, "train", kind, places, "easy", (1280, 720)) for _ in range(2))
    assert a.jpeg == b.jpeg and a.truth == b.truth
    assert a.image.shape == (720, 1280, 3)
    assert bool(a.truth["region"]) == (kind == "label")


@drawn
def test_the_recipient_is_in_view_and_its_corners_are_in_reading_order(places):
    for number in range(6):
        picture = generator.make(8, number, "all", "label", places, "easy", (1280, 720))
        lines = [line for line in picture.lines if line["role"] == "recipient"]
        assert lines and all(line["visible"] for line in lines)
        for line in lines:
            a, b, c, d = line["quad"]
            across, down = b - a, d - a
            assert across[0] * down[1] - across[1] * down[0] > 0  # clockwise: never mirrored
            assert np.linalg.norm(c - b - down) < 0.2 * np.linalg.norm(down) + 2
        text = "".join(line["text"] for line in lines).replace(" ", "")
        assert (picture.truth["recipient_postal_code"] in text) or not picture.truth["has_postal_code_text"]


@drawn
def test_a_covered_recipient_is_not_visible(places):
    picture = generator.make(9, 0, "train", "negative:covered", places, "easy", (1280, 720))
    assert not any(line["visible"] for line in picture.lines if line["role"] == "recipient")


def test_layouts_that_are_kept_out_are_never_training_s():
    assert len(layouts.names("kept-out")) == 4 and len(layouts.names("train")) >= 10
    assert not set(layouts.names("kept-out")) & set(layouts.names("train"))


@drawn
def test_typefaces_that_are_kept_out_are_never_training_s_and_half_of_validation_s():
    rng = random.Random(4)
    assert not any(fonts.pick(rng, "train").kept_out for _ in range(300))
    assert 0.4 < np.mean([fonts.pick(rng, "kept-out").kept_out for _ in range(300)]) < 0.6


def test_typefaces_for_validation_alone_are_asked_for(monkeypatch):
    rows = [[cell.strip() for cell in row.split("|")] for row in fonts.TABLE.strip().splitlines()]
    monkeypatch.setattr(fonts, "_files", lambda: {file: file for row in rows if row[4] != "x" for file in row[1:3]})
    with pytest.raises(Fault, match="0 for validation alone are installed.*fonts-hack"):
        fonts.families.__wrapped__()


@pytest.fixture
def generated(tmp_path, monkeypatch, places):
    """The command that writes labels, its pictures blank: three of them are there."""

    def make(seed, number, *_):
        parts = dict.fromkeys(("lines", "codes", "boxes", "labels"), [])
        return SimpleNamespace(jpeg=b"jpeg", truth={"awb": f"{seed}-{number}"}, image=np.zeros((2, 2, 3)), **parts)

    def write(count, *more):
        monkeypatch.setattr(sys, "argv", ["labels", "--out", str(tmp_path), "--count", str(count), *more])
        return command.main()

    monkeypatch.setattr(generator, "make", make)
    monkeypatch.setattr(Places, "load", lambda _: places)
    monkeypatch.setattr(multiprocessing, "Pool", multiprocessing.dummy.Pool)
    assert write(3) == 0
    return tmp_path, write


@pytest.mark.parametrize(
    "truth,lines",
    [
        (lambda rows: rows[:1], lambda rows: []),  # the header alone
        (lambda rows: [], lambda rows: []),
        (lambda rows: [*rows[:2], rows[2][:9]], lambda rows: rows[:1]),  # a full disk
        (lambda rows: rows[:3], lambda rows: [rows[0], rows[1][:9]]),
        (lambda rows: rows, lambda rows: rows[:2]),  # stopped between the two files
        (lambda rows: rows[:3], lambda rows: rows),
    ],
)
def test_a_stopped_run_goes_on_after_the_last_whole_row_of_both_files(generated, truth, lines):
    folder, write = generated
    whole = {}
    for name, stopped in (("truth.csv", truth), ("lines.jsonl", lines)):
        whole[name] = (folder / name).read_text()
        (folder / name).write_text("".join(stopped(whole[name].splitlines(keepends=True))))
    assert write(3) == 0
    assert {name: (folder / name).read_text() for name in whole} == whole


def test_pictures_of_other_settings_are_not_mixed_in(generated, capsys):
    folder, write = generated
    for other in (["--seed", "2"], ["--layouts", "kept-out"], ["--kind", "mixed"], ["--difficulty", "easy"], ["--by-region"]):
        assert write(5, *other) == 1 and "give another --out" in capsys.readouterr().err
    assert write(5) == 0 and len((folder / "truth.csv").read_text().splitlines()) == 6
    (folder / "lines.jsonl").unlink()  # a truth that another program wrote
    assert write(6) == 1 and len((folder / "truth.csv").read_text().splitlines()) == 6


def test_the_rating_counts_lanes_senders_negatives_and_fields(tmp_path):
    columns = "file region sender_region recipient_postal_code recipient_province recipient_regency awb "
    columns += "has_postal_code_text difficulty note layout"
    truth = [
        ("1.jpg", "REG_JAWA", "REG_LUARJAWA", "40135", "Jawa Barat", "Kota Bandung", "A1", "1", "easy", "", ""),
        ("2.jpg", "REG_JAWA", "REG_LUARJAWA", "60286", "Jawa Timur", "Kota Surabaya", "A2", "1", "medium", "", ""),
        ("3.jpg", "REG_LUARJAWA", "REG_JAWA", "20155", "Sumatera Utara", "Kota Medan", "A3", "0", "hard", "", ""),
        ("4.jpg", "", "", "", "", "", "", "", "easy", "negative:foreign;bg=pink", ""),
        ("5.jpg", "REG_JAWA", "REG_JAWA", "13640", "Daerah Khusus Ibukota Jakarta", "", "", "0", "easy", "mail", "mail-220x110"),
    ]
    with (tmp_path / "truth.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns.split(), *truth])
    read = lambda value: {"value": value, "confidence": 0.9}  # noqa: E731
    answers = [
        {
            "file": "a/1.jpg",
            "lane": "jawa",
            "sorted": True,
            "readings": {"postal_code": read("40135"), "awb": read("A1")},
            "stages_ms": {"read": 40},
        },
        {
            "file": "a/2.jpg",
            "lane": "luar-jawa",
            "sorted": True,
            "readings": {"postal_code": read("90231"), "awb": None},
            "stages_ms": {"read": 60},
        },
        {"file": "a/3.jpg", "lane": "manual", "sorted": False, "reason": "unsure", "readings": None},
        {"file": "a/4.jpg", "lane": "luar-jawa", "sorted": True, "class": "REG_LUARJAWA"},
        {"file": "a/5.jpg", "lane": "jawa", "sorted": True, "readings": {"postal_code": read("13640")}},
    ]
    (tmp_path / "answers.jsonl").write_text("\n".join(map(json.dumps, answers)))
    figures = rate.rate(rate.join(tmp_path / "answers.jsonl", tmp_path / "truth.csv"))
    assert figures["right_of_sorted"] == 0.5 and figures["wrong"] == ["2.jpg"]
    assert figures["sender_for_recipient"] == pytest.approx(1 / 3)
    assert figures["easy_and_medium"] == {"sorted": 1, "postal_code": 0.5, "awb": 0.5}
    assert figures["hard"]["sorted"] == 0 and figures["hard"]["postal_code"] is None
    assert figures["negatives_sorted"] == 1 and figures["negatives_by_kind"] == {"foreign": [1, 1]}
    assert figures["not_sorted_because"] == {"unsure": 1} and figures["cpu_ms"]["p50"] == 50
    assert figures["mail"] == {"letters": 1, "five_digits": 1, "sorted": 1, "right_of_sorted": 1}
    assert any(what.startswith("mail") for what, *_ in rate.table(figures))


def test_a_table_of_villages_that_is_none_is_said(tmp_path):
    with pytest.raises(Fault, match="reading the table of villages"):
        Places.load(tmp_path / "gone.csv")
    (tmp_path / "villages.csv").write_text("province,regency\nBali,Kota Denpasar\n")
    with pytest.raises(Fault, match="lacks district, postal_code, village"):
        Places.load(tmp_path / "villages.csv")


def test_pictures_without_an_answer_are_no_refusals_and_are_found_in_folders_of_regions(tmp_path, monkeypatch, capsys):
    columns = ["file", "region", "difficulty", "note", "awb", "has_postal_code_text", "recipient_province", "recipient_regency"]
    columns += ["recipient_postal_code", "sender_region"]
    truth = [("JAWA/00001.jpg", "REG_JAWA"), *((f"unknown/0000{n}.jpg", "") for n in range(2, 6))]
    with (tmp_path / "truth.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns, *((name, region, "easy", "negative:two", *[""] * 6) for name, region in truth)])
    answers = [
        {"file": "val/JAWA/00001.jpg", "lane": "jawa", "sorted": True},
        {"file": "val/unknown/00002.jpg", "lane": "jawa", "sorted": True},
        {"file": "val/unknown/00003.jpg", "lane": "manual", "sorted": False},
        {"file": "val/unknown/00004.jpg", "error": "no picture"},
    ]
    (tmp_path / "answers.jsonl").write_text("\n".join(map(json.dumps, answers)))
    figures = rate.rate(rate.join(tmp_path / "answers.jsonl", tmp_path / "truth.csv"))
    assert figures["right_of_sorted"] == 1 and figures["unanswered"] == 2
    assert figures["negatives_sorted"] == 0.5 and figures["negatives_by_kind"] == {"two": [1, 2]}
    assert ("pictures without an answer", "2", "0") in rate.table(figures)
    given = ["--answers", str(tmp_path / "answers.jsonl"), "--truth", str(tmp_path / "truth.csv")]
    (tmp_path / "answers.jsonl").write_text(json.dumps({"file": "other.jpg"}))
    for said in ("no picture of", "No such file"):
        monkeypatch.setattr(sys, "argv", ["rate", *given])
        assert rate.main() == 1 and said in capsys.readouterr().err
        (tmp_path / "answers.jsonl").unlink(missing_ok=True)
