"""The strip that the recognizer sees: where the capitals sit, and how its greys are stretched. The daemon does exactly the same."""

import numpy as np

HEIGHT = 32
CAP_TOP, BASELINE = 7, 23
CAP = BASELINE - CAP_TOP
DARK, LIGHT = 32, 224
LOW_PERCENTILE, HIGH_PERCENTILE = 3, 90
LEAST_CONTRAST = 24
WIDEST = 768


def stretched(strip: np.ndarray) -> np.ndarray:
    """Dark on light, ink at about DARK and paper at about LIGHT."""
    low, middle, high = map(float, np.percentile(strip, (LOW_PERCENTILE, 50, HIGH_PERCENTILE), method="nearest"))
    if middle < (low + high) / 2:
        strip = 255 - strip
        low, high = np.percentile(strip, (LOW_PERCENTILE, HIGH_PERCENTILE), method="nearest")
    gain = (LIGHT - DARK) / max(float(high) - float(low), LEAST_CONTRAST)
    return np.clip(np.round((strip.astype(np.float32) - float(low)) * gain + DARK), 0, 255).astype(np.uint8)


def padded(strip: np.ndarray, width: int) -> np.ndarray:
    out = np.full((HEIGHT, width), LIGHT, np.uint8)
    out[:, : strip.shape[1]] = strip[:, :width]
    return out
