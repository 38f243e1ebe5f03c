"""Measures a shipped model folder on any folder per class, with the figures of `pilah evaluate`: to compare the two engines."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from . import figures, modelfile, pictures
from .prepare import SUFFIXES
from .recipe import Fault, Input, said


def score(folder: Path, data: Path) -> dict:
    model = modelfile.read(folder)
    if "class" not in model:
        raise Fault(f"{folder} has no classes; what reads labels is measured by pilah_train.reading.score")
    i, ids = Input(**model["input"]), [c["id"] for c in model["class"]]
    tensors, y, wrong = [], [], []
    for sub in sorted(p for p in data.iterdir() if p.is_dir()):
        if sub.name not in ids:
            raise Fault(f"{sub}: `{sub.name}` is no class of {folder} ({', '.join(ids)})")
        for path in sorted(p for p in sub.rglob("*") if p.suffix.lower() in SUFFIXES):
            try:
                tensors.append(pictures.read(path, i))
                y.append((ids.index(sub.name), path))
            except pictures.UNREADABLE as e:
                wrong.append(f"{path}: {e}")
    if not tensors:
        raise Fault(f"{data} holds no readable picture in a folder per class")
    logits = modelfile.Reference(folder / model["file"]).logits_of(tensors)
    p, truth = modelfile.softmax(logits, model["output"]["temperature"]), np.array([k for k, _ in y])
    coverage, risk = figures.risk_coverage(p, truth)
    at = [max(0, round(c * len(truth)) - 1) for c in np.linspace(0.1, 1, 10)]
    return {
        "n": len(truth),
        "unreadable": wrong,
        "accuracy": float((p.argmax(1) == truth).mean()),
        "macro_recall": figures.macro_recall(p, truth, ids),
        **figures.sorting(p, truth, ids, modelfile.limits(model)),
        "ece": figures.ece(p, truth),
        "per_class": {k: v for k, v in figures.by_class(p, truth, ids).items() if v["support"]},
        "confusion": figures.confusion(p, truth).tolist(),
        "risk_coverage": [[float(coverage[n]), float(risk[n])] for n in at],
        "errors": [[str(path), ids[int(q.argmax())], round(float(q.max()), 3)] for (k, path), q in zip(y, p) if q.argmax() != k],
    }


@said
def main() -> None:
    p = argparse.ArgumentParser(prog="pilah_train.score", description=__doc__)
    p.add_argument("model", type=Path)
    p.add_argument("data", type=Path)
    a = p.parse_args()
    print(json.dumps(score(a.model, a.data), indent=1))


if __name__ == "__main__":
    sys.exit(main())
