"""The parts, with plain values."""

import gzip
import json
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pilah_train import (
    augment,
    closer,
    draw_digits,
    figures,
    folds,
    gazetteer,
    modelfile,
    nets,
    pictures,
    prepare,
    quantize,
    score,
    training,
)
from pilah_train.recipe import Fault, Input, load, replace_file, said
from pilah_train.render.__main__ import plan

GREY = Input(28, 28, 1, "grey", 1 / 255, 0, "letterbox", 0, "bilinear", "auto")
RGB = Input(64, 48, 3, "rgb", 1 / 128, 127, "stretch")


def test_a_dark_digit_on_a_card_is_inverted_and_its_bars_stay_dark():
    card = Image.new("L", (60, 30), 230)
    card.paste(20, (25, 5, 35, 25))
    tensor = pictures.fit(card, GREY)
    assert tensor.shape == (28, 28, 1)
    assert tensor[0].max() == 0 and tensor[14, 1, 0] == 25 and tensor[14, 14, 0] == 235


def test_a_light_digit_on_black_is_left_as_it_is():
    pixels = np.zeros((28, 28), np.uint8)
    pixels[8:20, 12:16] = 255
    assert (pictures.fit(Image.fromarray(pixels), GREY)[:, :, 0] == pixels).all()


@pytest.mark.parametrize("fit", ["stretch", "crop", "letterbox"])
def test_every_fit_gives_the_size_that_the_net_takes(fit):
    i = Input(64, 48, 3, "bgr", fit=fit)
    red = Image.new("RGB", (300, 101), (255, 0, 0))
    tensor = pictures.fit(red, i)
    assert tensor.shape == (48, 64, 3) and tuple(tensor[24, 32]) == (0, 0, 255)


@pytest.mark.parametrize("left,top", [(100, 100), (500, 30), (300, 400)])
def test_a_small_thing_is_looked_at_from_closer_wherever_it_lies(left, top):
    tray = Image.new("RGB", (640, 480), (150, 146, 138))
    tray.paste((40, 60, 90), (left, top, left + 100, top + 60))
    seen = closer.look(tray)
    assert seen.width < 200 and abs(seen.width * 3 - seen.height * 4) < 6
    inside = (np.asarray(seen) == (40, 60, 90)).all(2)
    assert inside.sum() == 100 * 60


