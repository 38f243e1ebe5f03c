"""Trains the recognizer on drawn strips, and on lines cut from generated photographs where there are some.

python -m pilah_train.reading.train_text --addresses id_addresses.csv.gz --photographs runs/photographs --out runs/label-text
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

from ..labels import fonts
from ..labels.places import Places
from ..recipe import said
from . import charset, cut, measure, photographs, phrases, strip, synth
from .loop import Loop
from .nets import Recognizer

SCALE, ZERO = 1 / 96, 160
CHUNK = 384
KEPT_OUT_SEED = 1_000_000


def normalized(batch: np.ndarray | torch.Tensor) -> torch.Tensor:
    x = torch.as_tensor(batch).permute(0, 3, 1, 2).float()
    return ((x - ZERO) * SCALE).contiguous(memory_format=torch.channels_last)


class Strips(IterableDataset):
    """Endless batches of strips of like width; chunk k of a seed is always the same."""

    def __init__(self, source, seed: int, first: int, pixels: int, easy_chunks: int = 12):
        self.source, self.seed, self.first, self.pixels, self.easy = source, seed, first, pixels, easy_chunks

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        chunk = self.first + worker
        while True:
            rng = np.random.default_rng((self.seed, chunk))
            easy = chunk < self.easy
            drawn = [self.source(rng, easy) for _ in range(CHUNK)]
            batches = list(measure.in_batches([s for s, _ in drawn], self.pixels))
            for n in rng.permutation(len(batches)):
                part, pixels = batches[n]
                if len(part) < 3:
                    continue
                texts = [charset.encode(drawn[i][1]) for i in part]
                yield torch.from_numpy(pixels), torch.tensor(sum(texts, [])), torch.tensor([len(t) for t in texts])
            chunk += workers


def typefaces(kept_out: bool = False) -> list[tuple[str, float]]:
    """Font files with weights, regular before bold."""
    chosen = [f for f in fonts.families() if f.kept_out == kept_out]
    return [(f.regular, 0.6 * f.weight) for f in chosen] + [(f.bold, 0.4 * f.weight) for f in chosen]


def drawn_lines(addresses: Path | None):
    """The source of (strip, text): easy ones are short and clean, for the first minutes."""
    texts, faces = phrases.Phrases(Places.load(addresses)).line, typefaces()
    usual, easy = synth.Lines(texts, faces), synth.Lines(texts, faces, hard=0.3)
    return lambda rng, first: easy.strip(rng, 160) if first else usual.strip(rng)


class Mixed:
    """Drawn strips, and for a share of them lines cut from photographs; a worker keeps some photographs open for a while."""

    OPEN = 60

    def __init__(self, drawn, folder: Path, share: float = 0.5):
        self.drawn, self.share = drawn, share
        self.pool, self.open = photographs.Pool(folder, "train"), []

    def __call__(self, rng: np.random.Generator, first: bool) -> tuple[np.ndarray, str]:
        if first or rng.random() >= self.share:
            return self.drawn(rng, first)
        while True:
            if len(self.open) < self.OPEN or rng.random() < 0.04:
                if rng.random() < 0.02:
                    self.pool.refresh()
                scene = self.pool.scene(int(rng.integers(len(self.pool))))
                if lines := cut.readable(scene):
                    self.open = [*self.open[-self.OPEN + 1 :], (scene, lines)]
                continue
            scene, lines = self.open[rng.integers(len(self.open))]
            n = lines[rng.integers(len(lines))]
            return strip.stretched(cut.jittered(scene, n, rng)), scene.texts[n]


def from_photographs(folder: Path, count: int) -> list[tuple[np.ndarray, str]]:
    """Jittered lines of the photographs kept out of training."""
    pool, out = photographs.Pool(folder, "validation"), []
    for n in range(len(pool)):
        rng, scene = np.random.default_rng((KEPT_OUT_SEED, n)), pool.scene(n)
        lines = cut.readable(scene)
        out += [
            (strip.stretched(cut.jittered(scene, k, rng)), scene.texts[k])
            for k in rng.permutation(lines)[: 1 + count // len(pool)]
        ]
    return out[:count]


def kept_out(addresses: Path | None, count: int) -> list[tuple[np.ndarray, str]]:
    """Strips in typefaces and of labels that training never sees."""
    texts = phrases.Phrases(Places.load(addresses), phrases.LABELS)
    lines = synth.Lines(texts.line, typefaces(kept_out=True))
    return [lines.strip(np.random.default_rng((KEPT_OUT_SEED, n))) for n in range(count)]


def varied(pixels: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A batch looked at again: shifted, other contrast, noise."""
    shift, lift = int(rng.integers(-3, 4)), int(rng.integers(-1, 2))
    x = torch.roll(pixels, (lift, shift), (1, 2)).float()
    gain, level = rng.uniform(0.8, 1.15), rng.uniform(-12, 12)
    x = (x - 224) * gain + 224 + level + torch.randn(x.shape) * float(rng.choice([0, 3, 8]))
    return x.clamp(0, 255).round().to(torch.uint8)


