"""Trains a net on prepared items: checkpoints after every epoch, resumes, keeps the best on validation, stops early."""

import copy
import ctypes
import hashlib
import json
import math
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from . import augment, modelfile, nets, pictures, start, views
from .prepare import Item
from .recipe import Fault, Recipe, replace_file


class Shown(Dataset):
    """Items as u8 tensors, augmented by a generator of (seed, epoch, position): the same whoever loads them, in any order."""

    def __init__(self, recipe: Recipe, items: list[Item], order: np.ndarray, augmented: bool, epoch: int = 0):
        self.recipe, self.items, self.order, self.epoch = recipe, items, order, epoch
        self.input = recipe.input
        if augmented and epoch < recipe.train.small_epochs:
            self.input = replace(recipe.input, width=recipe.train.small, height=recipe.train.small)
        self.change = augment.named(recipe.train.augment) if augmented else augment.none

    def __len__(self):
        return len(self.order)

    def __getitem__(self, n: int):
        i, item = self.input, self.items[self.order[n]]
        rng = np.random.default_rng((self.recipe.train.seed, self.epoch, n))
        picture = self.change(item.picture(i.colour), rng, (i.width, i.height))
        return torch.from_numpy(pictures.fit(picture, i)), item.label


def normalized(pixels: torch.Tensor, recipe: Recipe, device) -> torch.Tensor:
    x = pixels.to(device).permute(0, 3, 1, 2).float()
    x = (x - recipe.input.zero_point) * recipe.input.scale
    return x.contiguous(memory_format=torch.channels_last)


def loader(recipe: Recipe, items, order, augmented=False, epoch=0, workers=2) -> DataLoader:
    shown = Shown(recipe, items, order, augmented, epoch)
    return DataLoader(shown, recipe.train.batch, num_workers=workers, drop_last=augmented and len(order) > recipe.train.batch)


def draw(recipe: Recipe, items: list[Item], epoch: int) -> np.ndarray:
    """The epoch's pictures: classes, and sources within a class, evened out by the power `balance`."""
    t = recipe.train
    rng = np.random.default_rng((t.seed, 77, epoch))
    size = t.epoch_size or len(items)
    if t.balance == 0 and size == len(items):
        return rng.permutation(len(items))
    kinds: dict = {}
    for n, item in enumerate(items):
        kinds.setdefault(item.label, {}).setdefault(item.source, []).append(n)
    weight = np.zeros(len(items))
    for sources in kinds.values():
        total = sum(map(len, sources.values()))
        parts = {s: len(v) ** (1 - t.balance / 2) for s, v in sources.items()}
        for s, v in sources.items():
            weight[v] = total ** (1 - t.balance) * parts[s] / sum(parts.values()) / len(v)
    return rng.choice(len(items), size, p=weight / weight.sum(), replace=size > len(items) or t.balance > 0)


