"""Materials: glass, metal, plastic and print for objects, and what a camera sees under them.

All are procedural, but for printed labels, whose picture is drawn here too, with invented names.
"""

import bpy
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[float, float, float]


class Shader:
    """Short notation for a material's node tree."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.tree.nodes.clear()

    def node(self, kind: str, inputs: dict | None = None, out: str | int | None = 0, **settings):
        """Add a node, set or link its inputs, and return one of its outputs (the node itself for `out=None`)."""
        node = self.tree.nodes.new("ShaderNode" + kind)
        for key, value in settings.items():
            setattr(node, key, value)
        for key, value in (inputs or {}).items():
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, node.inputs[key])
            else:
                node.inputs[key].default_value = (
                    (*value, 1) if isinstance(value, tuple) and len(value) == 3 and node.inputs[key].type == "RGBA" else value
                )
        return node if out is None else node.outputs[out]

    def ramp(self, factor, *stops: tuple[float, Colour]):
        """Map a factor to colours at positions."""
        colour = self.node("ValToRGB", {"Fac": factor})
        elements = colour.node.color_ramp.elements
        for i, (position, value) in enumerate(stops):
            element = elements[i] if i < 2 else elements.new(position)
            element.position, element.color = position, (*value, 1)
        return colour

    def where(self, scale: tuple[float, float, float] = (1, 1, 1), source: str = "Object"):
        """Texture coordinates in centimetres, stretched."""
        return self.node("Mapping", {"Vector": self.node("TexCoord", out=source), "Scale": scale})

    def noise(self, scale: float, where=None, detail: float = 4, rough: float = 0.6):
        """Cloudy noise, 0 to 1."""
        return self.node("TexNoise", {"Vector": where or self.where(), "Scale": scale, "Detail": detail, "Roughness": rough})

    def bump(self, height, strength: float, distance: float = 0.1):
        """A normal from a height."""
        return self.node("Bump", {"Height": height, "Strength": strength, "Distance": distance}, "Normal")

    def finish(self, shader) -> bpy.types.Material:
        """Use this shader as the surface."""
        self.node("OutputMaterial", {"Surface": shader}, out=None)
        return self.material


def solid_colour(
    colour: Colour,
    rough: float = 0.5,
    metal: float = 0.0,
    coat: float = 0.0,
    grain: float = 0.0,
    grain_scale: float = 3.0,
    dirt: float = 0.0,
    glow: float = 0.0,
) -> bpy.types.Material:
    """Plastic, paint, rubber or metal; `grain` roughens it, `dirt` darkens it in patches."""
    s = Shader("solid")
    inputs = {"Base Color": colour, "Roughness": rough, "Metallic": metal, "Coat Weight": coat}
    if dirt:
        dark = tuple(c * (1 - dirt) * k for c, k in zip(colour, (1, 0.95, 0.85)))
        inputs["Base Color"] = s.ramp(s.noise(0.8, detail=6), (0.35, dark), (0.6, colour))
    if grain:
        inputs["Normal"] = s.bump(s.noise(grain_scale), grain, 0.2)
    if glow:
        inputs |= {"Emission Color": colour, "Emission Strength": glow}
    return s.finish(s.node("BsdfPrincipled", inputs))


def steel(rough: float = 0.25) -> bpy.types.Material:
    """Bare bright metal."""
    return solid_colour((0.7, 0.7, 0.7), rough, 1.0)


def clear_glass(
    tint: Colour = (0.97, 0.98, 0.98), edge: float = 0.7, rough: float = 0.02, soot: float = 0.0, ripple: float = 0.0
):
    """A thin wall of glass or clear plastic: light passes straight, is tinted more at the edge, and mirrors by Fresnel.

    `ripple` makes it uneven, as blown plastic is and glass is not.
    """
    s = Shader("glass")
    normal = {"Normal": s.bump(s.noise(0.9, detail=3), ripple, 1.0)} if ripple else {}
    facing = s.node("LayerWeight", {"Blend": 0.5, **normal}, "Facing")
    power = lambda n: s.node("Math", {0: facing, 1: n}, operation="POWER")
    through = s.ramp(power(2.5), (0.0, tint), (1.0, tuple(c * edge for c in tint)))
    mirror = s.node("Math", {0: power(5.0), 1: 0.7, 2: 0.045}, operation="MULTIPLY_ADD")
    glass = s.node(
        "MixShader",
        {0: mirror, 1: s.node("BsdfTransparent", {"Color": through}), 2: s.node("BsdfGlossy", {"Roughness": rough, **normal})},
    )
    if soot:
        cover = s.node("Math", {0: s.noise(0.25), 1: soot}, operation="MULTIPLY")
        glass = s.node("MixShader", {0: cover, 1: glass, 2: s.node("BsdfDiffuse", {"Color": (0.03, 0.028, 0.025)})})
    return s.finish(glass)


def milky(colour: Colour = (0.9, 0.9, 0.88), through: float = 0.35, rough: float = 0.25, glow: float = 0.0, dirt: float = 0.0):
    """Frosted glass, a diffusing plastic dome or a coated tube; optionally lit."""
    s = Shader("milky")
    base = s.ramp(s.noise(0.5, detail=6), (0.3, tuple(c * (1 - dirt) for c in colour)), (0.6, colour))
    front = s.node(
        "BsdfPrincipled", {"Base Color": base, "Roughness": rough, "Emission Color": colour, "Emission Strength": glow}
    )
    return s.finish(s.node("MixShader", {0: through, 1: front, 2: s.node("BsdfTranslucent", {"Color": colour})}))


def picture(image: Image.Image, rough: float = 0.4, metal: float = 0.0, bump: float = 0.0) -> bpy.types.Material:
    """A printed surface: the picture follows the object's texture coordinates."""
    s = Shader("picture")
    pixels = np.asarray(image.convert("RGBA").transpose(Image.FLIP_TOP_BOTTOM), np.float32) / 255
    data = bpy.data.images.new("print", *image.size)
    data.pixels.foreach_set(pixels.ravel())
    data.pack()
    colour = s.node("TexImage", {"Vector": s.node("TexCoord", out="UV")}, image=data)
    inputs = {"Base Color": colour, "Roughness": rough, "Metallic": metal}
    if bump:
        inputs["Normal"] = s.bump(s.noise(1.2), bump, 0.3)
    return s.finish(s.node("BsdfPrincipled", inputs))


