"""Measures a model folder on the test split, which no choice has seen: int8 as shipped against float, by class and source."""

import json
from pathlib import Path

import numpy as np

from . import figures, modelfile, training
from .prepare import Item
from .recipe import Fault, Recipe, replace_file

AUGMENTED_PICTURES = 500


def evaluate(recipe: Recipe, items: list[Item], out: Path, folder: Path, workers: int = 2) -> dict:
    from .export import int8_logits

    model = modelfile.read(folder)
    if modelfile.sha256(folder / model["file"]) != model["sha256"]:
        raise Fault(f"{folder / model['file']} is not the file that model.toml describes (sha256)")
    test = [x for x in items if x.split == "test"]
    if not test:
        raise Fault("there is no test part; raise [data] test or add pictures")
    y, sources = np.array([x.label for x in test]), np.array([x.source for x in test])
    logits = int8_logits(recipe, test, folder / model["file"], "int8, test")
    net = training.best_net(recipe, items, out)
    exact = training.logits_of(recipe, net, test, training.pick_device("cpu"), workers, "float, test")
    heat, limits = model["output"]["temperature"], modelfile.limits(model)
    p, ids = modelfile.softmax(logits, heat), recipe.ids
    metrics = {
        "test_pictures": float(len(y)),
        "test_accuracy_int8": float((p.argmax(1) == y).mean()),
        "test_accuracy_float": float((exact.argmax(1) == y).mean()),
        "int8_float_agreement": float((exact.argmax(1) == p.argmax(1)).mean()),
        "macro_recall": figures.macro_recall(p, y, ids),
        "ece_before": figures.ece(modelfile.softmax(logits), y),
        "ece_after": figures.ece(p, y),
        **figures.sorting(p, y, ids, limits),
    }
    photos = sources != "renders"
    if not photos.all():  # rated apart: renders of one program resemble each other
        metrics["photos_accuracy_int8"] = float((p.argmax(1) == y)[photos].mean())
        metrics["photos_macro_recall"] = figures.macro_recall(p[photos], y[photos], ids)
        metrics |= {f"photos_{k}": v for k, v in figures.sorting(p[photos], y[photos], ids, limits).items()}
    if recipe.train.augment != "none":
        metrics["augmented_accuracy_int8"] = _augmented(recipe, test, folder)
    metrics |= {f"recall_{k}": v["recall"] for k, v in figures.by_class(p, y, ids).items() if v["support"]}
    metrics |= {f"source_accuracy_{s}": float((p.argmax(1) == y)[sources == s].mean()) for s in sorted(set(sources))}
    model["metrics"] = {k: round(v, 5) for k, v in metrics.items()}
    modelfile.write(folder, model)
    np.savez_compressed(out / "test.npz", p=p, y=y, sources=sources, float_logits=exact, int8_logits=logits)
    replace_file(out / "errors.json", json.dumps(_errors(test, p, y, ids), indent=1))
    for k in [k for k in metrics if not k.startswith("recall_")]:
        print(f"{k}: {metrics[k]:.4f}")
    return metrics


def _augmented(recipe: Recipe, test: list[Item], folder: Path) -> float:
    """Accuracy on a fixed draw of the test pictures, changed as in training: how much light, pose and blur take away."""
    order = np.random.default_rng(recipe.train.seed).permutation(len(test))[:AUGMENTED_PICTURES]
    shown = training.Shown(recipe, test, order, augmented=True, epoch=recipe.train.epochs + recipe.train.small_epochs)
    logits = modelfile.Reference(folder / "model.onnx").logits_of(
        (shown[n][0] for n in range(len(shown))), "int8, test, augmented"
    )
    return float((logits.argmax(1) == np.array([test[n].label for n in order])).mean())


def _errors(test: list[Item], p: np.ndarray, y: np.ndarray, ids: list[str]) -> list[dict]:
    """Surest errors first: the way to faults in the data."""
    wrong = np.nonzero(p.argmax(1) != y)[0]
    wrong = wrong[np.argsort(-p.max(1)[wrong])]
    return [
        {
            "file": str(test[n].path or test[n].group),
            "is": ids[y[n]],
            "called": ids[int(p[n].argmax())],
            "sure": round(float(p[n].max()), 3),
        }
        for n in wrong
    ]
