"""The forty pictures that ship with the project as demo and test data: labels, negatives and mail.

python -m pilah_train.labels.sample --out ../label-lines/demo
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import cv2

from ..recipe import said
from . import generator
from .__main__ import geometry
from .scenes import COLUMNS

# kind, layouts, difficulty, how many
PLAN = [
    ("label", "train", "easy", 6),
    ("label", "kept-out", "easy", 5),
    ("label", "train", "medium", 5),
    ("label", "kept-out", "medium", 4),
    ("label", "all", "hard", 4),
    ("negative:foreign", "all", "easy", 2),
    ("negative:covered", "all", "easy", 2),
    ("negative:two", "all", "easy", 2),
    ("negative:out", "all", "easy", 1),
    ("negative:blurred", "all", "medium", 1),
    ("negative:stickers", "all", "easy", 1),
    ("negative:nolabel", "all", "easy", 1),
    ("mail", "kept-out", "easy", 4),
    ("mail", "kept-out", "medium", 2),
]
SEED = 45
SMALL = 95_000
"bytes that a picture may have, to keep the project's files small"


@said
def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser("pilah_train.labels.sample", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    places, number = generator.Places.load(), 0
    with (
        (args.out / "truth.csv").open("w", newline="", encoding="utf-8") as table,
        (args.out / "lines.jsonl").open("w", encoding="utf-8") as lines,
    ):
        rows = csv.DictWriter(table, COLUMNS, lineterminator="\n")
        rows.writeheader()
        for kind, layouts, difficulty, count in PLAN:
            for _ in range(count):
                picture = generator.make(SEED, number, layouts, kind, places, difficulty, (1280, 720))
                for quality in range(88, 40, -4):
                    jpeg = cv2.imencode(".jpg", picture.image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
                    if len(jpeg) < SMALL:
                        break
                number += 1
                name = f"{number:04}.jpg"
                (args.out / name).write_bytes(jpeg)
                rows.writerow({"file": name} | picture.truth)
                lines.write(json.dumps({"file": name} | geometry(picture)) + "\n")
    print(f"{number} pictures in {args.out}")


if __name__ == "__main__":
    sys.exit(main())