def pick_device(name: str) -> torch.device:
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def train(recipe: Recipe, items: list[Item], out: Path, device: str = "auto", workers: int = 2) -> nets.Net:
    """The best net by validation; `out` holds `last.pt` (to resume from), `best.pt` and `epochs.json`."""
    t, where = recipe.train, pick_device(device)
    _keep_memory()
    torch.manual_seed(t.seed)
    parts = {s: [i for i in items if i.split == s] for s in ("train", "validation")}
    net = nets.build(t.net, len(recipe.ids), recipe.input.channels).to(where, memory_format=torch.channels_last)
    known = bool(t.start) and start.load(net, Path(t.start), recipe.ids)
    if t.blend < 1 and not t.head_views and not known:
        raise Fault("`blend` keeps a part of the net with the new head alone; set `head_views`, too")
    out.mkdir(parents=True, exist_ok=True)
    key = _key(recipe, items)
    state = _resume(out / "last.pt", key)
    seen = out / f"views-{_key(recipe)[:8]}" if t.views else None
    if seen:
        views.prepare(recipe, net, parts["train"] + parts["validation"], seen, where, workers)
    if state is None and t.head_views and not known:
        _fit_head(recipe, net, parts["train"], where, workers, seen)
    for block in list(net.blocks)[: t.freeze]:
        block.requires_grad_(False)
    average = copy.deepcopy(net).eval()
    decay = [p for p in net.parameters() if p.requires_grad and p.ndim > 1]
    plain = [p for p in net.parameters() if p.requires_grad and p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": t.weight_decay}, {"params": plain, "weight_decay": 0.0}], lr=t.rate
    )
    done, best, history, before = 0, -1.0, [], copy.deepcopy(net.state_dict())
    if state:
        net.load_state_dict(state["net"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        done, best, history, before = state["done"], state["best"], state["history"], state["start"]
        print(f"resuming after epoch {done}")
    elif t.head_views or known:  # the new head alone, or what it began with, is the first candidate
        began = time.monotonic()
        best = _note(
            history,
            best,
            out,
            key,
            average,
            0,
            float("nan"),
            validate(recipe, average, parts["validation"], where, workers, seen),
            began,
        )
    while done < t.epochs and not _stale(history, t.patience):
        began = time.monotonic()
        loss = _epoch(recipe, net, average, optimizer, parts["train"], done, where, workers, seen)
        kept = _blended(average, before, t.blend)
        measured = validate(recipe, kept, parts["validation"], where, workers, seen)
        done += 1
        best = _note(history, best, out, key, kept, done, loss, measured, began)
        _save(
            out / "last.pt",
            {"key": key, "net": net.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(),
             "start": before, "done": done, "best": best, "history": history},
        )  # fmt: skip
    return best_net(recipe, items, out)


def _key(recipe: Recipe, items: list[Item] | None = None) -> str:
    """A digest of what changes a training: settings, the model that it starts from, and `items` with their splits."""
    digest = hashlib.sha256(json.dumps(recipe.settings(), sort_keys=True).encode())
    if recipe.train.start:
        digest.update(modelfile.read(Path(recipe.train.start))["sha256"].encode())
    for row in sorted((i.split, recipe.ids[i.label], i.group, i.path.name if i.path else "") for i in items or []):
        digest.update("\0".join(row).encode())
    return digest.hexdigest()


def _blended(tuned: nets.Net, begun: dict, share: float) -> nets.Net:
    """Weights between those before and after tuning: what was known before of other cameras and things is kept in part
    (Wortsman et al. 2022, Robust fine-tuning of zero-shot models)."""
    net = copy.deepcopy(tuned)
    for now, before in zip(net.state_dict().values(), begun.values()):
        if now.dtype.is_floating_point:
            now.copy_(torch.lerp(before, now, share))
    return net


def _keep_memory() -> None:
    """Large arrays otherwise go back to the kernel when they are done with, which clears each page of them anew: on a core of an
    EPYC (Zen 3) the pretrained blocks saw 10 pictures a second so, and 24 with memory that is kept."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return  # another C library
    trim_threshold, mmap_max = -1, -4
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(mmap_max, 0)


def _note(history: list, best: float, out: Path, key: str, net, epoch: int, loss: float, measured, began: float) -> float:
    """Writes the epoch down, and the net where it is the best so far by the mean of accuracy and macro recall."""
    accuracy, recall, val_loss = measured
    score, seconds = (accuracy + recall) / 2, round(time.monotonic() - began)
    history.append(
        {"epoch": epoch, "loss": loss, "validation_loss": val_loss, "validation_accuracy": accuracy,
         "validation_macro_recall": recall, "score": score, "seconds": seconds}
    )  # fmt: skip
    print(f"epoch {epoch}: loss {loss:.4f}, validation {accuracy:.4f}, macro recall {recall:.4f}, {seconds} s", flush=True)
    replace_file(out / "epochs.json", json.dumps(history, indent=1))
    if score > best:
        _save(out / "best.pt", {"key": key, "net": net.state_dict(), "epoch": epoch})
    return max(best, score)


def best_net(recipe: Recipe, items: list[Item], out: Path) -> nets.Net:
    if not (out / "best.pt").exists():
        raise Fault(f"{out} holds no trained net; run the step `train` first")
    net = nets.build(recipe.train.net, len(recipe.ids), recipe.input.channels)
    net.load_state_dict(_resume(out / "best.pt", _key(recipe, items))["net"])
    return net.eval()


def _epoch(recipe, net, average, optimizer, items, epoch, device, workers, seen: Path | None) -> float:
    t = recipe.train
    order = draw(recipe, items, epoch)
    if seen:
        kept = views.Kept(recipe, items, order, seen, epoch)
        batches = DataLoader(kept, t.batch, num_workers=workers, drop_last=len(kept) > t.batch)
    else:
        batches = loader(recipe, items, order, augmented=True, epoch=epoch, workers=workers)
    total, after = len(batches) * t.epochs, t.freeze if seen else 0
    net.train()
    for m in net.blocks[: t.freeze].modules():  # frozen means the statistics too
        if isinstance(m, torch.nn.BatchNorm2d):
            m.eval()
    torch.manual_seed(t.seed * 1000 + epoch)
    losses = []
    for n, (pixels, labels) in enumerate(tqdm(batches, desc=f"epoch {epoch + 1}", unit="batch", mininterval=5)):
        step = epoch * len(batches) + n
        rate = t.rate * min(1.0, (step + 1) / (0.05 * total + 1)) * 0.5 * (1 + math.cos(math.pi * step / total))
        for group in optimizer.param_groups:
            group["lr"] = rate
        x, y = pixels.to(device).float() if seen else normalized(pixels, recipe, device), labels.to(device)
        mix, other = 1.0, None
        if t.mixup:
            mix = float(np.random.default_rng((t.seed, 5, step)).beta(t.mixup, t.mixup))
            other = torch.randperm(len(x), device=x.device)
            x = mix * x + (1 - mix) * x[other]
        with torch.autocast(device.type, torch.bfloat16, enabled=_bf16(device)):
            logits = net.rest(x, after)
        loss = F.cross_entropy(logits.float(), y, label_smoothing=t.smoothing) * mix
        if other is not None:
            loss = loss + F.cross_entropy(logits.float(), y[other], label_smoothing=t.smoothing) * (1 - mix)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        keep = min(t.average, (step + 1) / (step + 10)) if t.average else 0.0
        with torch.no_grad():
            for a, b in zip(average.state_dict().values(), net.state_dict().values()):
                a.lerp_(b, 1 - keep) if a.dtype.is_floating_point else a.copy_(b)
        losses.append(loss.item())
    return float(np.mean(losses))


def _features(recipe: Recipe, items: list[Item], device, workers: int, what: str, view: int = 0, seen: Path | None = None):
    """Batches of what the net takes and of labels: pictures for the whole of it, or kept views for what is not frozen."""
    order = np.arange(len(items))
    if seen:
        batches = DataLoader(views.Kept(recipe, items, order, seen, view=view), recipe.train.batch, num_workers=workers)
    else:
        batches = loader(recipe, items, order, augmented=view > 0, epoch=1000 + view, workers=workers)
    for x, y in tqdm(batches, desc=what, unit="batch", mininterval=5):
        yield (x.to(device).float() if seen else normalized(x, recipe, device)), y


@torch.inference_mode()
def logits_of(recipe: Recipe, net: nets.Net, items, device, workers=2, what="validation", seen: Path | None = None) -> np.ndarray:
    net.eval()
    out, after = [], recipe.train.freeze if seen else 0
    for x, _ in _features(recipe, items, device, workers, what, seen=seen):
        with torch.autocast(device.type, torch.bfloat16, enabled=_bf16(device) and what == "validation"):
            out.append(net.rest(x, after).float().cpu().numpy())
    return np.concatenate(out)


def validate(recipe, net, items, device, workers, seen: Path | None = None) -> tuple[float, float, float]:
    """Accuracy, macro recall (of `unknown`, too) and loss."""
    if not items:
        raise Fault("there is no validation part; raise [data] validation or add pictures")
    logits, y = logits_of(recipe, net, items, device, workers, seen=seen), np.array([i.label for i in items])
    right = logits.argmax(1) == y
    recall = float(np.mean([right[y == k].mean() for k in np.unique(y)]))
    return float(right.mean()), recall, float(F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(y)))


def _fit_head(recipe, net, items, device, workers, seen: Path | None) -> None:
    """A new head on frozen features first: fine-tuning from there bends the pretrained features less."""
    t = recipe.train
    xs, ys, after = [], [], t.freeze if seen else 0
    net.eval()
    with torch.inference_mode():
        for view in range(t.head_views):
            for x, y in _features(recipe, items, device, workers, f"features {view + 1}", view, seen):
                with torch.autocast(device.type, torch.bfloat16, enabled=_bf16(device)):
                    xs.append(net.features(x, after).float())
                ys.append(y.to(device))
    x, y = torch.cat(xs).clone(), torch.cat(ys).clone()
    counts = torch.bincount(y, minlength=len(recipe.ids)).clamp(min=1).float()
    optimizer = torch.optim.AdamW(net.head.parameters(), lr=3e-3, weight_decay=0.05)
    for step in range(600):
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (1 - step / 600)
        pick = torch.randint(len(x), (512,), device=device)
        weight = counts.mean() ** t.balance / counts**t.balance
        loss = F.cross_entropy(net.head(F.dropout(x[pick], 0.2)), y[pick], weight=weight, label_smoothing=t.smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"head on frozen features: loss {loss.item():.4f}", flush=True)


def _bf16(device) -> bool:
    return device.type == "cuda" or "avx512_bf16" in _cpu_flags()


def _cpu_flags() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()[:4000]
    except OSError:
        return ""


def _stale(history: list[dict], patience: int) -> bool:
    """Whether training has not become better for so many epochs. What it began with does not count: a finished model is better
    than its first epochs, and would end the training before the rate has come down."""
    scores = [h["score"] for h in history if h["epoch"] > 0]
    return bool(scores) and len(scores) - 1 - int(np.argmax(scores)) >= patience


def _resume(path: Path, key: str) -> dict | None:
    if not path.exists():
        return None
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["key"] != key:
        raise Fault(f"{path} is of other settings or other pictures; give another --out, or remove it to start again")
    return state


def _save(path: Path, state: dict) -> None:
    """Whole or not at all: written beside, then renamed."""
    part = path.with_suffix(".part")
    try:
        torch.save(state, part)
        os.replace(part, path)
    except (OSError, RuntimeError) as e:
        part.unlink(missing_ok=True)
        raise Fault(f"writing the checkpoint {path}: {e}; free some space, then start again: it resumes") from e
