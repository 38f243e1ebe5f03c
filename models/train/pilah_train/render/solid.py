"""Meshes from a few primitives: turned profiles, swept tubes, boxes, prisms and sheets.

A `Solid` collects faces with their materials and becomes one Blender object. Lengths are centimetres and z is up.
Everything is a grid of points where possible, so texture coordinates come for free: u runs around, v along.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import bmesh
import bpy
import numpy as np
from mathutils import Matrix, Vector

TAU = 2 * np.pi


def curve(points: Sequence[Sequence[float]], count: int = 36) -> np.ndarray:
    """A smooth line (Catmull-Rom) of `count` points through the given ones."""
    p = np.asarray(points, float)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    at = np.linspace(0, len(p) - 3 - 1e-9, count)
    i, t = at.astype(int), (at % 1)[:, None]
    a, b, c, d = p[i], p[i + 1], p[i + 2], p[i + 3]
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def wobble(rng: np.random.Generator, waves: int = 5) -> Callable[[np.ndarray], np.ndarray]:
    """A random periodic function of an angle, about -1 to 1: the edge of broken glass, the outline of a cloth."""
    size = rng.uniform(0.3, 1, waves) / np.sqrt(waves)
    phase, rate = rng.uniform(0, TAU, waves), rng.integers(1, 4 * waves, waves)
    return lambda angle: (size * np.sin(np.asarray(angle)[..., None] * rate + phase)).sum(-1)


def rounded(width: float, tall: float, corner: float, steps: int = 7) -> np.ndarray:
    """The outline of a rectangle with round corners of `steps` points."""
    quarter = np.linspace(0, np.pi / 2, steps)
    middles = ((1, 1, 0), (-1, 1, 1), (-1, -1, 2), (1, -1, 3))
    return np.array(
        [
            (
                sx * (width / 2 - corner) + corner * np.cos(a + turn * np.pi / 2),
                sy * (tall / 2 - corner) + corner * np.sin(a + turn * np.pi / 2),
            )
            for sx, sy, turn in middles
            for a in quarter
        ]
    )


class Solid:
    """Faces and their materials, to be joined into one object."""

    def __init__(self) -> None:
        self.points: list[tuple[float, float, float]] = []
        self.faces: list[tuple[list[int], int, list[tuple[float, float]]]] = []
        self.materials: list[bpy.types.Material] = []

    def _slot(self, material: bpy.types.Material) -> int:
        if material not in self.materials:
            self.materials.append(material)
        return self.materials.index(material)

    def grid(self, points: np.ndarray, material: bpy.types.Material, keep: np.ndarray | None = None) -> "Solid":
        """Add the quads of a grid of points, shape (rows, columns, 3); `keep` leaves some out."""
        rows, columns, _ = points.shape
        start, slot = len(self.points), self._slot(material)
        self.points += [tuple(map(float, p)) for p in points.reshape(-1, 3)]
        for r in range(rows - 1):
            for c in range(columns - 1):
                if keep is None or keep[r, c]:
                    corners = [(r, c), (r, c + 1), (r + 1, c + 1), (r + 1, c)]
                    uv = [(x / (columns - 1), y / (rows - 1)) for y, x in corners]
                    self.faces.append(([start + y * columns + x for y, x in corners], slot, uv))
        return self

    def lathe(
        self,
        profile: Sequence[Sequence[float]],
        material: bpy.types.Material,
        segments: int = 40,
        radius: Callable | None = None,
        broken: Callable | None = None,
    ) -> "Solid":
        """Turn a profile of (radius, z) about z. `radius(r, z, angle)` bends it, `broken(z, angle)` removes faces."""
        p = np.asarray(profile, float)
        angle = np.linspace(0, TAU, segments + 1)
        z, a = np.meshgrid(p[:, 1], angle, indexing="ij")
        r = np.repeat(p[:, :1], segments + 1, 1)
        if radius is not None:
            r = radius(r, z, a)
        keep = None if broken is None else ~broken(z, a)[:-1, :-1]
        return self.grid(np.stack([r * np.cos(a), r * np.sin(a), z], -1), material, keep)

    def screw(self, r: float, bottom: float, top: float, pitch: float, depth: float, material) -> "Solid":
        """A thread: a cylinder whose ridge climbs by one pitch a turn."""
        z = np.linspace(bottom, top, int(8 * (top - bottom) / pitch) + 2)
        edge = np.clip(np.minimum(z - bottom, top - z) / pitch, 0, 1)
        return self.lathe(
            np.stack([np.full_like(z, r), z], 1),
            material,
            32,
            lambda rr, zz, a: rr + depth * edge[:, None] * np.sin(TAU * zz / pitch - a),
        )

    def tube(self, path: np.ndarray, radius: float | np.ndarray, material, segments: int = 12) -> "Solid":
        """Sweep a disc along a path and close its ends."""
        path = np.asarray(path, float)
        along = np.gradient(path, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
        side = np.cross(along[0], [0.31, 0.42, 0.85])
        rings = []
        for p, t, r in zip(path, along, np.broadcast_to(radius, len(path))):
            side = side - t * np.dot(side, t)
            side /= np.linalg.norm(side) + 1e-12
            a = np.linspace(0, TAU, segments + 1)[:, None]
            rings.append(p + r * (np.cos(a) * side + np.sin(a) * np.cross(t, side)))
        ends = [np.repeat(path[[i]], segments + 1, 0) for i in (0, -1)]
        return self.grid(np.stack([ends[0], *rings, ends[1]]), material)

    def box(self, size: Sequence[float], at: Sequence[float], material, bevel: float = 0.0) -> "Solid":
        """A box centred at `at`, its edges rounded by `bevel`."""
        mesh = bmesh.new()
        bmesh.ops.create_cube(mesh, size=1, matrix=Matrix.Translation(at) @ Matrix.Diagonal((*size, 1)))
        return self.take(mesh, material, bevel)

    def prism(self, outline: np.ndarray, height: float, material, bevel: float = 0.0) -> "Solid":
        """An outline of (x, y) raised from z = 0 to `height`."""
        mesh = bmesh.new()
        face = mesh.faces.new([mesh.verts.new((x, y, 0)) for x, y in outline])
        raised = bmesh.ops.extrude_face_region(mesh, geom=[face])["geom"]
        bmesh.ops.translate(mesh, vec=(0, 0, height), verts=[v for v in raised if isinstance(v, bmesh.types.BMVert)])
        bmesh.ops.recalc_face_normals(mesh, faces=mesh.faces)
        return self.take(mesh, material, bevel)

    def take(self, mesh: bmesh.types.BMesh, material, bevel: float = 0.0) -> "Solid":
        """Add the faces of a bmesh and free it; texture coordinates are from above."""
        low, high = (np.array([v.co for v in mesh.verts]).__getattribute__(end)(0) for end in ("min", "max"))
        if bevel > 0:
            sharp = [e for e in mesh.edges if len(e.link_faces) == 2 and e.calc_face_angle() > 0.6]
            bmesh.ops.bevel(mesh, geom=sharp, offset=bevel, segments=3, affect="EDGES", profile=0.5)
        mesh.verts.index_update()
        start, slot = len(self.points), self._slot(material)
        self.points += [tuple(v.co) for v in mesh.verts]
        span = np.maximum(high - low, 1e-9)
        for face in mesh.faces:
            uv = [tuple(((np.array(v.co) - low) / span)[:2]) for v in face.verts]
            self.faces.append(([start + v.index for v in face.verts], slot, uv))
        mesh.free()
        return self

    def add(self, other: "Solid", matrix: Matrix | None = None) -> "Solid":
        """Add another solid, moved by a matrix."""
        start, matrix = len(self.points), matrix or Matrix()
        self.points += [tuple(matrix @ Vector(p)) for p in other.points]
        for corners, slot, uv in other.faces:
            self.faces.append(([start + c for c in corners], self._slot(other.materials[slot]), uv))
        return self

    def bend(self, move: Callable[[np.ndarray], np.ndarray]) -> "Solid":
        """Move every point: `move` maps an array of points, shape (n, 3), to another."""
        self.points = [tuple(p) for p in move(np.array(self.points))]
        return self

    def tidy(self) -> "Solid":
        """Drop the points that no face uses."""
        used = sorted({corner for face in self.faces for corner in face[0]})
        new = {old: i for i, old in enumerate(used)}
        self.points = [self.points[i] for i in used]
        self.faces = [([new[c] for c in corners], slot, uv) for corners, slot, uv in self.faces]
        return self

    def build(self, name: str, sharp: float = 0.7) -> bpy.types.Object:
        """Make the Blender object: welded, smooth but for edges sharper than `sharp` radians."""
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(self.points, [], [f[0] for f in self.faces])
        layer = mesh.uv_layers.new(name="UVMap")
        for polygon, (_, slot, uv) in zip(mesh.polygons, self.faces):
            polygon.material_index, polygon.use_smooth = slot, True
            for loop, xy in zip(polygon.loop_indices, uv):
                layer.data[loop].uv = xy
        for material in self.materials:
            mesh.materials.append(material)
        work = bmesh.new()
        work.from_mesh(mesh)
        bmesh.ops.remove_doubles(work, verts=work.verts, dist=1e-4)
        work.to_mesh(mesh)
        work.free()
        mesh.set_sharp_from_angle(angle=sharp)
        thing = bpy.data.objects.new(name, mesh)
        bpy.context.scene.collection.objects.link(thing)
        return thing


@dataclass
class Thing:
    """An object to render: the body, loose bits around it, and whether it is too long to be shown whole."""

    body: Solid
    loose: list[Solid] = field(default_factory=list)
    long: bool = False
    upright: float = 0.25
    """How often it stands as built instead of lying as it fell."""
    lies: bool = False
    """Made as it lies on the ground, and flat: seen from above rather than from the side."""
    end_on: bool = False
    """Whether one can tell what it is when looking along its axis."""


def resting_pose(thing: bpy.types.Object, rng: np.random.Generator) -> Matrix:
    """A turn that lays the object on a face of its convex hull under its centre, as if it had been dropped."""
    hull = bmesh.new()
    hull.from_mesh(thing.data)
    bmesh.ops.convex_hull(hull, input=hull.verts)
    bmesh.ops.delete(hull, geom=[v for v in hull.verts if not v.link_faces], context="VERTS")
    bmesh.ops.triangulate(hull, faces=hull.faces)
    corners = np.array([[v.co for v in f.verts] for f in hull.faces])
    hull.free()
    middle = corners.reshape(-1, 3).mean(0)
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal = np.cross(edge1, edge2)
    area = np.linalg.norm(normal, axis=1)
    corners, edge1, edge2, normal, area = (x[area > 1e-6] for x in (corners, edge1, edge2, normal, area))
    unit = normal / area[:, None]
    unit *= np.sign(((corners.mean(1) - middle) * unit).sum(1))[:, None]
    from_corner = middle - corners[:, 0]
    v = (np.cross(edge1, from_corner) * normal).sum(1) / area**2
    u = (np.cross(from_corner, edge2) * normal).sum(1) / area**2
    under = np.flatnonzero((u > -0.02) & (v > -0.02) & (u + v < 1.02))
    if len(under) == 0:
        under = np.array([area.argmax()])
    face = rng.choice(under, p=area[under] / area[under].sum())
    down = Vector(unit[face]).rotation_difference(Vector((0, 0, -1))).to_matrix().to_4x4()
    return Matrix.Rotation(rng.uniform(0, TAU), 4, "Z") @ down
