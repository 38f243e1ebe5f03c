"""Finds the pictures of a data set, names the unusable ones, and splits them by group into training, validation and test."""

import csv
import gzip
import hashlib
import json
import re
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from . import pictures
from .recipe import Class, Fault, Recipe, replace_file

SPLITS = ("train", "validation", "test")
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


@dataclass
class Item:
    """One labelled picture; `group` names the thing that it shows, so that all its views land in one split."""

    label: int
    source: str
    group: str
    path: Path | None = None
    pixels: np.ndarray | None = None  # MNIST keeps its pixels in memory
    split: str = ""
    licence: str = ""

    def picture(self, colour: str) -> Image.Image:
        return Image.fromarray(self.pixels) if self.path is None else pictures.load(self.path, colour)


def prepare(recipe: Recipe, data: Path, extra: Path | None = None, out: Path | None = None) -> list[Item]:
    """All usable items with their split; fills in the recipe's classes from the folders where it names none."""
    data = Path(data)
    if not data.is_dir():
        raise Fault(f"the data folder {data} is not there")
    if recipe.data.kind == "mnist":
        return _mnist(recipe, data)
    if recipe.data.kind == "manifest":
        items = _manifest(recipe, data)
    elif recipe.data.kind == "folder":
        items = _folders(recipe, data)
    else:
        raise Fault(f"unknown data kind `{recipe.data.kind}`: folder, manifest or mnist")
    if extra:
        items += _extra(recipe, Path(extra))
    items = _usable(recipe, data, items)
    if unknown := set(recipe.data.block) - {i.source for i in items}:
        there = ", ".join(sorted({i.source for i in items}))
        raise Fault(f"[data.block] names {', '.join(sorted(unknown))}, but pictures come from {there}")
    _split(recipe, items, out / "split.json" if out else None)
    if withdrawn := _names(recipe, recipe.data.withdraw):
        there = len(items)
        items = [i for i in items if _name(data, i.path) not in withdrawn]
        print(f"left out {there - len(items)} pictures: withdrawn by the list")
    _check_sizes(recipe, items)
    return items


