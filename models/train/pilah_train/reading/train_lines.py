"""Trains the finder on photographs of generated labels.

python -m pilah_train.reading.train_lines --photographs runs/photographs --out runs/label-lines
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

from ..recipe import said
from . import find, photographs, targets
from .loop import Loop
from .nets import Finder

SCALE, ZERO = 1 / 64, 128
CROP = 256


def normalized(batch: np.ndarray | torch.Tensor) -> torch.Tensor:
    """u8 [n, H, W] to what the net takes."""
    x = torch.as_tensor(batch)[:, None].float()
    return ((x - ZERO) * SCALE).contiguous(memory_format=torch.channels_last)


class Crops(IterableDataset):
    """Endless batches of crops of the halved photographs, in other light."""

    def __init__(self, folder: Path, seed: int, first: int, batch: int, size: int):
        self.pool, self.seed, self.first, self.batch, self.size = photographs.Pool(folder, "train"), seed, first, batch, size

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        pool, n = self.pool, self.first + worker
        while True:
            rng = np.random.default_rng((self.seed, n))
            if n % 64 < workers:
                pool.refresh()
            pictures, maps = [], []
            for _ in range(self.batch):
                scene = pool.half(int(rng.integers(len(pool))))
                zoom = min(640 / scene.grey.shape[1], 384 / scene.grey.shape[0]) * float(np.exp(rng.normal(0, 0.2)))
                scene = targets.crop(scene, rng, self.size, zoom)
                pictures.append(relit(scene.grey, rng))
                maps.append(targets.maps(scene, self.size, self.size))
            yield torch.from_numpy(np.stack(pictures)), torch.from_numpy(np.stack(maps))
            n += workers


def relit(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another exposure, contrast, a gradient of light, noise."""
    x = grey.astype(np.float32)
    if rng.random() < 0.8:
        x = 255 * (x / 255) ** np.exp(rng.normal(0, 0.3))
        x = (x - 128) * rng.uniform(0.55, 1.15) + 128 + rng.uniform(-30, 30)
    if rng.random() < 0.4:
        h, w = x.shape
        a, b = rng.normal(0, 0.25, 2)
        x *= 1 + a * (np.arange(w, dtype=np.float32) / w - 0.5) + b * (np.arange(h, dtype=np.float32)[:, None] / h - 0.5)
    if rng.random() < 0.5:
        x += rng.normal(0, rng.uniform(1, 9), x.shape).astype(np.float32)
    return np.clip(np.round(x), 0, 255).astype(np.uint8)


