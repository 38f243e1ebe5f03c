"""A recipe says everything about one model that is not a picture: input, classes, data, net and training settings."""

import functools
import sys
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path


class Fault(Exception):
    """A mistake in a recipe or in the data, in words for the person who started the command."""


def said(main: Callable[[], int | None]) -> Callable[[], int]:
    """A command that says what a person can mend in one line, instead of a traceback."""

    @functools.wraps(main)
    def run() -> int:
        try:
            return main() or 0
        except (Fault, OSError) as e:
            print(f"error: {e}", file=sys.stderr)
            return 1

    return run


def replace_file(path: Path, content: str | bytes, net: Path | None = None) -> None:
    """Whole or not at all: written beside, then renamed. A net that was written as `<name>.part` gets its name right before."""
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        if net:
            net.replace(net.with_suffix(""))
        part.replace(path)
    except OSError as e:
        part.unlink(missing_ok=True)
        raise Fault(f"writing {path}: {e}; free some space, then start again") from e


@dataclass
class Input:
    """How a picture becomes the net's u8 tensor; the daemon does exactly the same (see pictures.py)."""

    width: int
    height: int
    channels: int = 3
    colour: str = "rgb"  # grey | rgb | bgr
    scale: float = 1 / 128  # x = (pixel - zero_point) * scale, done inside the graph
    zero_point: int = 127
    fit: str = "stretch"  # stretch | crop | letterbox
    fill: int = 0
    filter: str = "bilinear"
    invert: str = "never"  # never | always | auto
    closer: bool = False  # see closer.py


@dataclass
class Class:
    id: str
    en: str = ""
    id_ID: str = ""
    advice_en: str = ""
    advice_id: str = ""


@dataclass
class Data:
    kind: str = "folder"  # folder | manifest | mnist
    exclude: str = ""  # a file of picture names to leave out, beside the recipe
    withdraw: str = ""  # a further file of such names, left out after the split was made, so that no other picture moves
    extra: dict[str, str] = field(default_factory=dict)  # class -> glob of more pictures, relative to --extra
    unrated: list[str] = field(default_factory=list)  # classes whose extra pictures are for training alone
    block: dict[str, int] = field(default_factory=dict)  # source -> so many neighbouring numbers show one thing
    validation: float = 0.15
    test: float = 0.15
    fold: int = 0  # which of `folds` parts is the validation; set by --fold
    folds: int = 0
    min_pictures: int = 5  # a class with fewer is refused
    notes: dict[str, str] = field(default_factory=dict)  # source -> licence, where the data does not say it


@dataclass
class Train:
    net: str = "efficientnet-lite0"
    start: str = ""  # the folder of a finished model of this net to go on from instead of ImageNet's weights; --start sets it
    augment: str = "objects"  # none | objects | digits | light
    seed: int = 1
    epochs: int = 12
    batch: int = 32
    rate: float = 3e-4
    weight_decay: float = 0.02
    smoothing: float = 0.05
    mixup: float = 0.0
    average: float = 0.999  # exponential moving average of the weights; 0 is off
    blend: float = 1.0  # the share of the tuned weights in the net that is kept; the rest are those with the new head alone
    patience: int = 6  # epochs without a better validation before stopping
    balance: float = 0.5  # 0: pictures as they come, 1: every class equally often
    epoch_size: int = 0  # pictures drawn an epoch; 0: as many as there are
    head_views: int = 0  # augmented views a picture for fitting the new head on frozen features first
    small: int = 0  # the first epochs run on pictures of this size: two or three times as fast
    small_epochs: int = 0
    freeze: int = 0  # so many leading blocks of the net stay as they were pretrained
    views: int = 0  # of each picture so many views go through the frozen blocks once, for all epochs; 0: new ones each epoch


@dataclass
class Decide:
    """What the thresholds shall reach on validation."""

    precision: float = 0.985  # of what gets a lane, in every class
    floor: float = 0.5  # no class threshold is lower
    unknown: float = 0.4  # below this nothing is known, whatever the class


@dataclass
class Recipe:
    name: str
    version: str
    licence: str
    input: Input
    data: Data
    train: Train
    decide: Decide
    classes: list[Class]
    folder: Path = Path()

    @property
    def ids(self) -> list[str]:
        return [c.id for c in self.classes]

    def settings(self) -> dict:
        """All that changes what a training would learn; a checkpoint of other settings is not resumed."""
        data = {k: v for k, v in asdict(self.data).items() if k != "notes" and (k not in ("fold", "folds") or self.data.folds)}
        train = {k: v for k, v in asdict(self.train).items() if k not in ("epochs", "patience")}  # more may be asked for later
        if not self.train.start:
            del train["start"]
        return {"input": asdict(self.input), "data": data, "train": train, "classes": self.ids}


def _section(kind, table: dict, where: str):
    known = {f.name for f in fields(kind)}
    for key in table:
        if key not in known:
            raise Fault(f"{where}: unknown key `{key}`; known are {', '.join(sorted(known))}")
    try:
        return kind(**table)
    except TypeError as e:
        raise Fault(f"{where}: {e}") from e


def load(path: Path) -> Recipe:
    try:
        text = tomllib.loads(Path(path).read_text())
    except (OSError, tomllib.TOMLDecodeError) as e:
        raise Fault(f"reading the recipe {path}: {e}") from e
    recipe = Recipe(
        name=text.get("name", Path(path).stem),
        version=text.get("version", "0.1.0"),
        licence=text.get("licence", "unstated"),
        input=_section(Input, text.get("input", {}), f"{path} [input]"),
        data=_section(Data, text.get("data", {}), f"{path} [data]"),
        train=_section(Train, text.get("train", {}), f"{path} [train]"),
        decide=_section(Decide, text.get("decide", {}), f"{path} [decide]"),
        classes=[_section(Class, c, f"{path} [[class]]") for c in text.get("class", [])],
        folder=Path(path).parent,
    )
    i = recipe.input
    if (i.channels == 1) != (i.colour == "grey"):
        raise Fault(f"{path} [input]: colour `{i.colour}` does not have {i.channels} channel(s)")
    if strange := sorted(set(recipe.data.unrated) - set(recipe.data.extra)):
        raise Fault(f"{path} [data]: `unrated` names {', '.join(strange)}, which `extra` does not have")
    return recipe
