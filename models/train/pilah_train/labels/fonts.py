"""The free fonts that labels are set in, found among the installed ones.

    family = pick(random.Random(1))              # a family, the plain ones of label printers more often
    font = family.at(24, bold=True)              # a PIL font of 24 pixels an em

Families that are kept out never occur in training, so that validation also sees letters it was not trained on.
"""

import functools
import os
import random
from dataclasses import dataclass
from pathlib import Path

from PIL import ImageFont

from ..recipe import Fault

# name, regular, bold, how often, kept out, Debian package
TABLE = """
Liberation Sans       | LiberationSans-Regular.ttf      | LiberationSans-Bold.ttf       | 8 |   | fonts-liberation
Liberation Narrow     | LiberationSansNarrow-Regular.ttf| LiberationSansNarrow-Bold.ttf | 4 |   | fonts-liberation
Liberation Mono       | LiberationMono-Regular.ttf      | LiberationMono-Bold.ttf       | 3 |   | fonts-liberation
Liberation Serif      | LiberationSerif-Regular.ttf     | LiberationSerif-Bold.ttf      | 2 |   | fonts-liberation
DejaVu Sans           | DejaVuSans.ttf                  | DejaVuSans-Bold.ttf           | 4 |   | fonts-dejavu-core
DejaVu Sans Mono      | DejaVuSansMono.ttf              | DejaVuSansMono-Bold.ttf       | 2 |   | fonts-dejavu-core
DejaVu Serif          | DejaVuSerif.ttf                 | DejaVuSerif-Bold.ttf          | 1 |   | fonts-dejavu-core
DejaVu Condensed      | DejaVuSansCondensed.ttf         | DejaVuSansCondensed-Bold.ttf  | 4 |   | fonts-dejavu-extra
Roboto                | Roboto-Regular.ttf              | Roboto-Bold.ttf               | 6 |   | fonts-roboto-unhinted
Roboto Condensed      | RobotoCondensed-Regular.ttf     | RobotoCondensed-Bold.ttf      | 4 |   | fonts-roboto-unhinted
Roboto Slab           | RobotoSlab-Regular.otf          | RobotoSlab-Bold.otf           | 1 |   | fonts-roboto-slab
Open Sans             | OpenSans-Regular.ttf            | OpenSans-Bold.ttf             | 4 |   | fonts-open-sans
Open Sans Condensed   | OpenSans-CondLight.ttf          | OpenSans-CondBold.ttf         | 1 |   | fonts-open-sans
Lato                  | Lato-Regular.ttf                | Lato-Bold.ttf                 | 3 |   | fonts-lato
Nimbus Sans           | NimbusSans-Regular.otf          | NimbusSans-Bold.otf           | 6 |   | fonts-urw-base35
Nimbus Sans Narrow    | NimbusSansNarrow-Regular.otf    | NimbusSansNarrow-Bold.otf     | 4 |   | fonts-urw-base35
Nimbus Mono           | NimbusMonoPS-Regular.otf        | NimbusMonoPS-Bold.otf         | 1 |   | fonts-urw-base35
Nimbus Roman          | NimbusRoman-Regular.otf         | NimbusRoman-Bold.otf          | 2 |   | fonts-urw-base35
URW Gothic            | URWGothic-Book.otf              | URWGothic-Demi.otf            | 1 | x | fonts-urw-base35
URW Bookman           | URWBookman-Light.otf            | URWBookman-Demi.otf           | 1 |   | fonts-urw-base35
FreeSans              | FreeSans.ttf                    | FreeSansBold.ttf              | 4 |   | fonts-freefont-ttf
FreeMono              | FreeMonoBold.ttf                | FreeMonoBold.ttf              | 1 | x | fonts-freefont-ttf
Carlito               | Carlito-Regular.ttf             | Carlito-Bold.ttf              | 4 |   | fonts-crosextra-carlito
Noto Sans             | NotoSans-Regular.ttf            | NotoSans-Bold.ttf             | 3 |   | fonts-noto-core
Noto Serif            | NotoSerif-Regular.ttf           | NotoSerif-Bold.ttf            | 1 | x | fonts-noto-core
Noto Sans Mono        | NotoSansMono-Regular.ttf        | NotoSansMono-Bold.ttf         | 1 |   | fonts-noto-mono
Inter                 | Inter-Regular.otf               | Inter-Bold.otf                | 3 |   | fonts-inter
Cantarell             | Cantarell-Regular.otf           | Cantarell-Bold.otf            | 2 | x | fonts-cantarell
Inconsolata           | Inconsolata.otf                 | Inconsolata.otf               | 2 |   | fonts-inconsolata
Hack                  | Hack-Regular.ttf                | Hack-Bold.ttf                 | 1 | x | fonts-hack
JetBrains Mono        | JetBrainsMono-Regular.ttf       | JetBrainsMono-Bold.ttf        | 1 |   | fonts-jetbrains-mono
Courier Prime         | Courier Prime.otf               | Courier Prime Bold.otf        | 2 |   | fonts-courier-prime
B612                  | B612-Regular.otf                | B612-Bold.otf                 | 2 |   | fonts-b612
OCR-B                 | OCRB.otf                        | OCRB.otf                      | 1 |   | fonts-ocr-b
Cabin                 | Cabin-Regular.otf               | Cabin-Bold.otf                | 2 | x | fonts-cabin
Go                    | Go-Regular.ttf                  | Go-Bold.ttf                   | 2 |   | fonts-go
Karla                 | Karla-Regular.otf               | Karla-Bold.otf                | 2 |   | fonts-karla
Manrope               | Manrope-Medium.ttf              | Manrope-ExtraBold.ttf         | 2 |   | fonts-manrope
M PLUS 1              | Mplus1-Regular.otf              | Mplus1-Bold.otf               | 2 |   | fonts-mplus
M PLUS Code           | MplusCode50-Medium.otf          | MplusCode50-Bold.otf          | 1 |   | fonts-mplus
Clear Sans            | ClearSans-Regular.ttf           | ClearSans-Bold.ttf            | 2 |   | fonts-clear-sans
Anonymous Pro         | Anonymous Pro.ttf               | Anonymous Pro B.ttf           | 1 |   | fonts-anonymous-pro
Linux Libertine       | LinLibertine_R.otf              | LinLibertine_RB.otf           | 1 |   | fonts-linuxlibertine
Biolinum              | LinBiolinum_R.otf               | LinBiolinum_RB.otf            | 1 |   | fonts-linuxlibertine
Switzera              | SwitzeraADF-Regular.otf         | SwitzeraADF-Bold.otf          | 2 |   | fonts-adf-switzera
Switzera Condensed    | SwitzeraADF-Cond.otf            | SwitzeraADF-BoldCond.otf      | 2 |   | fonts-adf-switzera
Gillius               | GilliusADF-Regular.otf          | GilliusADF-Bold.otf           | 1 |   | fonts-adf-gillius
Gillius Condensed     | GilliusADF-Cond.otf             | GilliusADF-BoldCond.otf       | 1 | x | fonts-adf-gillius
Universalis           | UniversalisADFStd-Regular.otf   | UniversalisADFStd-Bold.otf    | 1 |   | fonts-adf-universalis
Universalis Condensed | UniversalisADFStd-Cond.otf      | UniversalisADFStd-BoldCond.otf| 1 |   | fonts-adf-universalis
Quicksand             | Quicksand-Medium.ttf            | Quicksand-Bold.ttf            | 1 |   | fonts-quicksand
Andika                | Andika-Regular.ttf              | Andika-Bold.ttf               | 1 |   | fonts-sil-andika
League Mono Narrow    | LeagueMono-NarrowRegular.otf    | LeagueMono-NarrowBold.otf     | 1 |   | fonts-league-mono
IBM VGA               | Px_IBM_VGA8.ttf                 | Px_IBM_VGA8.ttf               | 1 |   | fonts-pc
IBM 3270              | 3270SemiCondensed-Regular.ttf   | 3270-Regular.ttf              | 1 |   | fonts-3270
Jura                  | Jura-Medium.otf                 | Jura-Bold.otf                 | 1 |   | fonts-jura
Routed Gothic         | routed-gothic.ttf               | routed-gothic.ttf             | 1 |   | fonts-routed-gothic
PT Sans               | PTS55F.ttf                      | PTS75F.ttf                    | 3 |   | fonts-paratype
PT Sans Narrow        | PTN57F.ttf                      | PTN77F.ttf                    | 4 |   | fonts-paratype
PT Mono               | PTM55F.ttf                      | PTM75F.ttf                    | 1 |   | fonts-paratype
TeX Gyre Heros Cn     | texgyreheroscn-regular.otf      | texgyreheroscn-bold.otf       | 2 | x | fonts-texgyre
Yanone Kaffeesatz     | YanoneKaffeesatz-Regular.otf    | YanoneKaffeesatz-Bold.otf     | 1 |   | fonts-yanone-kaffeesatz
Sora                  | Sora-Regular.otf                | Sora-Bold.otf                 | 1 |   | fonts-sora
Play                  | Play-Regular.otf                | Play-Bold.otf                 | 1 |   | fonts-play
Dosis                 | Dosis-Medium.otf                | Dosis-Bold.otf                | 2 |   | fonts-dosis
Spleen                | spleen-16x32.otf                | spleen-16x32.otf              | 1 |   | fonts-spleen
Oxygen                | Oxygen-Sans.ttf                 | Oxygen-Sans-Bold.ttf          | 2 | x | fonts-oxygen
Tuffy                 | Tuffy.ttf                       | Tuffy_Bold.ttf                | 1 |   | fonts-tuffy
"""
HANDS = """
Humor Sans  | Humor-Sans.ttf         | fonts-humor-sans
Breip       | Breip.ttf              | fonts-breip
Femke       | femkeklaver.ttf        | fonts-femkeklaver
DKG         | dkg.ttf                | fonts-dkg-handwriting
Klee        | KleeOne-SemiBold.ttf   | fonts-klee
Steve       | SteveHand.ttf          | fonts-sjfonts
Delphine    | Delphine.ttf           | fonts-sjfonts
Comic Neue  | ComicNeue-Regular.otf  | fonts-comic-neue
Tomson      | TomsonTalks.ttf        | fonts-tomsontalks
Kristi      | Kristi.ttf             | fonts-kristi
"""
"fonts like handwriting, for envelopes; none of them is needed"
FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
ENOUGH = 25