def label(rng: np.random.Generator, ground: Colour, ink: Colour, words: list[str], size=(512, 256)) -> Image.Image:
    """A printed label: a few words in large and small type, some with a stripe or a disc behind."""
    byte = lambda colour: tuple(int(255 * min(1, c) ** (1 / 2.2)) for c in colour)
    image = Image.new("RGB", size, byte(ground))
    draw, (w, h) = ImageDraw.Draw(image), size
    if rng.random() < 0.5:
        y = rng.uniform(0, 0.8) * h
        draw.rectangle([0, y, w, y + 0.15 * h], fill=byte(tuple(rng.uniform(0, 1, 3))))
    for turn in range(2):
        y = h * 0.12
        for i, word in enumerate(words):
            font = ImageFont.load_default(int(h * (0.22 if i == 0 else 0.09)))
            draw.text((w * (0.06 + 0.5 * turn), y), word, fill=byte(ink), font=font)
            y += h * (0.3 if i == 0 else 0.13)
    return image


def kelvin(temperature: float) -> Colour:
    """Roughly the colour of a light of this temperature."""
    t = np.clip((temperature - 2500) / 5500, 0, 1)
    return (1.0 - 0.2 * t, 0.62 + 0.3 * t, 0.28 + 0.72 * t)


def ground(rng: np.random.Generator, kind: str) -> bpy.types.Material:
    """What lies under the object: belt, wood, steel, concrete, cardboard, plain, cloth, paper, tiles or soil."""
    s = Shader("ground-" + kind)
    grey = lambda low, high: tuple(np.repeat(rng.uniform(low, high), 3))
    any_colour = lambda: tuple(rng.uniform(0.02, 0.8, 3))
    angle = s.node("Mapping", {"Vector": s.node("TexCoord", out="Object"), "Rotation": (0, 0, rng.uniform(0, 6.3))})
    stretch = lambda x, y: s.node("Mapping", {"Vector": angle, "Scale": (x, y, 1)})
    normal, metal = None, 0.0
    if kind == "belt":
        base = np.array([(0.02,) * 3, (0.05,) * 3, (0.02, 0.09, 0.05), (0.1, 0.11, 0.12), (0.02, 0.04, 0.1)][rng.integers(5)])
        weave = s.node("TexChecker", {"Vector": angle, "Scale": rng.uniform(3, 9)}, 1)
        scuff = s.noise(1.0, stretch(rng.uniform(0.05, 0.3), rng.uniform(1, 3)), 8)
        colour = s.ramp(scuff, (0.4, tuple(base)), (0.8, tuple(base * 1.7 + 0.03)))
        rough, normal = rng.uniform(0.4, 0.8), s.bump(weave, rng.uniform(0, 0.5), 0.05)
    elif kind == "wood":
        base = np.array([(0.45, 0.27, 0.13), (0.25, 0.13, 0.06), (0.6, 0.45, 0.28), (0.09, 0.05, 0.03)][rng.integers(4)])
        rings = s.node(
            "TexWave",
            {
                "Vector": stretch(0.08, 1),
                "Scale": rng.uniform(0.15, 0.6),
                "Distortion": rng.uniform(3, 9),
                "Detail": 4.0,
                "Detail Scale": 1.5,
            },
            1,
            bands_direction="Y",
        )
        colour = s.ramp(rings, (0.0, tuple(base * 0.7)), (1.0, tuple(base)))
        rough, normal = rng.uniform(0.25, 0.7), s.bump(rings, 0.15)
    elif kind == "steel":
        brush = s.noise(2.0, stretch(0.05, rng.uniform(4, 15)), 6)
        base = rng.uniform(0.3, 0.6)
        colour, metal = s.ramp(brush, (0.3, (base * 0.8,) * 3), (0.7, (base,) * 3)), 0.9
        rough, normal = rng.uniform(0.25, 0.5), s.bump(brush, 0.1, 0.05)
    elif kind in ("concrete", "soil"):
        base = np.array(grey(0.2, 0.5) if kind == "concrete" else (0.12, 0.08, 0.045)) * rng.uniform(0.8, 1.2)
        rubble = s.noise(rng.uniform(0.4, 2), angle, 12, 0.75)
        colour = s.ramp(rubble, (0.35, tuple(base * 0.6)), (0.5, tuple(base)), (0.7, tuple(base * 1.3)))
        rough, normal = 0.9, s.bump(rubble, 0.4 if kind == "concrete" else 1.0, 0.5)
    elif kind == "cardboard":
        flute = s.node("TexWave", {"Vector": stretch(1, 1), "Scale": 0.9}, 1)
        colour = s.ramp(s.noise(0.7, stretch(0.2, 2), 8), (0.3, (0.36, 0.23, 0.12)), (0.7, (0.46, 0.31, 0.17)))
        rough, normal = 0.85, s.bump(flute, 0.08)
    elif kind == "cloth":
        a, b = any_colour(), any_colour()
        weave = [
            s.node("TexChecker", {"Vector": angle, "Scale": rng.uniform(0.15, 1.5)}, 1),
            s.node("TexWave", {"Vector": angle, "Scale": rng.uniform(0.05, 0.5)}, 1),
            s.noise(0.1),
        ][rng.integers(3)]
        colour = s.ramp(weave, (0.4, a), (0.6, b if rng.random() < 0.6 else a))
        folds = s.node("Math", {0: s.noise(0.12, angle, 1), 1: s.noise(12, angle)}, operation="ADD")
        rough, normal = 0.95, s.bump(folds, rng.uniform(0.2, 0.8), 1.0)
    elif kind == "tiles":
        brick = s.node(
            "TexBrick",
            {
                "Vector": angle,
                "Scale": rng.uniform(0.04, 0.2),
                "Color1": any_colour(),
                "Color2": any_colour(),
                "Mortar": grey(0.2, 0.7),
                "Mortar Size": 0.01,
            },
        )
        colour, rough = brick, rng.uniform(0.1, 0.5)
    elif kind == "print":
        spots = s.node("TexVoronoi", {"Vector": angle, "Scale": rng.uniform(0.1, 0.6)}, 1)
        colour, rough = spots, rng.uniform(0.2, 0.7)
    else:
        tone = {"white": grey(0.65, 0.9), "grey": grey(0.08, 0.45), "black": grey(0.01, 0.04)}.get(kind) or any_colour()
        shade = s.noise(rng.uniform(0.05, 0.4), angle, 6)
        colour = s.ramp(shade, (0.3, tuple(c * rng.uniform(0.8, 1) for c in tone)), (0.7, tone))
        rough, normal = rng.uniform(0.2, 0.9), s.bump(s.noise(8), rng.uniform(0, 0.2), 0.05)
    inputs = {"Base Color": colour, "Roughness": rough, "Metallic": metal}
    if normal is not None:
        inputs["Normal"] = normal
    return s.finish(s.node("BsdfPrincipled", inputs))


GROUNDS = (
    "belt",
    "belt",
    "belt",
    "wood",
    "wood",
    "steel",
    "concrete",
    "cardboard",
    "cloth",
    "cloth",
    "tiles",
    "print",
    "soil",
    "white",
    "white",
    "grey",
    "grey",
    "black",
    "colour",
    "colour",
)
