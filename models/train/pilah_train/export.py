"""From the best checkpoint to a model folder: quantized graph, temperature, thresholds, golden pictures, model.toml."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import torch

from . import figures, modelfile, pictures, quantize, training
from .prepare import SUFFIXES, Item
from .recipe import Fault, Recipe

CALIBRATION_PICTURES = 192


def export(recipe: Recipe, items: list[Item], out: Path, folder: Path, golden: Path | None = None, workers: int = 2) -> None:
    net = training.best_net(recipe, items, out)
    i, train = recipe.input, [x for x in items if x.split == "train"]
    steps = quantize.steps_of(net, i)
    order = training.draw(recipe, train, 0)[:CALIBRATION_PICTURES]
    # half as they are, half augmented: the ranges shall hold in other lights too
    half = len(order) // 2
    loaders = [
        training.loader(recipe, train, order[:half], workers=workers),
        training.loader(recipe, train, order[half:], True, 0, workers),
    ]
    batches = [training.normalized(x, recipe, "cpu") for one in loaders for x, _ in one]
    _check(net, steps, batches[0])
    quantize.calibrate(steps, batches, i)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "model.onnx.part"
    onnx.save(quantize.write(steps, i, [1, len(recipe.ids)], recipe.name), str(part))
    print(f"{part}: {part.stat().st_size / 1e3:.0f} kB")

    model = _describe(recipe, items, part, *_measured(recipe, items, out, part))
    model["golden"] = _golden(recipe, net, folder, modelfile.Reference(part), model["output"]["temperature"], golden)
    modelfile.write(folder, model, part)


def _measured(recipe: Recipe, items: list[Item], out: Path, path: Path) -> tuple[float, list[float]]:
    """Temperature and thresholds, by validation."""
    validation = [x for x in items if x.split == "validation"]
    logits, y = int8_logits(recipe, validation, path, "int8, validation"), np.array([x.label for x in validation])
    heat = figures.temperature(logits, y)
    np.savez_compressed(out / "validation.npz", logits=logits, y=y)
    return heat, figures.thresholds(modelfile.softmax(logits, heat), y, recipe.decide.precision, recipe.decide.floor)


@torch.inference_mode()
def _check(net, steps, x) -> None:
    values = {"image": x}
    for s in steps:
        values[s.name] = s.run(values).clamp(s.low, s.high)
    off = (values[steps[-1].name] - net(x)).abs().max().item()
    if off > 1e-2:
        raise Fault(f"the folded steps differ from the net by {off:.4f}; this is a bug in quantize.py")


def int8_logits(recipe: Recipe, items: list[Item], path: Path, what: str) -> np.ndarray:
    """Through the written net, from the raw pictures on."""
    shown = training.Shown(recipe, items, np.arange(len(items)), augmented=False)
    tensors = torch.utils.data.DataLoader(shown, batch_size=None, num_workers=1)
    return modelfile.Reference(path).logits_of((x for x, _ in tensors), what)


def _describe(recipe: Recipe, items: list[Item], path: Path, heat: float, limits: list[float]) -> dict:
    i = recipe.input
    used = Counter((x.source, x.licence) for x in items if x.split == "train")
    data = [
        {"name": f"{source}, training split", "licence": recipe.data.notes.get(source, licence or "not stated"), "pictures": n}
        for (source, licence), n in sorted(used.items())
    ]
    if recipe.train.start:
        begun = modelfile.read(Path(recipe.train.start))
        pictures_before = sum(one["pictures"] for one in begun["data"])
        name = f"weights of {begun['name']} {begun['version']}, to start from"
        data.append({"name": name, "licence": begun["licence"], "pictures": pictures_before})
    return {
        "schema": 1,
        "name": recipe.name,
        "version": recipe.version,
        "task": "classify",
        "file": "model.onnx",
        "sha256": modelfile.sha256(path),
        "licence": recipe.licence,
        "input": {
            "width": i.width, "height": i.height, "channels": i.channels, "colour": i.colour, "scale": i.scale,
            "zero_point": i.zero_point, "fit": i.fit, "fill": i.fill, "filter": i.filter, "invert": i.invert,
            "closer": i.closer,
        },
        "output": {"temperature": heat, "unknown": recipe.decide.unknown},
        "class": [
            {"id": c.id, "en": c.en or c.id, "id_ID": c.id_ID or c.en or c.id,
             "advice_en": c.advice_en, "advice_id": c.advice_id, "threshold": t}
            for c, t in zip(recipe.classes, limits)
        ],
        "data": data,
        "metrics": {},
    }  # fmt: skip


def _golden(recipe: Recipe, net, folder: Path, reference, heat: float, source: Path | None) -> list[dict]:
    """Copies the pictures that the project made itself, and what the reference says about each."""
    target, rows = folder / "golden", []
    if source and source.resolve() != target.resolve():
        target.mkdir(exist_ok=True)
        for path in sorted(p for p in source.iterdir() if p.suffix.lower() in SUFFIXES)[:6]:
            shutil.copy(path, target / path.name)
    for path in sorted(target.iterdir()) if target.is_dir() else []:
        tensor = pictures.read(path, recipe.input)
        p = modelfile.softmax(reference.logits(tensor), heat)
        with torch.inference_mode():
            exact = net(training.normalized(torch.from_numpy(tensor)[None], recipe, "cpu")).numpy()[0]
        off = np.abs(modelfile.softmax(exact, heat) - p).max()
        print(f"golden {path.name}: {recipe.ids[int(p.argmax())]} {p.max():.3f}, float differs by {off:.3f}")
        if off > 0.02:
            print("  the daemon holds both engines to these scores within 0.03: a picture of a clearer thing is safer")
        rows.append({"file": f"golden/{path.name}", "scores": [round(float(v), 5) for v in p], "tolerance": 0.03})
    return rows