def test_an_empty_tray_a_busy_ground_and_a_thread_of_pixels_are_seen_whole():
    y, x = np.mgrid[0:480, 0:640]
    busy = Image.fromarray((((x // 20 + y // 20) % 2) * 170 + 30).astype(np.uint8))
    for picture in (Image.new("RGB", (640, 480), (150, 146, 138)), busy, Image.new("L", (5000, 1)), Image.new("RGB", (1, 1))):
        assert closer.look(picture).size == picture.size


def test_exif_orientation_is_honoured(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "turned.jpg", exif=exif)
    assert pictures.load(tmp_path / "turned.jpg", "rgb").size == (20, 40)


@pytest.mark.parametrize("name", augment.AUGMENTS)
def test_augmentation_depends_on_its_seed_alone(name):
    picture = draw_digits.draw("3", np.random.default_rng(0)).convert("L" if name == "digits" else "RGB")
    a, b = (np.asarray(augment.named(name)(picture, np.random.default_rng(7), (48, 48))) for _ in range(2))
    assert (a == b).all()


@pytest.mark.parametrize("name,i", [("digits", GREY), ("efficientnet-lite0", RGB)])
def test_the_written_graph_computes_what_the_net_computes(name, i, tmp_path):
    torch.manual_seed(0)
    net = nets.build(name, 4, i.channels).eval()
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (8, i.height, i.width, i.channels), dtype=np.uint8)
    x = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - i.zero_point) * i.scale
    with torch.inference_mode():
        exact = net(x).numpy()
    steps = quantize.steps_of(net, i)
    quantize.calibrate(steps, [x], i)
    (tmp_path / "m.onnx").write_bytes(quantize.write(steps, i, [1, 4], "test").SerializeToString())
    got = modelfile.Reference(tmp_path / "m.onnx").logits_of(pixels)
    values = {"image": x}
    for s in steps:
        values[s.name] = quantize.fake(s.run(values, None if s.weight is None else quantize._rounded_weight(s)), s)
    # scales are short: an engine that computes in floats and one that computes in integers say the same
    assert (got == modelfile.Reference(tmp_path / "m.onnx", fast=True).logits_of(pixels)).all()
    # noise as input is the worst case: a bias that is not rounded here goes on through the net
    assert np.abs(got - values[steps[-1].name].numpy()).mean() < 4 * steps[-1].scale
    assert np.abs(got - exact).max() < 0.35 * np.abs(exact).max() + 0.05


def test_scales_are_short_and_zero_points_even():
    torch.manual_seed(0)
    steps = quantize.steps_of(nets.build("efficientnet-lite0", 4, 3), RGB)
    quantize.calibrate(steps, [torch.rand(2, 3, RGB.height, RGB.width)], RGB)
    for s in steps:
        scales = [s.scale] if s.weight_scale is None else [s.scale, *s.weight_scale.tolist()]
        numbers = [Fraction(scale).numerator for scale in scales]  # the denominators are powers of two
        assert all(n / (n & -n) < 64 for n in numbers), s.name
        assert s.zero % 2 == 0, s.name


@pytest.mark.parametrize("low,high,least,most", [(-8, 8, 15.8, 16), (0, 6, 5.5, 6), (-np.inf, np.inf, 15.8, 20)])
def test_a_range_is_as_wide_as_what_it_clips_to_and_no_wider(low, high, least, most):
    x = torch.linspace(max(low, -8), min(high, 8), 5000)
    _, scale, zero = quantize._range(x, quantize.Step("conv", "head", [], low=low, high=high))
    assert least <= 255 * scale <= most and abs((255 - zero) * scale - x.max()) < 0.15


def test_other_units_between_convolutions_change_nothing():
    torch.manual_seed(0)
    straight = nets.Residual(nets.unit(8, 8, groups=8, act=None))  # a convolution from what it is added to
    net = torch.nn.Sequential(nets.unit(3, 8), nets.unit(8, 8, act=None), straight, nets.unit(8, 8, act=None)).eval()
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.running_var.uniform_(0.001, 0.002)
    x = torch.rand(2, 3, RGB.height, RGB.width)
    with torch.inference_mode():
        exact = net(x)
    steps, values = quantize.steps_of(net, RGB), {"image": x}
    before = {s.name: s.weight for s in steps}
    quantize.calibrate(steps, [x], RGB)
    assert any(s.weight is not None and (s.weight != before[s.name]).any() for s in steps), "no unit was chosen"
    for s in steps:
        values[s.name] = quantize.fake(s.run(values, None if s.weight is None else quantize._rounded_weight(s)), s)
    assert (values[steps[-1].name] - exact).abs().mean() < 0.03 * exact.std()


def test_folded_norms_change_nothing():
    torch.manual_seed(0)
    net = torch.nn.Sequential(nets.unit(3, 8), nets.Residual(nets.unit(8, 8, groups=8, act=None)))
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.running_mean.uniform_(-1, 1), m.running_var.uniform_(0.5, 2), torch.nn.init.uniform_(m.weight, 0.5, 2)
    x = torch.randn(2, 3, 9, 7)
    with torch.inference_mode():
        exact = net.eval()(x)
        nets.fold(net)
        assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in net.modules())
        assert torch.allclose(net(x), exact, atol=1e-5)


def test_the_graph_keeps_to_the_operators_that_the_daemon_lowers():
    net = nets.build("digits", 10, 1)
    steps = quantize.steps_of(net, GREY)
    quantize.calibrate(steps, [torch.rand(4, 1, 28, 28)], GREY)
    model = quantize.write(steps, GREY, [1, 10], "digits")
    ops = {n.op_type for n in model.graph.node}
    assert ops <= {"Transpose", "DequantizeLinear", "QuantizeLinear", "Conv", "Add", "GlobalAveragePool", "Flatten", "Gemm"}
    assert [n.op_type for n in model.graph.node][:2] == ["Transpose", "DequantizeLinear"]
    assert model.graph.node[-1].output[0] == "logits" and model.opset_import[0].version == 13


def test_thresholds_reach_the_wanted_precision_and_never_fall_below_the_floor():
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.2, 0.8]])
    y = np.array([0, 0, 1, 0, 1])
    first, second = figures.thresholds(p, y, 0.95, 0.5)
    assert first == 0.75 and second == 0.65


