"""The recognizer's characters: printable ASCII, class 0 is the CTC blank."""

import numpy as np

BLANK = 0
CHARSET = "".join(map(chr, range(32, 127)))
CLASSES = 1 + len(CHARSET)
STEPS_PER_COLUMN = 2

_LIKE = str.maketrans({"–": "-", "—": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "•": "*", "·": ".", "\u00a0": " "})


def clean(text: str) -> str:
    """The text as the net writes it: look-alikes replaced, one space between words."""
    return " ".join("".join(c for c in text.translate(_LIKE) if " " <= c <= "~").split())


def encode(text: str) -> list[int]:
    return [ord(c) - 31 for c in text]


def greedy(logits: np.ndarray) -> str:
    """The best path through [steps, classes]: repeats collapsed, blanks dropped."""
    best = logits.argmax(-1)
    keep = (best != BLANK) & np.concatenate([[True], best[1:] != best[:-1]])
    return " ".join("".join(CHARSET[k - 1] for k in best[keep]).split())


def steps(logits: np.ndarray) -> np.ndarray:
    """[..., columns, 2 * classes] as the net gives it, to [..., steps, classes]."""
    return logits.reshape(*logits.shape[:-2], logits.shape[-2] * STEPS_PER_COLUMN, CLASSES)
