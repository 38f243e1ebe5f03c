"""Makes the pictures beside it anew: what Pillow, by the training's own code, gives for four small pictures.

    python tests/pillow/make.py

The daemon's preprocessing is held to them within one grey level (src/pipeline/preprocess/fit.rs).
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "models" / "train"))

from pilah_train.pictures import fit, load  # noqa: E402
from pilah_train.recipe import Input  # noqa: E402

SOURCES = {"wide": (61, 23), "tall": (19, 50), "small": (9, 7), "tray": (150, 110)}
FITS = ["stretch", "crop", "letterbox"]
# colour, filter, invert
KINDS = [
    ("rgb", "bilinear", "never"),
    ("grey", "bilinear", "auto"),
    ("bgr", "bilinear", "never"),
    ("grey", "bilinear", "always"),
    ("rgb", "nearest", "never"),
]


def source(width: int, height: int) -> Image.Image:
    """Bright, with edges, ramps and noise."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(width).integers(0, 60, (height, width, 3))
    ramps = np.stack([x * 150 // width, y * 150 // height, (x + y) * 150 // (width + height)], axis=2)
    dark = ((x // 5 + y // 4) % 4 == 0) & (x > 2) & (x < width - 3)
    return Image.fromarray(np.where(dark[..., None], ramps // 3, 45 + ramps + noise).astype(np.uint8))


def tray(width: int, height: int) -> Image.Image:
    """A small thing off the middle of a plain ground, to be looked at from closer."""
    ground = Image.new("RGB", (width, height), (150, 146, 138))
    ground.paste(source(30, 26), (width * 3 // 5, height // 6))
    return ground


for name, size in SOURCES.items():
    (tray if name == "tray" else source)(*size).save(HERE / f"{name}.png")
    for how in FITS:
        for colour, kernel, invert in KINDS:
            channels = 1 if colour == "grey" else 3
            i = Input(20, 16, channels, colour, fit=how, fill=99, filter=kernel, invert=invert, closer=name == "tray")
            tensor = fit(load(HERE / f"{name}.png", colour), i)
            pixels = tensor[:, :, 0] if channels == 1 else tensor
            Image.fromarray(pixels).save(HERE / f"{name}-{how}-{colour}-{kernel}-{invert}.png")
