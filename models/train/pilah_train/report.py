"""Writes what was measured into the model card: tables between two marks in README.md, and three small pictures."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from . import figures, modelfile
from .prepare import Item
from .recipe import Fault, Recipe, replace_file

BEGIN, END = "<!-- figures: written by pilah_train, do not edit -->", "<!-- end of figures -->"


def report(recipe: Recipe, items: list[Item], out: Path, folder: Path) -> None:
    if not (out / "test.npz").exists():
        raise Fault(f"{out} holds no measurements; run the step `evaluate` first")
    kept = np.load(out / "test.npz")
    p, y, sources, ids = kept["p"], kept["y"], kept["sources"], recipe.ids
    model = modelfile.read(folder)
    _confusion(figures.confusion(p, y), ids, folder / "confusion.png")
    _reliability(modelfile.softmax(kept["int8_logits"]), p, y, folder / "reliability.png")
    _risk(p, y, folder / "risk-coverage.png")
    parts = [
        BEGIN, _headline(model["metrics"]), _classes(p, y, ids, model), _sources(p, y, sources, ids, model), _epochs(out),
        "![Confusion matrix](confusion.png)\n\n![Reliability](reliability.png)",
        "![Risk against coverage](risk-coverage.png)", END,
    ]  # fmt: skip
    path = folder / "README.md"
    old = path.read_text() if path.exists() else f"# {recipe.name}\n\n{BEGIN}\n{END}\n"
    if BEGIN not in old or END not in old:
        old += f"\n{BEGIN}\n{END}\n"
    before, after = old.split(BEGIN)[0], old.split(END)[1]
    replace_file(path, before + "\n\n".join(parts) + after)
    print(f"{path} written")


def _headline(m: dict) -> str:
    rows = [
        ("test pictures", f"{m['test_pictures']:.0f}"),
        ("accuracy, int8", _percent(m["test_accuracy_int8"])),
        ("accuracy, float", _percent(m["test_accuracy_float"])),
        ("int8 and float agree", _percent(m["int8_float_agreement"])),
        ("macro recall (without unknown)", _percent(m["macro_recall"])),
        ("ECE before, after temperature", f"{_percent(m['ece_before'])}, {_percent(m['ece_after'])}"),
        ("known items that get a lane", _percent(m["lane_share"])),
        ("of what gets a lane, right", _percent(m["lane_precision"])),
    ]
    if "unknown_rejected" in m:
        rows.append(("unknown things that get no lane", _percent(m["unknown_rejected"])))
    if "photos_accuracy_int8" in m:
        rows += [
            (
                "photographs alone: accuracy, macro recall",
                f"{_percent(m['photos_accuracy_int8'])}, {_percent(m['photos_macro_recall'])}",
            ),
            (
                "photographs alone: get a lane, of these right",
                f"{_percent(m['photos_lane_share'])}, {_percent(m['photos_lane_precision'])}",
            ),
        ]
    if "augmented_accuracy_int8" in m:
        rows.append(("accuracy with the training's random changes (up to 500 pictures)", _percent(m["augmented_accuracy_int8"])))
    return "| int8, test split, thresholds as shipped | |\n|---|---|\n" + "\n".join(f"| {a} | {b} |" for a, b in rows)


def _classes(p, y, ids, model) -> str:
    lines = _head("class", "precision", "recall", "F1", "pictures", "threshold")
    for c, (name, f) in zip(model["class"], figures.by_class(p, y, ids).items()):
        rates = [_percent(f[k]) for k in ("precision", "recall", "f1")]
        lines.append(_row(name, *rates, f["support"], c["threshold"]))
    return "\n".join(lines)


def _sources(p, y, sources, ids, model) -> str:
    if len(set(sources)) < 2:
        return ""
    lane = figures.lanes(p, ids, modelfile.limits(model))
    lines = _head("source", "class", "pictures", "accuracy", "gets a lane", "of these right")
    for source in sorted(set(sources)):
        for k in sorted(set(y[sources == source])):
            part = (sources == source) & (y == k)
            sure = part & (lane >= 0)
            right = _percent((lane == y)[sure].mean()) if sure.any() else "-"
            accuracy = _percent((p.argmax(1) == y)[part].mean())
            lines.append(_row(source, ids[k], part.sum(), accuracy, _percent(sure.sum() / part.sum()), right))
    return "\n".join(lines)


def _epochs(out: Path) -> str:
    """The table of the third paper: what each epoch brought, on validation."""
    if not (out / "epochs.json").exists():
        return ""
    lines = _head("epoch", "training loss", "validation loss", "validation accuracy", "validation macro recall with unknown")
    for e in json.loads((out / "epochs.json").read_text()):
        loss = "before" if e["epoch"] == 0 else f"{e['loss']:.3f}"
        rates = [_percent(e["validation_accuracy"]), _percent(e["validation_macro_recall"])]
        lines.append(_row(e["epoch"], loss, f"{e['validation_loss']:.3f}", *rates))
    return "\n".join(lines)


def _head(*names) -> list[str]:
    return [_row(*names), "|" + "---|" * len(names)]


def _row(*cells) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _percent(v: float) -> str:
    return "-" if np.isnan(v) else f"{100 * v:.2f}%"


def _confusion(table: np.ndarray, ids: list[str], path: Path) -> None:
    share = table / np.maximum(table.sum(1, keepdims=True), 1)
    fig, ax = plt.subplots(figsize=(6, 5.4))
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (a, b), n in np.ndenumerate(table):
        if n:
            ax.text(b, a, str(n), ha="center", va="center", fontsize=7, color="white" if share[a, b] > 0.5 else "black")
    ax.set_xticks(range(len(ids)), ids, rotation=60, ha="right")
    ax.set_yticks(range(len(ids)), ids)
    ax.set_xlabel("called")
    ax.set_ylabel("is")
    _save(fig, path)


def _reliability(raw: np.ndarray, p: np.ndarray, y: np.ndarray, path: Path, bins: int = 10) -> None:
    fig, ax = plt.subplots(figsize=(4.6, 4))
    ax.plot([0, 1], [0, 1], color="0.7", lw=1)
    for q, name in ((raw, "before"), (p, "after temperature")):
        top, right = q.max(1), q.argmax(1) == y
        at = np.minimum((top * bins).astype(int), bins - 1)
        there = [b for b in range(bins) if (at == b).sum() >= 5]
        ax.plot([top[at == b].mean() for b in there], [right[at == b].mean() for b in there], "o-", ms=3, label=name)
    ax.set_xlabel("confidence")
    ax.set_ylabel("accuracy")
    ax.legend()
    _save(fig, path)


def _risk(p: np.ndarray, y: np.ndarray, path: Path) -> None:
    coverage, risk = figures.risk_coverage(p, y)
    fig, ax = plt.subplots(figsize=(4.6, 4))
    ax.plot(100 * coverage, 100 * risk)
    ax.set_xlabel("items decided, surest first (%)")
    ax.set_ylabel("of these wrong (%)")
    ax.set_ylim(bottom=0)
    _save(fig, path)


def _save(fig, path: Path) -> None:
    fig.tight_layout()
    fig.savefig(path, dpi=80, metadata={"Software": None})
    plt.close(fig)
