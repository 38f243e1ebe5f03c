"""From a picture file to the u8 tensor that the net sees: the one path that training, evaluation and the daemon share."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from . import closer
from .recipe import Fault, Input

# those that the daemon has
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
}


# as the daemon's
MOST_PIXELS = 64_000_000
# what a picture that is none may raise
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def load(path: Path, colour: str) -> Image.Image:
    """Decodes, turns by EXIF, and converts to RGB or to grey (Rec. 601 luma, Pillow's L)."""
    with Image.open(path) as raw:
        if raw.width * raw.height > MOST_PIXELS:
            raise ValueError(f"it has {raw.width} x {raw.height} pixels; {MOST_PIXELS // 1_000_000} million are the most")
        raw = ImageOps.exif_transpose(raw)
        if raw.mode.startswith("I;16"):  # Pillow would cut off what is brighter than 255 of 65535
            raw = Image.fromarray(((np.asarray(raw).astype(np.uint32) + 128) // 257).astype(np.uint8))
        if "transparency" in raw.info or raw.mode in ("RGBA", "LA", "PA"):
            raw = raw.convert("RGBA")
            raw = Image.alpha_composite(Image.new("RGBA", raw.size, "white"), raw)
        return raw.convert("L" if colour == "grey" else "RGB")


def fit(picture: Image.Image, i: Input) -> np.ndarray:
    """Goes closer, resizes and inverts: the tensor [H, W, C], u8."""
    if i.closer:
        picture = closer.look(picture)
    if i.filter not in FILTERS:
        raise Fault(f"unknown filter `{i.filter}`: {' or '.join(FILTERS)}")
    how, target = FILTERS[i.filter], (i.width, i.height)
    if i.fit == "stretch":
        tensor = np.array(picture.resize(target, how))
    elif i.fit == "crop":
        ratio = max(i.width / picture.width, i.height / picture.height)
        w, h = max(i.width, round(picture.width * ratio)), max(i.height, round(picture.height * ratio))
        left, top = (w - i.width) // 2, (h - i.height) // 2
        tensor = np.array(picture.resize((w, h), how).crop((left, top, left + i.width, top + i.height)))
    elif i.fit == "letterbox":
        ratio = min(i.width / picture.width, i.height / picture.height)
        w = min(i.width, max(1, round(picture.width * ratio)))
        h = min(i.height, max(1, round(picture.height * ratio)))
        inner = _inverted(np.asarray(picture.resize((w, h), how)), i.invert)
        tensor = np.full((i.height, i.width) + inner.shape[2:], i.fill, np.uint8)
        left, top = (i.width - w) // 2, (i.height - h) // 2
        tensor[top : top + h, left : left + w] = inner
        return _layout(tensor, i)
    else:
        raise Fault(f"unknown fit `{i.fit}`: stretch, crop or letterbox")
    return _layout(_inverted(tensor, i.invert), i)


def read(path: Path, i: Input) -> np.ndarray:
    return fit(load(path, i.colour), i)


def _inverted(tensor: np.ndarray, invert: str) -> np.ndarray:
    """`auto` looks at the border of the resized picture, before letterbox bars are added."""
    if invert == "never":
        return tensor
    border = np.concatenate([tensor[0].ravel(), tensor[-1].ravel(), tensor[1:-1, 0].ravel(), tensor[1:-1, -1].ravel()])
    return 255 - tensor if invert == "always" or np.median(border) > 127 else tensor


def _layout(tensor: np.ndarray, i: Input) -> np.ndarray:
    tensor = tensor.reshape(i.height, i.width, i.channels)
    return np.ascontiguousarray(tensor[:, :, ::-1] if i.colour == "bgr" else tensor)