def counted(batches, loop: Loop):
    """The batches, their strips counted: the model's record names how many there were."""
    for pixels, text, lengths in batches:
        loop.drawn += len(lengths)
        yield pixels, text, lengths


def again(batches, seed: int, times: int, keep: int = 120):
    """Each batch now, and an older one again `times - 1` times: drawing strips costs more than learning from them."""
    rng, store = np.random.default_rng(seed), []
    for pixels, text, lengths in batches:
        yield pixels, text, lengths
        store.append((pixels, text, lengths))
        if len(store) > keep:
            store.pop(int(rng.integers(len(store) // 2)))
        for _ in range(times - 1):
            pixels, text, lengths = store[rng.integers(len(store))]
            yield varied(pixels, rng), text, lengths


def loss_of(net, batch, gentle: bool = False):
    pixels, text, lengths = batch
    logits = net(normalized(pixels)).float()
    logits = charset_steps(logits)
    n, t, _ = logits.shape
    loss = F.ctc_loss(
        logits.log_softmax(-1).transpose(0, 1), text, torch.full((n,), t), lengths, zero_infinity=True, reduction="none"
    )
    each = loss / lengths.clamp(min=1)
    # what nobody could read shall be unsure, but not draw the net away from what can be read
    return (2 * torch.tanh(each / 2) if gentle else each).mean(), {"plain": each.detach().mean().item()}


def charset_steps(y: torch.Tensor) -> torch.Tensor:
    """[n, 2 * classes, 1, columns] to [n, steps, classes]."""
    n, _, _, columns = y.shape
    return y[:, :, 0].transpose(1, 2).reshape(n, columns * charset.STEPS_PER_COLUMN, charset.CLASSES)


@torch.inference_mode()
def float_logits(net, batch: np.ndarray) -> np.ndarray:
    y = net(normalized(batch)).float()
    return y[:, :, 0].transpose(1, 2).numpy()


@said
def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--addresses", type=Path, help="the table of villages (csv, gzipped or not); else $PILAH_ADDRESSES")
    p.add_argument("--photographs", type=Path, help="a folder that the label generator wrote; it may still grow")
    p.add_argument("--out", type=Path, required=True, help="checkpoints and history; a stopped training goes on from here")
    p.add_argument("--start", type=Path, help="a checkpoint to fine-tune")
    p.add_argument("--steps", type=int, default=30_000)
    p.add_argument("--rate", type=float, default=2e-3)
    p.add_argument("--pixels", type=int, default=11_000, help="summed width of a batch")
    p.add_argument("--again", type=int, default=2, help="how often a strip is seen")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--workers", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(1)
    loop = Loop(Recognizer(), a.out, a.steps, a.rate, a.seed)
    if a.start:
        loop.start_from(a.start)
    sets = {"": kept_out(a.addresses, 600)}
    source = drawn_lines(a.addresses)
    if a.photographs:
        sets["photo_"] = from_photographs(a.photographs, 600)
        source = Mixed(source, a.photographs)

    def measure_net(net) -> dict:
        found = {}
        for name, known in sets.items():
            read = measure.read_all(lambda b: float_logits(net, b), [s for s, _ in known])
            found |= {name + k: v for k, v in measure.errors([(r, t) for r, (_, t) in zip(read, known)]).items()}
        return found | {"score": sum(v if k.endswith("exact") else -v for k, v in found.items())}

    def batches(done):
        strips = Strips(source, a.seed, done // 20, a.pixels, easy_chunks=0 if a.start else 20)
        drawn = DataLoader(strips, batch_size=None, num_workers=a.workers, prefetch_factor=4)
        return again(counted(drawn, loop), a.seed + done, a.again)

    loop.run(batches, partial(loss_of, gentle=a.start is not None), measure_net)


if __name__ == "__main__":
    sys.exit(main())