@pytest.mark.parametrize(
    "sure,right,passes",
    [
        ([0.999, 0.97, 0.96, 0.955], [0, 1, 1, 1], 0),  # the surest is wrong: no lane
        ([0.9995] * 5 + [0.998] * 3 + [0.997] * 3, [1] * 5 + [0] * 3 + [1] * 3, 5),
        ([0.99, 0.9], [1, 1], 2),
    ],
)
def test_no_threshold_lets_through_what_would_miss_the_precision(sure, right, passes):
    p = np.array([[v, 1 - v] for v in sure])
    limit = figures.thresholds(p, 1 - np.array(right), 0.985, 0.5)[0]
    assert (p[:, 0] >= limit).sum() == passes and limit <= 1


def test_where_nothing_is_wrong_nothing_becomes_surer_than_the_net_was():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 20)
    logits = np.eye(2)[y] * rng.uniform(1.5, 4, (20, 1))
    assert figures.temperature(logits, y) >= 1


def test_classes_and_folders_may_be_called_anything(tmp_path):
    model = {"name": "a\tb", "metrics": {"recall_botol plastik": 0.5, "recall_pet.clear": 0.25, 'source_é"': 1.0}}
    modelfile.write(tmp_path, model)
    assert modelfile.read(tmp_path) == model


def test_a_picture_of_sixteen_bits_is_as_light_as_one_of_eight(tmp_path):
    grey = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    Image.fromarray(grey).save(tmp_path / "deep.png")
    assert np.array_equal(np.asarray(pictures.load(tmp_path / "deep.png", "grey")), grey // 257)


def test_a_picture_that_the_daemon_would_refuse_is_refused(tmp_path, monkeypatch):
    Image.new("L", (40, 40)).save(tmp_path / "large.png")
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1000)
    with pytest.raises(pictures.UNREADABLE, match="40 x 40 pixels"):
        pictures.load(tmp_path / "large.png", "rgb")


def test_a_training_ends_where_it_gets_no_better_and_not_because_its_start_was_good():
    scores = lambda *values: [{"epoch": n, "score": v} for n, v in enumerate(values)]
    assert not training._stale(scores(0.95, 0.90, 0.91, 0.92), 2)
    assert training._stale(scores(0.95, 0.92, 0.91, 0.91), 2)
    assert not training._stale(scores(0.95), 2)


def test_temperature_softens_what_is_too_sure():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 600)
    logits = np.eye(3)[np.where(rng.random(600) < 0.7, y, rng.integers(0, 3, 600))] * 5.0
    heat = figures.temperature(logits, y)
    assert heat > 1.5
    assert figures.ece(modelfile.softmax(logits, heat), y) < 0.05 < figures.ece(modelfile.softmax(logits), y)


def test_unknown_things_never_get_a_lane():
    p = np.array([[0.99, 0.01], [0.05, 0.95]])
    assert list(figures.lanes(p, ["paper", "unknown"], np.array([0.5, 0.5]))) == [0, -1]


def test_no_class_gets_its_lane_below_where_all_is_unknown():
    model = {"class": [{"threshold": 0.3}, {"threshold": 0.9}], "output": {"unknown": 0.6}}
    p = np.array([[0.55, 0.45], [0.7, 0.3], [0.2, 0.8]])
    assert list(figures.lanes(p, ["paper", "glass"], modelfile.limits(model))) == [-1, 0, -1]


def test_a_longer_list_of_renders_begins_with_the_shorter_one():
    kinds = {"jar": 2, "flask": 1}
    few, many = (plan([1, 2], kinds, objects, (2, 3)) for objects in (4, 40))
    assert many[: len(few)] == few
    assert len({name for name, *_ in many}) == len(many)
    of_each = {kind: len({number for _, k, number, _ in many if k == kind}) for kind in kinds}
    assert of_each == {"jar": 27, "flask": 13} or of_each == {"jar": 26, "flask": 14}