@dataclass(frozen=True)
class Family:
    """One family: its files, how often it occurs, and whether training never sees it."""

    name: str
    regular: str
    bold: str
    weight: int
    kept_out: bool

    def at(self, px: int, bold: bool = False) -> ImageFont.FreeTypeFont:
        """The font at this many pixels an em."""
        return _open(self.bold if bold else self.regular, px)


@functools.lru_cache(maxsize=400)
def _open(path: str, px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, px, layout_engine=ImageFont.Layout.BASIC)


@functools.lru_cache(maxsize=1)
def _files() -> dict[str, str]:
    roots = [Path(folder).expanduser() for folder in (*FOLDERS, *os.environ.get("PILAH_FONTS", "").split(":")) if folder]
    return {path.name: str(path) for root in roots for path in sorted(root.rglob("*")) if path.suffix in (".ttf", ".otf")}


@functools.lru_cache(maxsize=1)
def families() -> tuple[Family, ...]:
    """All families of the table that are installed; too few of them are an error that names the packages."""
    files = _files()
    found, missing = [], set()
    for row in TABLE.strip().splitlines():
        name, regular, bold, weight, kept_out, package = (cell.strip() for cell in row.split("|"))
        if regular in files and bold in files:
            found.append(Family(name, files[regular], files[bold], int(weight), kept_out == "x"))
        else:
            missing.add(package)
    kept_out = sum(family.kept_out for family in found)
    if len(found) - kept_out < ENOUGH or not kept_out:
        raise Fault(
            f"{len(found) - kept_out} font families for training and {kept_out} for validation alone are installed; labels need "
            f"{ENOUGH} and 1; "
            f"on Debian: apt-get install --no-install-recommends {' '.join(sorted(missing))} "
            "(elsewhere: put the files into a folder and name it in the environment variable PILAH_FONTS)"
        )
    return tuple(found)


def pick(rng: random.Random, fonts: str = "train") -> Family:
    """A family for `train` (never a kept-out one), for `kept-out` (half of the time one of those), or of `all`."""
    every = families()
    if fonts == "kept-out":
        if rng.random() < 0.5:
            return rng.choice([family for family in every if family.kept_out])
    if fonts != "all":
        every = [family for family in every if not family.kept_out]
    return rng.choices(every, [family.weight for family in every])[0]


def hand(rng: random.Random) -> Family:
    """A family like handwriting; an ordinary one where none is installed."""
    files = _files()
    rows = [[cell.strip() for cell in row.split("|")] for row in HANDS.strip().splitlines()]
    found = [Family(name, files[file], files[file], 1, False) for name, file, _ in rows if file in files]
    return rng.choice(found) if found else pick(rng)
