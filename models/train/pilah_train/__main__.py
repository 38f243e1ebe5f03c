"""The command line: one command takes a recipe and its data to a model folder; each step can also be run by itself."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from . import recipe as recipes
from .recipe import Fault, said

STEPS = ("prepare", "train", "export", "evaluate", "report")


@said
def main() -> int:
    p = argparse.ArgumentParser(prog="pilah_train", description=__doc__)
    p.add_argument(
        "recipe", type=Path, help="a recipe, such as recipes/digits.toml; recipes/folder.toml takes any folder per class"
    )
    p.add_argument("--data", type=Path, required=True, help="the data set's folder")
    p.add_argument("--extra", type=Path, help="a folder of further pictures that the recipe's [data.extra] names")
    p.add_argument("--out", type=Path, required=True, help="checkpoints and measurements; a stopped training goes on from here")
    p.add_argument("--model", type=Path, help="the model folder to write; without it nothing is exported")
    p.add_argument("--start", type=Path, help="a finished model to go on from, such as ../waste, instead of ImageNet's weights")
    p.add_argument("--golden", type=Path, help="a folder of own pictures to ship with their scores, at most six")
    p.add_argument("--fold", metavar="K/N", help="cross-validation: the K-th of N parts of what is not test is the validation")
    p.add_argument("--steps", default=",".join(STEPS), help=f"some of {','.join(STEPS)} (default: all)")
    p.add_argument("--device", default="auto", help="auto, cpu or cuda")
    p.add_argument("--workers", type=int, default=2, help="processes that read and augment pictures")
    return run(p.parse_args())


def run(a) -> int:
    steps = a.steps.split(",")
    if unknown := set(steps) - set(STEPS):
        raise Fault(f"unknown step {', '.join(sorted(unknown))}; known are {', '.join(STEPS)}")
    recipe = recipes.load(a.recipe)
    recipe.train.start = str(a.start or recipe.train.start)
    if a.fold:
        recipe.data.fold, recipe.data.folds = _fold(a.fold)
    from .prepare import SPLITS, prepare

    items = prepare(recipe, a.data, a.extra, a.out)
    for split in SPLITS:
        counts = Counter(i.label for i in items if i.split == split)
        print(f"{split}: {sum(counts.values())} pictures:", ", ".join(f"{c} {counts[k]}" for k, c in enumerate(recipe.ids)))
    if "train" in steps:
        from . import training

        training.train(recipe, items, a.out, a.device, a.workers)
    if "export" in steps and a.model:
        from . import export

        export.export(recipe, items, a.out, a.model, a.golden, a.workers)
    if "evaluate" in steps and a.model:
        from . import evaluate

        evaluate.evaluate(recipe, items, a.out, a.model, a.workers)
    if "report" in steps and a.model:
        from . import report

        report.report(recipe, items, a.out, a.model)
    return 0


def _fold(text: str) -> tuple[int, int]:
    k, _, n = text.partition("/")
    if not (k.isdigit() and n.isdigit() and 1 <= int(k) <= int(n) and int(n) >= 2):
        raise Fault(f"--fold {text}: write K/N, such as 1/5 up to 5/5")
    return int(k) - 1, int(n)


if __name__ == "__main__":
    sys.exit(main())
