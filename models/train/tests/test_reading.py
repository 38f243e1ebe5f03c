"""The parts of the label readers that need no data."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from pilah_train import quantize
from pilah_train.reading import (
    charset,
    export_text,
    find,
    loop,
    measure,
    nets,
    photographs,
    phrases,
    score,
    ship,
    strip,
    synth,
    targets,
    train_lines,
    train_text,
)
from pilah_train.recipe import Fault, Input


def band(x, y, length, cap, degrees):
    """Of a line whose left end's middle is (x, y)."""
    a = np.radians(degrees)
    along, down = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    left, right = np.array([x, y]), np.array([x, y]) + along * length
    return np.array([left - down * cap / 2, right - down * cap / 2, right + down * cap / 2, left + down * cap / 2])


@pytest.mark.parametrize("degrees", [0, 12, 90, 180, -100])
def test_the_lines_of_a_perfect_map_are_found_with_their_direction(degrees):
    a, at = np.radians(degrees), np.array([300.0, 180.0])
    down = np.array([-np.sin(a), np.cos(a)])
    along = np.array([np.cos(a), np.sin(a)])
    bands = [band(*(at + down * 13 * k - along * 60), 100, 7.5, degrees) for k in range(3)] + [
        band(*(at + along * 48), 60, 7.5, degrees)
    ]
    scene = targets.Scene(np.zeros((384, 640), np.uint8), bands)
    t = targets.maps(scene, 384, 640)
    logits = t[:9].transpose(1, 2, 0).copy()
    logits[..., :4] = 12 * logits[..., :4] - 6
    found, _ = find.lines(logits)
    names, wrong = find.matched(found, bands)
    assert wrong == 0 and len(found) == 4 and len(set(names)) == 4 and -1 not in names
    assert all(abs(f.cap - 7.5) < 0.1 for f in found)
    assert all(find.upright(found[n], b) for n, b in zip(names, bands))


def test_a_turned_crop_keeps_its_lines_on_its_pixels():
    rng = np.random.default_rng(3)
    grey = np.full((360, 640), 200, np.uint8)
    grey[100:120, 200:330] = 20
    scene = targets.Scene(grey, [np.array([[200, 100], [330, 100], [330, 120], [200, 120]], float)])
    for _ in range(5):
        cut = targets.crop(scene, rng, 320, 1.2)
        text = targets.maps(cut, 320, 320)[:4].mean(0) > 0.9
        dark = cut.grey.reshape(80, 4, 80, 4).mean((1, 3))
        assert text.sum() > 20 and (dark[text] < 60).all()


def test_greedy_reading_collapses_repeats_and_drops_blanks():
    steps = np.full((9, charset.CLASSES), -9.0)
    for t, c in enumerate("JJ_a_a__w"):
        steps[t, 0 if c == "_" else charset.encode(c)[0]] = 9
    assert charset.greedy(steps) == "Jaaw"
    assert measure.errors([("Jaaw", "Jawa"), ("x", "x")])["exact"] == 0.5
    assert measure.distance("Jaaw", "Jawa") == 2


def test_stretching_makes_ink_dark_whatever_it_was():
    page = np.full((32, 100), 90, np.uint8)
    page[8:22, 20:60] = 60
    for picture in (page, 255 - page):
        out = strip.stretched(picture)
        assert abs(int(np.median(out)) - strip.LIGHT) <= 1 and abs(int(out[10, 30]) - strip.DARK) <= 1


def test_the_written_recognizer_reads_as_the_net_at_any_width(tmp_path):
    torch.manual_seed(0)
    net, i = nets.Recognizer().eval(), Input(width=384, height=32, channels=1, colour="grey", scale=1 / 96, zero_point=160)
    rng = np.random.default_rng(0)
    strips = rng.integers(0, 256, (2, 32, 192), dtype=np.uint8)
    x = (torch.from_numpy(strips)[:, None].float() - 160) / 96
    shape = [1, 1, "columns", charset.STEPS_PER_COLUMN * charset.CLASSES]
    path = ship.quantized(net, i, [x], tmp_path, shape, "label-text", "logits", "width")
    assert [one.name for one in tmp_path.iterdir()] == ["model.onnx.part"]  # what was there stays until this one is measured
    run = ship.Shipped(path, "logits")
    assert run(strips[0]).shape == (1, 48, 192) and run(strips[0][:, :64]).shape == (1, 16, 192)
    with torch.inference_mode():
        exact = net(x)[0, :, 0].T.numpy()
    assert np.abs(run(strips[0])[0] - exact).mean() < 0.2 * exact.std()


def test_the_written_finder_has_only_the_agreed_operators(tmp_path):
    net, i = nets.Finder().eval().shipped(), Input(width=64, height=64, channels=1, colour="grey", scale=1 / 64, zero_point=128)
    steps = quantize.steps_of(net, i)
    quantize.calibrate(steps, [torch.randn(2, 1, 64, 64)], i)
    model = quantize.write(steps, i, [1, 16, 16, len(nets.MAP)], "label-lines", "map")
    assert {n.op_type for n in model.graph.node} == {"Transpose", "DequantizeLinear", "QuantizeLinear", "Conv", "Add", "Resize"}


