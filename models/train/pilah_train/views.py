"""What the frozen blocks make of augmented pictures, kept on disk: a training on a few cores then runs the rest alone.

Each picture is shown `views` times, with the changes that an epoch would make; a view is one file of f16 numbers, so that a
stopped run goes on where it stopped, and pictures that come later are added.
"""

import hashlib
import os
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from . import nets
from .prepare import Item
from .recipe import Fault, Recipe


def name_of(item: Item) -> str:
    return hashlib.sha256(str(item.path or item.group).encode()).hexdigest()[:20]


class Kept(Dataset):
    """Views of the items in `order`: the one asked for, or each time another one, drawn by (seed, epoch, position)."""

    def __init__(
        self, recipe: Recipe, items: list[Item], order: np.ndarray, folder: Path, epoch: int = 0, view: int | None = None
    ):
        self.recipe, self.items, self.order = recipe, items, order
        self.folder, self.epoch, self.view = folder, epoch, view

    def __len__(self):
        return len(self.order)

    def __getitem__(self, n: int):
        t, item, view = self.recipe.train, self.items[self.order[n]], self.view
        if view is None:
            view = np.random.default_rng((t.seed, 13, self.epoch, n)).integers(t.views)
        return torch.from_numpy(np.load(self.folder / f"{name_of(item)}-{view}.npy")), item.label


@torch.inference_mode()
def prepare(recipe: Recipe, net: nets.Net, items: list[Item], folder: Path, device, workers: int) -> None:
    """Makes the views that are not there yet; the first is the picture as it is, and a picture of validation's only one."""
    from . import training

    folder.mkdir(parents=True, exist_ok=True)
    there = {path.name for path in folder.glob("*.npy")}
    frozen = net.blocks[: recipe.train.freeze].eval()
    for view in range(recipe.train.views):
        names = [f"{name_of(item)}-{view}.npy" for item in items]
        wanted = [view == 0 or item.split == "train" for item in items]
        missing = np.array([n for n, name in enumerate(names) if wanted[n] and name not in there], int)
        if not len(missing):
            continue
        shown = training.Shown(recipe, items, missing, augmented=view > 0, epoch=recipe.train.small_epochs + view)
        done = 0
        batches = DataLoader(shown, recipe.train.batch, num_workers=workers)
        for pixels, _ in tqdm(batches, desc=f"view {view + 1} of {recipe.train.views}", unit="batch", mininterval=5):
            features = frozen(training.normalized(pixels, recipe, device)).half().cpu().numpy()
            for one in features:
                _keep(folder / names[missing[done]], one)
                done += 1


def _keep(path: Path, features: np.ndarray) -> None:
    part = path.with_suffix(".part")
    try:
        with open(part, "wb") as f:
            np.save(f, features)
        os.replace(part, path)
    except OSError as e:
        part.unlink(missing_ok=True)
        raise Fault(f"writing {path}: {e}; views take up to 0.1 MB each: free some space, then start again") from e
