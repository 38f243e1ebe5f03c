"""Render pictures with Blender's Python module.

Light bulbs for training, which no collection of photographs has enough of:

    pip install bpy pillow            # Blender's wheels are for one Python each: 5.0 wants Python 3.11
    python -m pilah_train.render bulbs OUT --objects 200

writes OUT/light-bulb/<kind>-<number>-<view>.jpg, two or three views an object; split by `<kind>-<number>`. Kinds come in
random order, so any beginning of the set is as varied as the whole, and pictures that exist already are skipped.

The demo's pictures, a few of each class:

    python -m pilah_train.render demo ../waste/demo --size 224 --samples 9

Things of every other class in the light bulbs' scenes, for training beside photographs:

    python -m pilah_train.render household OUT --objects 100

writes OUT/<class>/<kind>-<number>-<view>.jpg, two views an object.

The same seed gives the same pictures (with the same version of Blender).
"""

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path

from ..recipe import said


def plan(seed: list[int], kinds: dict[str, int], objects: int, views: tuple[int, int]) -> list[tuple[str, str, int, int]]:
    """What to render: name, kind, number and view; a longer list begins with the shorter one.

    `kinds` says how often each comes in a round; `views` how many pictures an object gets, at least and at most.
    """
    import numpy as np

    rng, jobs, seen, round_ = np.random.default_rng(seed), [], Counter(), []
    once = [kind for kind, often in kinds.items() for _ in range(often)]
    for number in range(objects):
        round_ = round_ or list(rng.permutation(once))
        kind = str(round_.pop())
        for view in range(int(rng.integers(views[0], views[1] + 1))):
            jobs.append((f"{kind}-{seen[kind]:03}-{view}", kind, number, view))
        seen[kind] += 1
    return jobs


def _jobs(what: str, out: Path, seed: int, objects: int) -> list[tuple]:
    """File, maker, seed and view of each picture."""
    if what == "demo":
        from .demo import DEMO

        return [(out / f"{name}.jpg", make, [seed, 1000 + number], 0) for name, (number, make) in DEMO.items()]
    if what == "bulbs":
        from .bulbs import KINDS

        times = {kind: often for kind, (_, often) in KINDS.items()}
        return [
            (out / "light-bulb" / f"{name}.jpg", KINDS[kind][0], [seed, number], view)
            for name, kind, number, view in plan([seed, 7], times, objects, (2, 3))
        ]
    from .household import KINDS

    jobs = [
        (out / class_ / f"{name}.jpg", makers[kind], [seed, 3000 + row, number], view)
        for row, (class_, makers) in enumerate(KINDS.items())
        for name, kind, number, view in plan([seed, 20 + row], dict.fromkeys(makers, 1), objects, (2, 2))
    ]
    return sorted(jobs, key=lambda job: job[2][2])  # a thing of each class in turn, so that any beginning has all


@said
def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser("pilah_train.render", description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["bulbs", "demo", "household"])
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument(
        "--objects",
        type=int,
        default=200,
        help="light bulbs, each shown two or three times; or things of each other class, each shown twice (%(default)s)",
    )
    parser.add_argument("--only", default="", help="only pictures whose name contains this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=int, default=8, help="light paths a pixel (%(default)s)")
    parser.add_argument("--size", type=int, default=256, help="pixels a side (%(default)s)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="render pictures that exist already, too")
    args = parser.parse_args()
    try:
        import bpy  # noqa: F401

        from . import scene
        from .look import Look
    except ImportError as missing:
        print(
            f"error: {missing}. Rendering needs Blender's Python module and Pillow: 'pip install bpy pillow', in a Python that "
            f"bpy has a wheel for (3.11 for bpy 4.x and 5.0); this is Python {sys.version.split()[0]}.",
            file=sys.stderr,
        )
        return 2
    style, jobs = Look.demo if args.what == "demo" else Look.random, _jobs(args.what, args.out, args.seed, args.objects)
    jobs = [job for job in jobs if args.only in str(job[0].relative_to(args.out)) and (args.again or not job[0].exists())]
    start = time.monotonic()
    for done, (path, make, seed, view) in enumerate(jobs, 1):
        path.parent.mkdir(parents=True, exist_ok=True)
        _quietly(scene.shoot, make, style, seed, view, path, args.samples, args.size, args.threads)
        each = (time.monotonic() - start) / done
        print(
            f"\r{done}/{len(jobs)}  {each:.1f} s each, {each * (len(jobs) - done) / 60:.0f} min left  {path.name:<32}",
            end="",
            flush=True,
        )
    print(f"\n{len(jobs)} pictures rendered in {args.out}")
    return 0


def _quietly(do, *args) -> None:
    """Call without Blender's own lines on standard output."""
    sys.stdout.flush()
    keep, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    try:
        do(*args)
    finally:
        os.dup2(keep, 1)
        os.close(keep)
        os.close(nothing)


if __name__ == "__main__":
    sys.exit(main())
