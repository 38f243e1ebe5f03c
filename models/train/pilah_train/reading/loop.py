"""The training loop of both nets: AdamW, cosine rate, averaged weights, checkpoints that resume, the best on validation kept."""

import copy
import json
import math
import re
import time
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from ..recipe import Fault, replace_file
from ..training import _bf16, _save, pick_device
from .nets import LATE


class Loop:
    """`batches(start) -> iterator`, `loss(net, batch) -> (loss, parts)`, `measure(net) -> dict` with a `score` to be high."""

    def __init__(self, net: nn.Module, out: Path, steps: int, rate: float, seed: int, every: int = 1000, device: str = "auto"):
        self.device = pick_device(device)
        torch.manual_seed(seed)
        self.net = net.to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net).eval()
        self.out, self.steps, self.rate, self.every = Path(out), steps, rate, every
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": 0.01},
                {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=rate,
            betas=(0.9, 0.98),
        )
        self.done, self.best, self.history = 0, -math.inf, []
        self.drawn = 0  # pictures made for this training alone; whoever makes them counts
        self.out.mkdir(parents=True, exist_ok=True)
        if (self.out / "last.pt").exists():
            self._resume(torch.load(self.out / "last.pt", map_location="cpu", weights_only=True))

    def start_from(self, weights: Path) -> None:
        """Weights of an earlier training, unless this one was begun already."""
        if self.done == 0:
            state = torch.load(weights, map_location="cpu", weights_only=True)
            self.drawn = state.get("drawn", 0)
            for net in (self.net, self.average):
                missing, unexpected = net.load_state_dict(state["average"], strict=False)
                if unexpected or any(int((re.search(r"blocks\.(\d+)", k) or [0, 0])[1]) < LATE for k in missing):
                    raise Fault(f"{weights} is of another net: {[*missing, *unexpected][:3]}")
            self.done = 1

    def run(self, batches, loss, measure) -> nn.Module:
        recent, began = {}, time.monotonic()
        bar = tqdm(total=self.steps, initial=self.done, unit="batch", mininterval=20)
        for batch in batches(self.done):
            if self.done >= self.steps:
                break
            self._rate()
            self.net.train()
            with torch.autocast(self.device.type, torch.bfloat16, enabled=_bf16(self.device)):
                value, parts = loss(self.net, batch)
            self.optimizer.zero_grad(set_to_none=True)
            value.backward()
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
            self.optimizer.step()
            self._average()
            for k, v in {"loss": value.item(), **parts}.items():
                recent[k] = 0.98 * recent.get(k, v) + 0.02 * v
            self.done += 1
            bar.update()
            if self.done % self.every == 0 or self.done == self.steps:
                self._note(recent, measure(self.average), time.monotonic() - began)
        bar.close()
        return self.average

    def _rate(self) -> None:
        warm = min(1.0, (self.done + 1) / 200)
        rate = self.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, self.done / self.steps))))
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def _average(self) -> None:
        keep = min(0.999, (self.done + 1) / (self.done + 10))
        with torch.no_grad():
            for a, b in zip(self.average.state_dict().values(), self.net.state_dict().values()):
                a.lerp_(b, 1 - keep) if a.dtype.is_floating_point else a.copy_(b)

    def _note(self, recent: dict, measured: dict, seconds: float) -> None:
        entry = {
            "step": self.done,
            "seconds": round(seconds),
            **{k: round(float(v), 5) for k, v in {**recent, **measured}.items()},
        }
        self.history.append(entry)
        tqdm.write(json.dumps(entry))
        replace_file(self.out / "history.json", json.dumps(self.history, indent=1))
        state = {"average": self.average.state_dict(), "done": self.done, "drawn": self.drawn}
        if measured["score"] > self.best:
            self.best = measured["score"]
            _save(self.out / "best.pt", state)
        state |= {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict(), "best": self.best}
        _save(self.out / "last.pt", state | {"history": self.history})

    def _resume(self, state: dict) -> None:
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done, self.best, self.history = state["done"], state["best"], state["history"]
        self.drawn = state.get("drawn", 0)
        print(f"resuming after batch {self.done}")