def test_an_unknown_net_is_named():
    with pytest.raises(Fault, match="unknown net `vgg`"):
        nets.build("vgg", 2, 3)


def test_a_data_set_without_its_list_is_named(tmp_path):
    recipe = load(Path(__file__).parents[1] / "recipes" / "waste.toml")
    with pytest.raises(Fault, match="has no manifest.csv"):
        prepare._manifest(recipe, tmp_path)


def test_a_filter_that_the_daemon_lacks_is_refused():
    with pytest.raises(Fault, match="unknown filter `lanczos3`: nearest or bilinear"):
        pictures.fit(Image.new("L", (40, 40)), replace(GREY, filter="lanczos3"))


def test_a_net_and_its_description_change_together_or_not_at_all(tmp_path, monkeypatch):
    part = tmp_path / "model.onnx.part"
    for name, text in (("model.onnx", "old net"), ("model.toml", "old"), (part.name, "new net")):
        (tmp_path / name).write_text(text)

    def full(*_):
        raise OSError("no space left on device")

    with monkeypatch.context() as disk, pytest.raises(Fault, match="free some space"):
        disk.setattr(Path, "write_bytes", full)
        replace_file(tmp_path / "model.toml", "new", part)
    assert [(tmp_path / name).read_text() for name in ("model.onnx", "model.toml")] == ["old net", "old"]
    replace_file(tmp_path / "model.toml", b"new", part)
    assert [(tmp_path / name).read_text() for name in ("model.onnx", "model.toml")] == ["new net", "new"]


@pytest.mark.parametrize("error", [Fault("the data folder is not there"), FileNotFoundError(2, "No such file", "data.csv")])
def test_what_a_person_can_mend_is_said_in_a_line(error, capsys):
    @said
    def main():
        raise error

    assert main() == 1 and capsys.readouterr().err == f"error: {error}\n"
    assert said(lambda: None)() == 0


@pytest.mark.parametrize(
    "model,data,what",
    [
        ("label-lines", ".", "has no classes"),
        ("gone", ".", "reading the model"),
        ("digits", "gone", "No such file"),
    ],
)
def test_what_cannot_be_scored_is_said(model, data, what, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["score", str(Path(__file__).parents[2] / model), str(tmp_path / data)])
    assert score.main() == 1 and what in capsys.readouterr().err


def test_a_file_that_is_no_net_is_named(tmp_path):
    (tmp_path / "model.onnx").write_text("no net")
    with pytest.raises(Fault, match="loading the net .*model.onnx"):
        modelfile.Reference(tmp_path / "model.onnx")


def test_a_fold_s_recall_counts_unknown_and_says_so(tmp_path):
    row = {"epoch": 1, "score": 0.9, "validation_accuracy": 0.9, "validation_macro_recall": 0.8}
    (tmp_path / "epochs.json").write_text(json.dumps([row]))
    assert "| macro recall with unknown |" in folds.summary([tmp_path])


@pytest.mark.parametrize("opened", [open, gzip.open])
def test_villages_are_packed_from_a_table_gzipped_or_not(opened, tmp_path, monkeypatch, capsys):
    table, out = tmp_path / ("villages.csv.gz" if opened is gzip.open else "villages.csv"), tmp_path / "gazetteer.bin"
    monkeypatch.setattr(sys, "argv", ["gazetteer", str(table), str(out)])
    assert gazetteer.main() == 1 and "reading the table of villages" in capsys.readouterr().err
    rows = "province,regency,district,village,{}\nJawa Barat,Kota Bandung,Coblong,Dago,40135\n"
    for column, status in (("code", 1), ("postal_code", 0)):
        with opened(table, "wt") as file:
            file.write(rows.format(column))
        assert gazetteer.main() == status
    assert "lacks postal_code" in capsys.readouterr().err
    assert out.read_bytes().startswith(gazetteer.MAGIC) and b"DAGO" in out.read_bytes()


def test_an_empty_file_of_digits_is_named(tmp_path):
    (tmp_path / "labels").write_bytes(b"")
    with pytest.raises(Fault, match="reading MNIST's labels"):
        prepare.idx(tmp_path, "labels")