def turned(pictures: torch.Tensor, maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Upside down: sub-cells change places, directions turn round."""
    maps = maps.flip(2, 3)[:, [3, 2, 1, 0, 4, 5, 6, 7, 8, 9, 10]].clone()
    maps[:, 6:8] *= -1
    return pictures.flip(1, 2), maps


def again(batches, seed: int, times: int, keep: int = 150):
    """Each batch now, and older ones `times - 1` times more, upside down and in other light: crops cost as much as learning."""
    rng, store = np.random.default_rng(seed), []
    for pictures, maps in batches:
        yield pictures, maps
        store.append(turned(pictures, maps))
        if len(store) > keep:
            store.pop(int(rng.integers(len(store) // 2)))
        for _ in range(times - 1):
            pictures, maps = store[rng.integers(len(store))]
            x = (pictures.float() - 128) * rng.uniform(0.7, 1.2) + 128 + rng.uniform(-25, 25)
            x = x + torch.randn(x.shape) * float(rng.choice([0, 2, 5]))
            yield x.clamp(0, 255).round().to(torch.uint8), maps


def loss_of(net, batch):
    pictures, t = batch
    y, t = net(normalized(pictures)).float(), t.float()
    text, sure = t[:, :4], t[:, 10:11]
    p = y[:, :4].sigmoid()
    weight = (1 + 3 * (text > 0.25).float()) * sure
    bce = (F.binary_cross_entropy_with_logits(y[:, :4], text, reduction="none") * weight).mean()
    inter = (p * text * sure).sum((1, 2, 3))
    dice = 1 - (2 * inter + 20) / ((p * p * sure).sum((1, 2, 3)) + (text * text * sure).sum((1, 2, 3)) + 20)
    areas = F.binary_cross_entropy_with_logits(y[:, 4:6], t[:, 4:6])
    on = t[:, 9:10]
    count = on.sum().clamp(min=1)
    way = (F.smooth_l1_loss(y[:, 6:8], t[:, 6:8], reduction="none") * on).sum() / count
    c, s = t[:, 6:7] / targets.DIRECTION_GAIN, t[:, 7:8] / targets.DIRECTION_GAIN
    axis = (F.smooth_l1_loss(y[:, 9:11], 2 * torch.cat([c * c - s * s, 2 * c * s], 1), reduction="none") * on).sum() / count
    high = (F.smooth_l1_loss(y[:, 8:9], t[:, 8:9], reduction="none", beta=0.1) * on).sum() / count
    parts = {
        "text": bce.item(),
        "dice": dice.mean().item(),
        "areas": areas.item(),
        "way": way.item(),
        "axis": axis.item(),
        "high": high.item(),
    }
    return 4 * bce + dice.mean() + areas + 0.25 * way + 0.3 * axis + high, parts


@torch.inference_mode()
def float_map(net, picture: np.ndarray) -> np.ndarray:
    return net(normalized(picture[None])).float()[0].permute(1, 2, 0).numpy()


def figures(map_of, scenes: list[targets.Scene]) -> dict:
    """Recall and false lines by `find.matched`, on whole halved photographs."""
    true = hit = false = found_all = right_way = 0
    area = {"paper": [0, 0], "code": [0, 0]}
    for scene in scenes:
        logits = map_of(scene.grey)
        found, _ = find.lines(logits)
        names, wrong = find.matched(found, scene.bands)
        hits = [n >= 0 for b, t, n in zip(scene.bands, scene.texts, names) if t and cap_of(b) >= 3.5]
        right_way += sum(
            n >= 0 and find.upright(found[n], b) for b, t, n in zip(scene.bands, scene.texts, names) if t and cap_of(b) >= 3.5
        )
        true, hit, false, found_all = true + len(hits), hit + sum(hits), false + wrong, found_all + len(found)
        t = targets.maps(scene, *scene.grey.shape)
        for k, name in ((4, "paper"), (5, "code")):
            a, b = logits[..., k] > 0, t[k] > 0.5
            area[name][0] += int((a & b).sum())
            area[name][1] += int((a | b).sum())
    recall, wrong = hit / max(1, true), false / max(1, found_all)
    iou = {f"{name}_iou": a / max(1, b) for name, (a, b) in area.items()}
    ways = right_way / max(1, hit)
    return {"recall": recall, "false": wrong, "upright": ways, **iou, "score": recall * (0.5 + 0.5 * ways) - 0.5 * wrong}


def cap_of(band: np.ndarray) -> float:
    return float(np.linalg.norm(band[3] - band[0]))


@said
def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--photographs", type=Path, required=True, help="a folder that the label generator wrote; it may still grow")
    p.add_argument("--out", type=Path, required=True, help="checkpoints and history; a stopped training goes on from here")
    p.add_argument("--start", type=Path, help="a checkpoint to go on from with another seed, rate or more photographs")
    p.add_argument("--steps", type=int, default=6_000)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--again", type=int, default=2, help="how often a crop is seen")
    p.add_argument("--every", type=int, default=500)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--workers", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(1)
    loop = Loop(Finder(), a.out, a.steps, a.rate, a.seed, a.every)
    if a.start:
        loop.start_from(a.start)
    known = photographs.Pool(a.photographs, "validation")
    scenes = [targets.halved(known.scene(n)) for n in range(min(60, len(known)))]

    def batches(done):
        crops = Crops(a.photographs, a.seed, done // a.again, a.batch, CROP)
        return again(DataLoader(crops, batch_size=None, num_workers=a.workers, prefetch_factor=4), a.seed + done, a.again)

    loop.run(batches, loss_of, lambda net: figures(lambda picture: float_map(net, picture), scenes))


if __name__ == "__main__":
    sys.exit(main())
