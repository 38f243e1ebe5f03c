"""One picture: an object laid under a camera, with ground, lights, clutter and the faults of a cheap camera."""

import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix, Vector, noise
from PIL import Image, ImageFilter

from .look import Look
from .solid import TAU, Solid, Thing, resting_pose
from .surface import ground, kelvin, solid_colour


def prepare(samples: int, size: int, threads: int) -> None:
    """An empty Blender scene with the path tracer on the processor."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    noise.seed_set(1)  # of vectors, whose noise would begin with the clock
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.threads_mode, scene.render.threads = "FIXED", threads
    scene.render.image_settings.file_format = "OPEN_EXR"
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.use_adaptive_sampling = "CPU", samples, True
    cycles.adaptive_threshold = 0.05
    cycles.use_denoising, cycles.denoising_quality, cycles.denoising_prefilter = True, "FAST", "ACCURATE"
    if samples > 8:
        cycles.denoising_quality = "HIGH"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 8, 2, 3
    cycles.transparent_max_bounces, cycles.transmission_bounces = 16, 4
    cycles.caustics_reflective = cycles.caustics_refractive = False


def _corners(thing: bpy.types.Object) -> np.ndarray:
    points = np.empty(len(thing.data.vertices) * 3)
    thing.data.vertices.foreach_get("co", points)
    turn = np.array(thing.matrix_world)
    return points.reshape(-1, 3) @ turn[:3, :3].T + turn[:3, 3]


def _lay(thing: bpy.types.Object, turn: Matrix, at: tuple[float, float] = (0, 0)) -> float:
    """Turn the object, put it on the ground at a place, and return its radius."""
    thing.matrix_world = turn
    points = _corners(thing)
    middle, low = (points.min(0) + points.max(0)) / 2, points[:, 2].min()
    thing.matrix_world = Matrix.Translation((at[0] - middle[0], at[1] - middle[1], -low)) @ turn
    return float(np.linalg.norm(points - middle, axis=1).max())


def _pose(rng, thing: bpy.types.Object, look: Look) -> float:
    if not look.stand:
        return _lay(thing, resting_pose(thing, rng))
    upside_down = Matrix.Rotation(np.pi if rng.random() < look.tumble else 0, 4, "X")
    lean = Matrix.Rotation(abs(rng.normal(0, 0.12)) * (rng.random() < 2 * look.tumble), 4, "X")
    return _lay(thing, Matrix.Rotation(rng.uniform(0, TAU), 4, "Z") @ lean @ upside_down)


def _tray(rng, radius: float) -> None:
    """A flat tray with a raised rim around the object."""
    colour = [(0.28, 0.29, 0.3), (0.12, 0.12, 0.13), (0.6, 0.6, 0.58), tuple(rng.uniform(0.05, 0.6, 3))][
        rng.choice(4, p=[0.5, 0.2, 0.2, 0.1])
    ]
    tray, plastic = Solid(), solid_colour(colour, rng.uniform(0.3, 0.7), grain=0.1, grain_scale=6)
    x, y = radius * rng.uniform(1.5, 2.6), radius * rng.uniform(1.3, 2.0)
    rim, wall = radius * rng.uniform(0.15, 0.4), 0.25 + 0.03 * radius
    tray.box((2 * x, 2 * y, 0.3), (0, 0, -0.15), plastic, 0.1)
    for side in (-1, 1):
        tray.box((wall, 2 * y, rim + 0.3), (side * x, 0, rim / 2 - 0.15), plastic, 0.1)
        tray.box((2 * x + wall, wall, rim + 0.3), (0, side * y, rim / 2 - 0.15), plastic, 0.1)
    turn = Matrix.Rotation(rng.normal(0, 0.3), 4, "Z")
    tray.build("tray").matrix_world = Matrix.Translation((0, 0, -0.001)) @ turn


def _clutter(rng, radius: float, count: int) -> None:
    """Plain shapes lying around the object, none on it."""
    for i in range(count):
        size, away, a = radius * rng.uniform(0.1, 0.6), radius * rng.uniform(1.15, 2.6), rng.uniform(0, TAU)
        paint = solid_colour(tuple(rng.uniform(0.02, 0.8, 3)), rng.uniform(0.1, 0.9), float(rng.random() < 0.25))
        shape = Solid()
        kind = rng.integers(4)
        if kind == 0:
            shape.box(size * rng.uniform(0.3, 1.5, 3), (0, 0, 0), paint, 0.05 * size)
        elif kind == 1:
            z = np.linspace(-1, 1, 16)
            shape.lathe(np.stack([size * 0.6 * np.sqrt(1 - z**2), size * 0.6 * z], 1), paint, 24)
        elif kind == 2:
            tall, r = size * rng.uniform(0.1, 2), size * 0.5
            shape.lathe([(0, 0), (r, 0), (r * rng.uniform(0.5, 1.3), tall), (0, tall)], paint, 24)
        else:
            t = np.linspace(0, 1, 20)
            path = size * np.stack([3 * (t - 0.5), rng.uniform(0, 1) * np.sin(t * rng.uniform(2, 9)), 0 * t], 1)
            shape.tube(path, size * rng.uniform(0.03, 0.2), paint)
        piece = shape.build(f"clutter{i}")
        reach = _lay(piece, resting_pose(piece, rng))
        place = (away + reach) * np.array([np.cos(a), np.sin(a)])
        piece.matrix_world = Matrix.Translation((*place, 0)) @ piece.matrix_world


def _light(rng, look: Look, radius: float) -> None:
    """Lamps above, and surroundings for glass and metal to mirror: a dim room with bright windows."""
    for i in range(look.lights):
        size = radius * (0.15 + 5 * (1 - look.hardness) * rng.uniform(0.4, 1))
        up, a, away = np.radians(rng.uniform(30, 88)), rng.uniform(0, TAU), radius * rng.uniform(5, 10)
        lamp = bpy.data.lights.new(f"lamp{i}", "AREA")
        lamp.shape = str(rng.choice(["SQUARE", "DISK", "RECTANGLE"]))
        lamp.size, lamp.size_y = size, size * rng.uniform(0.2, 1)
        lamp.color = kelvin(look.temperature + rng.normal(0, 500))
        lamp.energy = 60 * away**2 * rng.uniform(0.4, 1)
        thing = bpy.data.objects.new(f"lamp{i}", lamp)
        at = away * Vector((np.cos(up) * np.cos(a), np.cos(up) * np.sin(a), np.sin(up)))
        thing.matrix_world = Matrix.Translation(at) @ at.to_track_quat("Z", "Y").to_matrix().to_4x4()
        bpy.context.scene.collection.objects.link(thing)
    world = bpy.data.worlds.new("room")
    bpy.context.scene.world = world
    world.use_nodes = True
    world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 64  # else it is the slowest part
    tree = world.node_tree
    cloud, ramp = tree.nodes.new("ShaderNodeTexNoise"), tree.nodes.new("ShaderNodeValToRGB")
    cloud.noise_dimensions, cloud.inputs["W"].default_value = "4D", rng.uniform(0, 99)
    cloud.inputs["Scale"].default_value, cloud.inputs["Detail"].default_value = rng.uniform(0.8, 3), 1.0
    colour = np.array(kelvin(look.temperature))
    for element, position, level in zip(ramp.color_ramp.elements, (0.45, rng.uniform(0.55, 0.75)), (0.4, rng.uniform(0.8, 3))):
        element.position, element.color = position, (*(level * colour), 1)
    coordinates = tree.nodes.new("ShaderNodeTexCoord")
    tree.links.new(coordinates.outputs["Generated"], cloud.inputs["Vector"])
    tree.links.new(cloud.outputs[0], ramp.inputs["Fac"])
    tree.links.new(ramp.outputs["Color"], tree.nodes["Background"].inputs["Color"])
    tree.nodes["Background"].inputs["Strength"].default_value = look.ambient


def _camera(rng, look: Look, thing: bpy.types.Object, radius: float, long: bool) -> None:
    """Look at the object from an elevation, near enough to fill its part of the picture."""
    camera = bpy.data.cameras.new("camera")
    camera.lens = rng.uniform(35, 80)
    points = _corners(thing)
    if long and rng.random() < 0.7:  # only one end of a long thing
        along = np.array([v.co.z for v in thing.data.vertices]) * rng.choice([-1, 1])
        points = points[along > np.quantile([along.min(), along.max()], rng.uniform(0.3, 0.8))]
    middle = Vector(points.mean(0))
    half = camera.sensor_width / camera.lens / 2
    toward = Vector((0, -np.cos(look.elevation), np.sin(look.elevation)))
    placed = bpy.data.objects.new("camera", camera)
    turn = toward.to_track_quat("Z", "Y").to_matrix().to_4x4() @ Matrix.Rotation(rng.normal(0, 0.08), 4, "Z")
    # The silhouette, seen from afar, says how near to come.
    seen = (points - np.array(middle)) @ np.array(turn.to_3x3())
    low, high = seen[:, :2].min(0), seen[:, :2].max(0)
    middle += turn.to_3x3() @ Vector((*((low + high) / 2), 0))
    distance = (high - low).max() / 2 / half / look.fill + seen[:, 2].max() * 0.6
    shift = turn.to_3x3() @ Vector((*(rng.normal(0, 1, 2) * look.off_centre * distance * half), 0))
    at = middle + shift + toward * distance
    at.z = max(at.z, 0.3)
    placed.matrix_world = Matrix.Translation(at) @ turn
    camera.clip_end = 1e4
    if look.focus:
        camera.dof.use_dof, camera.dof.focus_distance = True, distance
        camera.dof.aperture_fstop = 0.02 * camera.lens / (0.06 * radius + 0.1)
    bpy.context.scene.collection.objects.link(placed)
    bpy.context.scene.camera = placed


def _develop(rng, look: Look, light: np.ndarray) -> bytes:
    """From linear light to a JPEG: exposure, tone curve, blur, noise, compression."""
    light = light / np.array(kelvin(look.temperature)) ** look.white_balance
    luminance = light @ np.array([0.2126, 0.7152, 0.0722])
    target = np.clip(look.brightness, 0.15, 0.85) ** 2.2
    light = light * target / np.exp(np.log(luminance + 1e-3).mean())
    bright = np.clip(light - 0.6, 0, None)
    tone = np.where(light < 0.6, light, 0.6 + 0.4 * (1 - np.exp(-bright / 0.4)))
    tone = np.clip(tone, 0, 1) ** (1 / 2.2)
    tone = np.clip(0.5 + (tone - 0.5) * look.contrast, 0, 1)
    image = Image.fromarray((255 * tone + 0.5).astype(np.uint8))
    if look.blur > 0.05:
        image = image.filter(ImageFilter.GaussianBlur(look.blur))
    pixels = np.asarray(image, float) / 255
    grain = rng.normal(0, 1, pixels.shape) * 0.6 + rng.normal(0, 1, pixels.shape[:2])[..., None] * 0.8
    pixels = pixels + grain * look.noise * (1.2 - 0.7 * pixels)
    out = io.BytesIO()
    Image.fromarray((255 * np.clip(pixels, 0, 1)).astype(np.uint8)).save(out, "JPEG", quality=look.quality)
    return out.getvalue()


def shoot(
    make: Callable[[np.random.Generator], Thing],
    style: Callable[[np.random.Generator, Thing], Look],
    seed: list[int],
    view: int,
    out: Path,
    samples: int = 8,
    size: int = 256,
    threads: int = 2,
) -> None:
    """Render one view of one object; the same seed and view give the same picture. Nothing half-written stays."""
    prepare(samples, size, threads)
    thing = make(np.random.default_rng(seed))
    rng = np.random.default_rng([*seed, 1 + view])
    bpy.context.scene.cycles.seed = int(rng.integers(1 << 30))
    look = style(rng, thing)
    body = thing.body.build("thing")
    toward = np.array((0, -np.cos(look.elevation), np.sin(look.elevation)))
    for _ in range(12):
        radius = _pose(rng, body, look)
        if thing.end_on or -0.9 < toward @ np.array(body.matrix_world)[:3, 2] < 0.75:
            break
    floor = Solid().box((400 * radius, 400 * radius, 0.1), (0, 0, -0.08), ground(rng, look.ground)).build("floor")
    floor.location.z = -0.35 if look.tray else 0
    if look.stand and rng.random() < look.wall:
        wall = Solid().box((400 * radius, 0.1, 400 * radius), (0, radius * rng.uniform(3, 12), 0), ground(rng, look.ground))
        wall.build("wall")
    if look.tray:
        _tray(rng, radius)
    for i, bit in enumerate(thing.loose):
        piece, a = bit.build(f"bit{i}"), rng.uniform(0, TAU)
        away = radius * rng.uniform(0.5, 1.0)
        _lay(piece, resting_pose(piece, rng), (away * np.cos(a), away * np.sin(a)))
    _clutter(rng, radius, look.clutter)
    _light(rng, look, radius)
    _camera(rng, look, body, radius, thing.long)
    with tempfile.TemporaryDirectory() as folder:
        bpy.context.scene.render.filepath = str(Path(folder) / "light.exr")
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(bpy.context.scene.render.filepath)
        light = np.empty(size * size * image.channels, np.float32)
        image.pixels.foreach_get(light)
    light = light.reshape(size, size, -1)[::-1, :, :3]
    part = out.with_suffix(".part")
    try:
        part.write_bytes(_develop(rng, look, np.nan_to_num(light, posinf=1e3)))
        os.replace(part, out)
    finally:
        part.unlink(missing_ok=True)
