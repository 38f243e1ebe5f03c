"""Typefaces of the system for drawing strips, by family, some kept out of training."""

import subprocess

# family -> weight: what label printers and shipping programs use comes first
FAMILIES = {
    "Liberation Sans": 4, "Liberation Sans Narrow": 3, "Nimbus Sans": 3, "Nimbus Sans Narrow": 2, "Roboto": 4, "Roboto Condensed": 3, "Open Sans": 3,
    "Lato": 2, "Inter": 2, "DejaVu Sans": 3, "DejaVu Sans Condensed": 3, "FreeSans": 2, "Noto Sans": 2, "PT Sans": 1, "PT Sans Narrow": 2,
    "Carlito": 2, "Karla": 1, "Universalis ADF Std": 1, "Gillius ADF No2": 1, "Dosis": 1, "Play": 1, "B612": 1, "Go": 1, "Manrope": 1, "Sora": 1,
    "Yanone Kaffeesatz": 1, "Bebas Neue": 1, "Routed Gothic Narrow": 1, "Switzera ADF": 1, "Jura": 0.5, "Quicksand": 0.5, "URW Gothic": 0.7,
    "Liberation Mono": 2, "DejaVu Sans Mono": 1.5, "Nimbus Mono PS": 1, "Roboto Slab": 0.7, "Courier Prime": 1, "FreeMono": 0.5, "JetBrains Mono": 0.7,
    "Hack": 0.7, "OCR B": 1, "Terminus": 0, "M PLUS Code Latin 50": 1, "Mplus Code 50": 1, "Fira Code": 0.7, "Cousine": 0.7, "Noto Sans Mono": 0.7, "PT Mono": 0.7,
    "Liberation Serif": 1, "DejaVu Serif": 1, "FreeSerif": 0.5, "C059": 0.4, "PT Serif": 0.5, "Noto Serif": 0.5, "Linux Biolinum O": 0.5, "National Park": 1,
    "Oxygen\\-Sans": 1, "Andika": 0.5, "Arimo": 1,
}  # fmt: skip
KEPT_OUT = {"Cabin": 1, "Cantarell": 1, "Clear Sans": 1, "TeX Gyre Heros Cn": 1, "Anonymous Pro": 0.5, "Tuffy": 1, "League Mono": 0.5, "Tinos": 0.5}


def faces(families: dict[str, float]) -> list[tuple[str, float]]:
    """Upright and bold files of the families that are installed, with weights; italics at a tenth."""
    text = subprocess.run(["fc-list", ":", "family", "style", "file", "variable"], capture_output=True, text=True, check=True).stdout
    found: dict[str, list[tuple[str, float]]] = {}
    for line in sorted(text.splitlines()):
        path, _, rest = line.partition(": ")
        names, _, style = rest.partition(":style=")
        style = style.split(",")[0].split(":")[0]
        family = next((f for f in names.split(",") if f in families), None)
        odd = any(w in style for w in ("Thin", "Hairline", "ExtraLight", "UltraLight"))
        if family is None or odd or not path.lower().endswith((".ttf", ".otf", ".t1")) or "variable=True" in line:
            continue
        share = 0.1 if any(w in style for w in ("Italic", "Oblique")) else 0.3 if "Light" in style or "Black" in style else 1.0
        found.setdefault(family, []).append((path, share))
    out = []
    for family, files in found.items():
        total = sum(s for _, s in files)
        out += [(p, families[family] * s / total) for p, s in files]
    return out
