"""The strip that the recognizer sees: where the capitals sit, and how its greys are stretched. The daemon does the same."""

import numpy as np

HEIGHT = 32
CAP_TOP, BASELINE = 7, 23
CAP = BASELINE - CAP_TOP
DARK, LIGHT = 32, 224
LOW_PERCENTILE, HIGH_PERCENTILE = 3, 90
LEAST_CONTRAST = 24
BLOCK = 32
WIDEST = 768


def stretched(strip: np.ndarray) -> np.ndarray:
    """Dark on light, ink at about DARK and paper at about LIGHT."""
    if light_on_dark(strip):
        strip = 255 - strip
    low, high = map(float, np.percentile(strip, (LOW_PERCENTILE, HIGH_PERCENTILE), method="nearest"))
    gain = (LIGHT - DARK) / max(high - low, LEAST_CONTRAST)
    return np.clip(np.round((strip.astype(np.float32) - low) * gain + DARK), 0, 255).astype(np.uint8)


def light_on_dark(strip: np.ndarray) -> bool:
    """Whether most blocks of about BLOCK columns have their median nearer to the dark end: judged in blocks, so that a shadow
    does not turn a strip round."""
    width = strip.shape[1]
    n, votes = max(1, width // BLOCK), 0
    for k in range(n):
        block = strip[:, k * width // n : (k + 1) * width // n]
        low, middle, high = map(float, np.percentile(block, (LOW_PERCENTILE, 50, HIGH_PERCENTILE), method="nearest"))
        votes += middle < (low + high) / 2
    return 2 * votes > n


def padded(strip: np.ndarray, width: int) -> np.ndarray:
    out = np.full((HEIGHT, width), LIGHT, np.uint8)
    out[:, : strip.shape[1]] = strip[:, :width]
    return out
