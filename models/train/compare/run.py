"""Let an OCR engine read labels as a user would who has no pilah: answers to rate with `pilah_train.labels.rate`.

    pip install rapidocr-onnxruntime pytesseract rapidfuzz
    apt-get install tesseract-ocr tesseract-ocr-ind
    python compare/run.py --engine rapidocr --pictures val --truth val/truth.csv --addresses villages.csv --out answers.jsonl

With --derotate the truth's rotation is undone first, which no user could; without it the engine has to cope: RapidOCR reads
turned lines by itself, for Tesseract the best of four quarter turns is taken.
"""

import argparse
import csv
import json
import math
import os
import resource
from pathlib import Path

import cv2
import numpy as np
from parse import Line, Places, answer
from tqdm import tqdm


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    """The picture turned back by this many degrees, on a canvas that holds all of it."""
    h, w = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((w / 2, h / 2), degrees, 1)
    c, s = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (int(h * s + w * c), int(h * c + w * s))
    matrix[:, 2] += np.array(size) / 2 - (w / 2, h / 2)
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderValue=(128, 128, 128))


class RapidOcr:
    """RapidOCR with the models of its wheel."""

    def __init__(self):
        from rapidocr_onnxruntime import RapidOCR

        self.engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)

    def read(self, image: np.ndarray) -> list[list[Line]]:
        """Lines as seen upright: once as the boxes lie and once the other way up."""
        found, _ = self.engine(image)
        if not found:
            return [[]]
        boxes = [(np.array(box), text, float(score)) for box, text, score in found]
        angles = []
        for box, text, _ in boxes:
            a, b = box[1] - box[0], box[2] - box[1]
            long = a if np.linalg.norm(a) > np.linalg.norm(b) else b
            angles += [math.atan2(long[1], long[0])] * len(text)
        twice = np.exp(2j * np.array(angles)).sum()
        angle = np.angle(twice) / 2
        ways = []
        for way in (angle, angle + math.pi):
            turn = np.array([[math.cos(way), -math.sin(way)], [math.sin(way), math.cos(way)]])
            lines = []
            for box, text, score in boxes:
                p = box @ turn
                lines.append(Line(text, *p.min(0), *p.max(0), score))
            ways.append(lines)
        return ways


class Tesseract:
    """Tesseract with the Indonesian model, looking for text anywhere."""

    def __init__(self, quarter_turns: bool):
        import pytesseract

        self.tool, self.turns = pytesseract, (0, 90, 180, 270) if quarter_turns else (0,)

    def read(self, image: np.ndarray) -> list[list[Line]]:
        """Lines of the quarter turn whose words are surest."""
        best, score = [], -1.0
        for turn in self.turns:
            picture = np.ascontiguousarray(np.rot90(image, turn // 90))
            grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
            data = self.tool.image_to_data(grey, lang="ind+eng", config="--psm 11", output_type=self.tool.Output.DICT)
            lines, sure = self._lines(data)
            if sure > score:
                best, score = lines, sure
        return [best]

    @staticmethod
    def _lines(data) -> tuple[list[Line], float]:
        rows: dict = {}
        for k, text in enumerate(data["text"]):
            if text.strip() and float(data["conf"][k]) > 20:
                rows.setdefault((data["block_num"][k], data["par_num"][k], data["line_num"][k]), []).append(k)
        lines, sure = [], 0.0
        for keys in rows.values():
            x0, y0 = min(data["left"][k] for k in keys), min(data["top"][k] for k in keys)
            x1 = max(data["left"][k] + data["width"][k] for k in keys)
            y1 = max(data["top"][k] + data["height"][k] for k in keys)
            confidence = float(np.mean([float(data["conf"][k]) for k in keys])) / 100
            text = " ".join(data["text"][k] for k in keys)
            lines.append(Line(text, x0, y0, x1, y1, confidence))
            sure += confidence * len(text)
        return lines, sure


def cpu() -> float:
    """Seconds of processor time of this process and its children so far."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def answered(path: Path) -> set[str]:
    """The pictures whose answers are there; half a line, where a run was stopped, is cut off."""
    path.touch()
    whole = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    os.truncate(path, sum(map(len, whole)))
    return {json.loads(line)["file"] for line in whole}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--engine", choices=["rapidocr", "tesseract"], required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--addresses", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=0, help="only the first so many pictures")
    parser.add_argument("--derotate", action="store_true", help="undo the truth's rotation first")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    places = Places(args.addresses)
    engine = RapidOcr() if args.engine == "rapidocr" else Tesseract(not args.derotate)
    with args.truth.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows = rows[: args.count] if args.count else rows
    done = answered(args.out)  # a stopped run goes on
    rows = [row for row in rows if row["file"] not in done]
    with args.out.open("a", encoding="utf-8") as out:
        for row in tqdm(rows, unit="picture"):
            image = cv2.imread(str(args.pictures / row["file"]))
            start = cpu()
            if args.derotate and row["rotation_deg"]:
                image = turned(image, float(row["rotation_deg"]))
            ways = engine.read(image)
            found = max((answer(lines, places) for lines in ways), key=lambda a: a["evidence"])
            took = 1000 * (cpu() - start)
            read = [[vars(line) for line in lines] for lines in ways]
            out.write(json.dumps({"file": row["file"], **found, "cpu_ms": took, "read": read}, default=float) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
