"""Shipping labels for training and validation: their words, their layouts, photographs of them, and the rating of readers.

from pilah_train import labels
for picture in labels.stream(seed=1, layouts="train"):   # $PILAH_ADDRESSES names the table of addresses
    picture.image, picture.lines, picture.codes, picture.labels, picture.truth
"""


def __getattr__(name: str):
    """`stream` and what comes with it, loaded when first asked for: the words alone need no OpenCV."""
    if name in ("stream", "make"):
        from . import generator as module

        return getattr(module, name)
    if name in ("Picture", "Scene"):
        from . import photograph as module

        return getattr(module, name)
    raise AttributeError(name)
