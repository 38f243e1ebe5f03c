"""Write labels as files: photographs, truth.csv, and lines.jsonl with the place of every line of text.

    python -m pilah_train.labels --addresses id_addresses.csv.gz --out val --count 5000 --seed 2 --layouts kept-out
    python -m pilah_train.labels --addresses id_addresses.csv.gz --out neg --count 1000 --layouts kept-out --kind negative

The same seed gives the same pictures. A stopped run goes on where it stopped: the same command again, also with more --count.
"""

import argparse
import csv
import itertools
import json
import multiprocessing
import os
import sys
from pathlib import Path

import cv2
from tqdm import tqdm

from ..recipe import Fault, replace_file, said
from . import generator
from .photograph import Picture
from .scenes import COLUMNS

# Folders by the names that the daemon's [read] has for regions; the truth has those of a depot's lanes.
REGIONS = {"REG_JAWA": "JAWA", "REG_LUARJAWA": "LUAR_JAWA"}

_places = None


def _start(addresses: str | None) -> None:
    global _places
    cv2.setNumThreads(1)
    _places = generator.Places.load(addresses)


def _make(job: tuple) -> tuple[bytes, dict, dict]:
    seed, number, layouts, kind, difficulty = job
    picture = generator.make(seed, number, layouts, kind, _places, difficulty)
    return picture.jpeg, picture.truth, geometry(picture)


def geometry(picture: Picture) -> dict:
    """Where everything is, as plain values."""
    plain = lambda rows: [row | {"quad": [[float(c) for c in corner] for corner in row["quad"]]} for row in rows]  # noqa: E731
    h, w = picture.image.shape[:2]
    parts = {name: plain(getattr(picture, name)) for name in ("labels", "lines", "codes", "boxes")}
    return {"size": [w, h], **parts}


def _ends(path: Path) -> list[int]:
    """How many bytes no row takes, the first row, the first two, and so on as far as rows are whole."""
    path.touch()
    with path.open("rb") as file:
        return [0, *itertools.accumulate(len(row) for row in file if row.endswith(b"\n"))]


def _resumed(truth: Path, lines: Path) -> int:
    """How many pictures are there. A stop or a full disk leaves half a row, or a row in one file alone: both files end with their
    last common whole one again."""
    rows, places = _ends(truth), _ends(lines)
    there = max(0, len(rows) - 2), len(places) - 1  # the table has a header
    done = min(there)
    if not done and max(there) > 1:
        raise Fault(f"{truth} has {there[0]} pictures and {lines} {there[1]}: not of one run; give another --out")
    os.truncate(truth, rows[done + 1] if done else 0)
    os.truncate(lines, places[done])
    return done


def _same_as_before(kept: Path, asked: dict, done: int) -> None:
    """Other settings would mix other pictures into those that are there."""
    if done and kept.exists() and (before := json.loads(kept.read_text())) != asked:
        other = ", ".join(f"{k} {before.get(k)!r}, not {v!r}" for k, v in asked.items() if before.get(k) != v)
        raise Fault(f"the pictures in {kept.parent} were made with {other}; ask for the same, or give another --out")
    replace_file(kept, json.dumps(asked))


@said
def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser("pilah_train.labels", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--count", type=int, default=100, help="pictures, those that are there already included (%(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--layouts", choices=["train", "kept-out", "all"], default="train")
    parser.add_argument("--kind", choices=["label", "negative", "two", "mixed", "mail"], default="label")
    parser.add_argument("--difficulty", choices=list(generator.DIFFICULTIES), default="", help="only pictures of this difficulty")
    parser.add_argument("--by-region", action="store_true", help="into one folder a region, for a classifier of whole labels")
    parser.add_argument("--addresses", help="table of villages; $PILAH_ADDRESSES if not given")
    parser.add_argument("--digits", help="MNIST's folder, for mail; $PILAH_DIGITS if not given")
    parser.add_argument("--jobs", type=int, default=1, help="processes (%(default)s)")
    args = parser.parse_args()
    if args.digits:
        os.environ["PILAH_DIGITS"] = args.digits
    args.out.mkdir(parents=True, exist_ok=True)
    truth, where = args.out / "truth.csv", args.out / "lines.jsonl"
    done = _resumed(truth, where)
    asked = ("seed", "layouts", "kind", "difficulty", "by_region")
    _same_as_before(args.out / "settings.json", {name: getattr(args, name) for name in asked}, done)
    jobs = [(args.seed, number, args.layouts, args.kind, args.difficulty) for number in range(done, args.count)]
    if jobs:  # fonts, places or digits that are missing end the command here; a worker's end would leave it waiting
        _start(args.addresses)
        _make(jobs[0])
    with (
        truth.open("a", newline="", encoding="utf-8") as table,
        where.open("a", encoding="utf-8") as lines,
        multiprocessing.Pool(args.jobs, _start, (args.addresses,)) as pool,
    ):
        rows = csv.DictWriter(table, COLUMNS, lineterminator="\n")
        if not done:
            rows.writeheader()
        bar = tqdm(pool.imap(_make, jobs), total=args.count, initial=args.count - len(jobs), unit="picture", dynamic_ncols=True)
        for (_, number, *_), (jpeg, row, places) in zip(jobs, bar):
            name = f"{number + 1:05}.jpg"
            if args.by_region:
                name = f"{REGIONS.get(row['region'], 'unknown')}/{name}"
                (args.out / name).parent.mkdir(exist_ok=True)
            (args.out / name).write_bytes(jpeg)
            rows.writerow({"file": name} | row)
            lines.write(json.dumps({"file": name} | places) + "\n")
            table.flush()
            lines.flush()
    print(f"{args.count} pictures in {args.out}")


if __name__ == "__main__":
    sys.exit(main())
