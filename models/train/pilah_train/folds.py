"""Sums up a cross-validation: mean and spread of the best validation over the folds' folders of measurements."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from .recipe import Fault, said


def summary(outs: list[Path]) -> str:
    lines, rows = ["| fold | best epoch | accuracy | macro recall with unknown |", "|---|---|---|---|"], []
    for out in outs:
        try:
            history = json.loads((out / "epochs.json").read_text())
        except (OSError, ValueError) as e:
            raise Fault(f"reading {out / 'epochs.json'}: {e}; train that fold first") from e
        best = max(history, key=lambda h: h["score"])
        rows.append((best["validation_accuracy"], best["validation_macro_recall"]))
        lines.append(f"| {out.name} | {best['epoch']} | {100 * rows[-1][0]:.2f}% | {100 * rows[-1][1]:.2f}% |")
    mean, spread = 100 * np.mean(rows, 0), 100 * np.std(rows, 0, ddof=1 if len(rows) > 1 else 0)
    lines.append(f"| mean, deviation | | {mean[0]:.2f} ± {spread[0]:.2f} | {mean[1]:.2f} ± {spread[1]:.2f} |")
    return "\n".join(lines)


@said
def main() -> None:
    p = argparse.ArgumentParser(prog="pilah_train.folds", description=__doc__)
    p.add_argument("out", type=Path, nargs="+", help="the --out folder of each fold")
    print(summary(p.parse_args().out))


if __name__ == "__main__":
    sys.exit(main())