def _folders(recipe: Recipe, data: Path) -> list[Item]:
    found = sorted(p.name for p in data.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not recipe.classes:
        recipe.classes = [Class(id=name, en=name) for name in found]
    if len(recipe.classes) < 2:
        raise Fault(f"{data} has {len(found)} class folder(s); two or more are needed, one folder a class")
    strange = sorted(set(found) - set(recipe.ids))
    if strange:
        raise Fault(f"{data}: folder(s) {', '.join(strange)} are no class of the recipe ({', '.join(recipe.ids)})")
    items, others, source = [], Counter(), data.resolve().name
    for label, name in enumerate(recipe.ids):
        there = [p for p in sorted((data / name).rglob("*")) if p.is_file()] if name in found else []
        paths = [p for p in there if p.suffix.lower() in SUFFIXES]
        others.update(p.suffix.lower() or p.name for p in there if p.suffix.lower() not in SUFFIXES)
        first = min((n for p in paths if p.parent == data / name and (n := _number(p)) is not None), default=0)
        for path in paths:
            inner = path.parent.relative_to(data)  # a folder in a class's folder holds the views of one thing
            group = f"{source}/{inner}" if path.parent != data / name else _group(recipe, source, name, path, first)
            items.append(Item(label, source, group, path))
    for suffix, n in others.items():
        print(f"left out {n} files: {suffix} is none of {', '.join(sorted(SUFFIXES))}")
    return items


def _manifest(recipe: Recipe, data: Path) -> list[Item]:
    items = []
    if not (data / "manifest.csv").exists():
        raise Fault(
            f'{data} has no manifest.csv (columns file, class, source, licence); for one folder a class, set data.kind = "folder"'
        )
    with open(data / "manifest.csv", newline="") as f:
        for row in csv.DictReader(f):
            if row["class"] not in recipe.ids:
                raise Fault(f"manifest.csv: class `{row['class']}` of {row['file']} is not in the recipe")
            path, source = data / row["file"], row["source"]
            group = _group(recipe, source, row["class"], path)
            items.append(Item(recipe.ids.index(row["class"]), source, group, path, licence=row.get("licence", "")))
    return items


def _extra(recipe: Recipe, extra: Path) -> list[Item]:
    items = []
    for name, pattern in recipe.data.extra.items():
        paths = sorted(extra.glob(pattern))
        if not paths:
            print(f"note: no picture for `{name}` in {extra / pattern}")
        for path in paths:
            # renders are named <object>-<view>: the object is the group
            thing = path.stem.rsplit("-", 1)[0]
            items.append(Item(recipe.ids.index(name), "renders", f"renders/{name}/{thing}", path, licence="own work"))
    return items


def _number(path: Path) -> int | None:
    number = re.search(r"(\d+)$", path.stem)
    return int(number.group(1)) if number else None


def _group(recipe: Recipe, source: str, name: str, path: Path, first: int = 0) -> str:
    """The thing that a picture shows: a block of neighbouring numbers, counted from `first`, or the picture alone."""
    number, block = _number(path), recipe.data.block.get(source, 1)
    return f"{source}/{name}/{(number - first) // block if number is not None and block > 1 else path.stem}"


def _names(recipe: Recipe, file: str) -> set[str]:
    """The pictures that a list beside the recipe names; none where the recipe has no list."""
    if not file:
        return set()
    try:
        lines = (recipe.folder / file).read_text().splitlines()
    except OSError as e:
        raise Fault(f"reading the list of pictures to leave out, {recipe.folder / file}: {e}") from e
    return {line.split("#")[0].strip() for line in lines} - {""}


def _name(data: Path, path: Path) -> str:
    return str(path.relative_to(data)) if path.is_relative_to(data) else path.name


def _usable(recipe: Recipe, data: Path, items: list[Item]) -> list[Item]:
    """Drops what cannot be decoded, what the exclusion list names, and what is there twice; says how many of each."""
    excluded = _names(recipe, recipe.data.exclude)
    seen: dict[str, str] = {}
    kept, dropped = [], Counter()
    for item in tqdm(items, desc="looking at the pictures", unit="pic", disable=len(items) < 1000):
        name = _name(data, item.path)
        if name in excluded:
            dropped["excluded by the list"] += 1
            continue
        try:
            digest = hashlib.sha256(item.path.read_bytes()).hexdigest()
            pictures.load(item.path, recipe.input.colour)
        except pictures.UNREADABLE as e:
            print(f"skipped {name}: {e}")
            dropped["unreadable"] += 1
            continue
        if digest in seen:
            dropped["the same file twice"] += 1
            continue
        seen[digest] = name
        kept.append(item)
    for why, n in dropped.items():
        print(f"left out {n} pictures: {why}")
    return kept


def _split(recipe: Recipe, items: list[Item], keep: Path | None) -> None:
    """Whole groups, within each class and source, in the order of a hash; what `keep` has on file stays where it was."""
    try:
        kept = json.loads(keep.read_text()) if keep and keep.exists() else {}
    except (OSError, ValueError) as e:
        raise Fault(f"{keep}, which says what is trained and tested on, cannot be read ({e}); give another --out") from e
    if kept and not any(i.group in kept for i in items):
        raise Fault(f"{keep} is of other pictures, or of a folder with another name; give another --out")
    before = dict(kept)
    kept |= {i.group: "train" for i in items if i.source == "renders" and recipe.ids[i.label] in recipe.data.unrated}
    kinds: dict = {}
    for item in items:
        kinds.setdefault((item.label, item.source), {}).setdefault(item.group, []).append(item)
    for groups in kinds.values():
        total, done = sum(map(len, groups.values())), Counter()
        for name, members in groups.items():
            if name in kept:
                done[kept[name]] += len(members)
        order = sorted(groups, key=lambda g: hashlib.sha256(f"{recipe.train.seed}:{g}".encode()).digest())
        turn = 0
        for name in order:
            if name not in kept and recipe.data.folds and done["test"] + len(groups[name]) / 2 > recipe.data.test * total:
                kept[name] = "validation" if turn % recipe.data.folds == recipe.data.fold else "train"
                turn += 1
            elif name not in kept:
                wanted = {"test": recipe.data.test * total, "validation": recipe.data.validation * total}
                half = len(groups[name]) / 2
                kept[name] = next((s for s, n in wanted.items() if done[s] + half <= n), "train")
                done[kept[name]] += len(groups[name])
            for item in groups[name]:
                item.split = kept[name]
    if keep and kept != before:
        replace_file(keep, json.dumps(kept, indent=0, sort_keys=True))


def _check_sizes(recipe: Recipe, items: list[Item]) -> None:
    counts = Counter(item.label for item in items)
    small = [f"{name} ({counts[k]})" for k, name in enumerate(recipe.ids) if counts[k] < recipe.data.min_pictures]
    if small:
        raise Fault(f"too few pictures, {recipe.data.min_pictures} are needed: {', '.join(small)}")
    for split in SPLITS:
        there = {item.label for item in items if item.split == split}
        missing = [name for k, name in enumerate(recipe.ids) if k not in there]
        if missing and split != "test":
            things = {name: len({i.group for i in items if recipe.ids[i.label] == name}) for name in missing}
            there = ", ".join(f"{name} has pictures of {n} thing{'s'[: n != 1]}" for name, n in things.items())
            more = "add more things (a folder inside a class's is one thing)"
            raise Fault(f"{there}: none is left for the {split} part; {more}")
        if missing:
            print(f"note: no picture of {', '.join(missing)} fell into the {split} part")


def _mnist(recipe: Recipe, data: Path) -> list[Item]:
    items = []
    for part in ("train", "t10k"):
        pictures, labels = idx(data, f"{part}-images-idx3-ubyte"), idx(data, f"{part}-labels-idx1-ubyte")
        for n, (pixels, label) in enumerate(zip(pictures, labels)):
            items.append(Item(int(label), "mnist", f"{part}/{n}", pixels=pixels, split="test" if part == "t10k" else "train"))
    # validation comes out of the training part; MNIST's own test part is looked at once, at the end
    rng = np.random.default_rng(recipe.train.seed)
    train = [i for i in items if i.split == "train"]
    for n in rng.permutation(len(train))[: int(len(train) * recipe.data.validation)]:
        train[n].split = "validation"
    return items


def idx(data: Path, name: str) -> np.ndarray:
    """One of MNIST's files, gzipped or not."""
    try:
        path = data / f"{name}.gz"
        raw = gzip.decompress(path.read_bytes()) if path.exists() else (data / name).read_bytes()
        dims = raw[3]
        shape = struct.unpack(f">{dims}I", raw[4 : 4 + 4 * dims])
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * dims).reshape(shape)
    except (OSError, ValueError, EOFError, IndexError, struct.error) as e:
        raise Fault(f"reading MNIST's {name} in {data}: {e}") from e