def test_a_crop_upside_down_has_the_targets_of_the_turned_scene():
    grey = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    scene = targets.Scene(grey, [band(10, 20, 40, 8, 15)], papers=[np.array([[4, 4], [60, 4], [60, 50], [4, 50]], float)])
    around = targets.Scene(grey[::-1, ::-1], [64 - b for b in scene.bands], papers=[64 - scene.papers[0]])
    pictures, maps = train_lines.turned(torch.from_numpy(grey.copy())[None], torch.from_numpy(targets.maps(scene, 64, 64))[None])
    assert (pictures[0].numpy() == around.grey).all()
    wanted = targets.maps(around, 64, 64)
    assert np.abs(maps[0].numpy() - wanted)[[0, 1, 2, 3, 6, 7, 8]].mean() < 0.03


def written(folder, numbers):
    folder.mkdir(exist_ok=True)
    with (folder / "lines.jsonl").open("a") as file:
        file.writelines(json.dumps({"file": f"{n:05}.jpg"}) + "\n" for n in numbers)


def numbers_of(pool):
    return {int(row["file"][:5]) for row in pool.rows}


def test_no_photograph_goes_from_validation_into_training_while_they_grow(tmp_path):
    written(tmp_path, range(1, 1001))
    train, known = photographs.Pool(tmp_path, "train"), photographs.Pool(tmp_path, "validation")
    assert numbers_of(known) == set(range(40, 1001, 40)) and not numbers_of(known) & numbers_of(train)
    written(tmp_path / "kept-out", range(1, 31))
    written(tmp_path, range(1001, 1101))
    train.refresh()
    assert len(train) == 1100 - 27 and not any(n % 40 == 0 for n in numbers_of(train))
    assert numbers_of(photographs.Pool(tmp_path, "train")) == set(range(1, 1101))
    assert numbers_of(photographs.Pool(tmp_path, "validation")) == set(range(1, 31))


@pytest.mark.parametrize("there,apart", [(0, None), (300, None), (300, 19), (10, 30)])
def test_too_few_photographs_are_refused(tmp_path, there, apart):
    written(tmp_path, range(1, there + 1))
    if apart is not None:
        written(tmp_path / "kept-out", range(1, apart + 1))
    with pytest.raises(Fault, match="20 are needed"):
        photographs.Pool(tmp_path, "train"), photographs.Pool(tmp_path, "validation")


def test_validation_draws_the_texts_of_labels_that_training_never_draws(tmp_path, monkeypatch):
    (tmp_path / "villages.csv").write_text(
        "province,regency,district,village,postal_code\nJawa Barat,Kota Bandung,Coblong,Dago,40135\n"
        "Bali,Kota Denpasar,Denpasar Selatan,Sanur,80228\n"
    )
    seen = []
    monkeypatch.setattr(phrases.Phrases, "_label", lambda self, n: (seen.append(n) or ["text"], np.array([1.0])))
    monkeypatch.setattr(train_text, "typefaces", lambda **_: [])
    monkeypatch.setattr(synth, "Lines", lambda texts, *_, **__: SimpleNamespace(strip=lambda rng, *_: texts(rng)))
    train_text.kept_out(tmp_path / "villages.csv", 40)
    kept, source = set(seen), train_text.drawn_lines(tmp_path / "villages.csv")
    seen.clear()
    [source(np.random.default_rng(n), False) for n in range(40)]
    assert kept and min(kept) >= phrases.LABELS > max(seen) and len(seen) > 10


def test_a_checkpoint_says_how_many_strips_were_drawn_for_it(tmp_path, monkeypatch, capsys):
    batches = [(None, None, torch.zeros(3)), (None, None, torch.zeros(4))]
    training = loop.Loop(nets.Recognizer(), tmp_path, 2, 1e-3, 1, device="cpu")
    assert len(list(train_text.counted(batches, training))) == 2
    training._note({}, {"score": 1.0}, 0)
    assert ship.load(nets.Recognizer(), tmp_path / "best.pt")[1] == 7
    assert loop.Loop(nets.Recognizer(), tmp_path, 2, 1e-3, 1, device="cpu").drawn == 7
    torch.save({"average": nets.Recognizer().state_dict()}, tmp_path / "best.pt")
    given = ["--out", str(tmp_path), "--model", str(tmp_path / "model"), "--version", "1"]
    monkeypatch.setattr(sys, "argv", ["export_text", *given])
    assert export_text.main() == 1 and "--drawn N" in capsys.readouterr().err


def test_a_missing_net_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["score", str(tmp_path), "--lines", str(tmp_path / "lines"), "--text", str(tmp_path)])
    assert score.main() == 1 and "lines/model.onnx" in capsys.readouterr().err
