"""The whole command on a tiny folder per class: drawn digits, so that it needs no data set."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image

from pilah_train import __main__ as command
from pilah_train import draw_digits, figures, modelfile, nets, pictures, start, training
from pilah_train import recipe as recipes
from pilah_train.prepare import prepare

RECIPE = """
name = "tiny"
[input]
width = 28
height = 28
channels = 1
colour = "grey"
scale = 0.00392156862745098
zero_point = 0
fit = "letterbox"
invert = "auto"
[data]
validation = 0.2
test = 0.2
[train]
net = "digits"
augment = "none"
epochs = {epochs}
batch = 16
rate = 3e-3
average = 0.8
"""


def run(monkeypatch, *arguments) -> int:
    monkeypatch.setattr(sys, "argv", ["pilah_train", *map(str, arguments)])
    return command.main()


@pytest.fixture
def drawn(tmp_path):
    for digit in "017":
        (tmp_path / "data" / digit).mkdir(parents=True)
        for n in range(30):
            draw_digits.draw(digit, np.random.default_rng((3, int(digit), n)), 32).save(
                tmp_path / "data" / digit / f"{digit}-{n}.png"
            )
    (tmp_path / "golden").mkdir()
    draw_digits.draw("7", np.random.default_rng(99), 48).save(tmp_path / "golden" / "seven.png")
    (tmp_path / "recipe.toml").write_text(RECIPE.format(epochs=2))
    return tmp_path


def arguments(at, *more):
    return (at / "recipe.toml", "--data", at / "data", "--out", at / "out", "--device", "cpu", "--workers", 0, *more)


def test_a_folder_per_class_becomes_a_model_folder_and_a_stopped_training_goes_on(drawn, monkeypatch, capsys):
    (drawn / "data" / "0" / "broken.jpg").write_bytes(b"no picture")
    assert run(monkeypatch, *arguments(drawn, "--steps", "prepare,train")) == 0
    (drawn / "recipe.toml").write_text(RECIPE.format(epochs=6))
    assert run(monkeypatch, *arguments(drawn, "--model", drawn / "model", "--golden", drawn / "golden")) == 0
    said = capsys.readouterr().out
    assert "skipped 0/broken.jpg" in said and "resuming after epoch 2" in said

    model = modelfile.read(drawn / "model")
    assert [c["id"] for c in model["class"]] == ["0", "1", "7"]
    assert model["sha256"] == modelfile.sha256(drawn / "model" / "model.onnx")
    golden = model["golden"][0]
    tensor = pictures.read(drawn / "model" / golden["file"], recipes.load(drawn / "recipe.toml").input)
    p = modelfile.softmax(modelfile.Reference(drawn / "model" / "model.onnx").logits(tensor), model["output"]["temperature"])
    assert np.abs(p - golden["scores"]).max() < 1e-4
    assert 0 <= model["metrics"]["test_accuracy_int8"] <= 1
    card = (drawn / "model" / "README.md").read_text()
    assert "| macro recall (without unknown) |" in card and "| validation macro recall with unknown |" in card
    assert (drawn / "model" / "confusion.png").exists()


def test_an_export_that_is_stopped_leaves_the_model_that_was_there(drawn, monkeypatch):
    (drawn / "recipe.toml").write_text(RECIPE.format(epochs=1))
    (drawn / "model").mkdir()
    for name in ("model.onnx", "model.toml"):
        (drawn / "model" / name).write_text("before")

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(figures, "thresholds", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(monkeypatch, *arguments(drawn, "--model", drawn / "model", "--steps", "prepare,train,export"))
    assert all((drawn / "model" / name).read_text() == "before" for name in ("model.onnx", "model.toml"))


@pytest.mark.parametrize(
    "spoil,said",
    [
        (lambda at: (at / "recipe.toml").write_text(RECIPE.format(epochs=1) + "rat = 1\n"), "unknown key `rat`"),
        (lambda at: (at / "recipe.toml").write_text("name ="), "reading the recipe"),
        (lambda at: (at / "data").rename(at / "elsewhere"), "is not there"),
        (lambda at: [p.unlink() for p in (at / "data" / "7").iterdir()], "too few pictures, 5 are needed: 7 (0)"),
        (
            lambda at: (at / "recipe.toml").write_text(RECIPE.format(epochs=1) + '[[class]]\nid = "0"\n[[class]]\nid = "1"\n'),
            "are no class",
        ),
        (lambda at: (at / "recipe.toml").write_text(RECIPE.format(epochs=1) + "blend = 0.5\n"), "set `head_views`, too"),
        (
            lambda at: (at / "recipe.toml").write_text(RECIPE.format(epochs=1) + 'start = "gone"\n'),
            "gone is no model to start from",
        ),
        (
            lambda at: (at / "recipe.toml").write_text(
                RECIPE.format(epochs=1).replace("[data]", '[data]\nwithdraw = "gone.txt"')
            ),
            "reading the list of pictures to leave out",
        ),
        (
            lambda at: (at / "recipe.toml").write_text(RECIPE.format(epochs=1).replace("[data]", '[data]\nunrated = ["7"]')),
            "`unrated` names 7",
        ),
    ],
)
def test_mistakes_are_said_in_words(drawn, monkeypatch, capsys, spoil, said):
    spoil(drawn)
    assert run(monkeypatch, *arguments(drawn, "--steps", "prepare,train")) == 1
    assert said in capsys.readouterr().err


def test_kept_views_lead_to_what_the_whole_net_says_and_are_made_once(drawn, monkeypatch):
    (drawn / "recipe.toml").write_text(RECIPE.format(epochs=2) + "freeze = 3\nviews = 2\nhead_views = 2\n")
    assert run(monkeypatch, *arguments(drawn, "--steps", "prepare,train")) == 0
    recipe = recipes.load(drawn / "recipe.toml")
    everything = prepare(recipe, drawn / "data", out=drawn / "out")
    items = [i for i in everything if i.split == "validation"]
    net, (seen,) = training.best_net(recipe, everything, drawn / "out"), (drawn / "out").glob("views-*")
    whole, rest = (training.logits_of(recipe, net, items, torch.device("cpu"), 0, seen=s) for s in (None, seen))
    assert np.abs(whole - rest).max() < 0.02
    made = {path.name: path.stat().st_mtime_ns for path in seen.iterdir()}
    recipe.train.epochs = 3
    training.train(recipe, prepare(recipe, drawn / "data", out=drawn / "out"), drawn / "out", "cpu", 0)
    assert made == {path.name: path.stat().st_mtime_ns for path in seen.iterdir()}


def test_a_blend_lies_between_the_new_head_alone_and_the_tuned_net(drawn, monkeypatch):
    better = iter([0.1, 0.2, 0.3])
    monkeypatch.setattr(training, "validate", lambda *_, **__: (next(better), 0.0, 0.0))
    recipe = recipes.load(drawn / "recipe.toml")
    recipe.train.head_views, recipe.train.blend = 1, 0.25
    training.train(recipe, prepare(recipe, drawn / "data"), drawn / "out", "cpu", 0)
    last, best = (torch.load(drawn / "out" / f"{name}.pt", weights_only=True) for name in ("last", "best"))
    assert best["epoch"] == 2
    before, tuned, kept = last["start"]["head.weight"], last["average"]["head.weight"], best["net"]["head.weight"]
    assert (tuned - before).abs().max() > 1e-3
    torch.testing.assert_close(kept, 0.75 * before + 0.25 * tuned)


def test_a_training_goes_on_from_a_finished_model(drawn, monkeypatch, capsys):
    text = RECIPE.format(epochs=1).replace("28", "64").replace("channels = 1", "channels = 3").replace("grey", "rgb")
    text = text.replace('"digits"', '"efficientnet-lite0"\nfreeze = 15').replace('invert = "auto"', 'invert = "never"')
    (drawn / "recipe.toml").write_text(text + "head_views = 1\n")
    assert run(monkeypatch, *arguments(drawn, "--model", drawn / "model", "--steps", "prepare,train,export")) == 0

    recipe = recipes.load(drawn / "recipe.toml")
    items = [i for i in prepare(recipe, drawn / "data", out=drawn / "out") if i.split != "train"]
    net = nets.build(recipe.train.net, 3, 3)
    assert start.load(net, drawn / "model", ["0", "1", "7"])
    ours = training.logits_of(recipe, net, items, torch.device("cpu"), 0)
    reference = modelfile.Reference(drawn / "model" / "model.onnx")
    theirs = [reference.logits(pictures.read(i.path, recipe.input)) for i in items]
    assert np.abs(ours - theirs).max() < 0.5 < np.ptp(theirs)
    head = net.head.weight.detach().clone()
    assert not start.load(net, drawn / "model", ["0", "1", "8"]) and (net.head.weight == head).all()

    capsys.readouterr()
    again = ("--start", drawn / "model", "--steps", "prepare,train,export", "--model", drawn / "second")
    (drawn / "recipe.toml").write_text(text + "blend = 0.5\n")
    assert run(monkeypatch, *arguments(drawn, *again)[:3], "--out", drawn / "more", *arguments(drawn, *again)[5:]) == 0
    assert "epoch 0: " in capsys.readouterr().out  # what it began with is the first candidate
    assert modelfile.read(drawn / "second")["data"][-1]["name"] == "weights of tiny 0.1.0, to start from"
    (drawn / "recipe.toml").write_text(RECIPE.format(epochs=1))
    assert run(monkeypatch, *arguments(drawn, *again)) == 1
    assert "no batch norms left" in capsys.readouterr().err
    with pytest.raises(recipes.Fault, match="another net than the recipe's"):
        start.load(nets.build("efficientnet-lite2", 3, 3), drawn / "model", ["0", "1", "7"])


def test_renders_of_unrated_classes_are_for_training_alone(drawn):
    recipe = recipes.load(drawn / "recipe.toml")
    recipe.data.extra, recipe.data.unrated = {"0": "0/*.png", "7": "7/*.png"}, ["7"]
    recipe.classes = [recipes.Class(id=name) for name in "017"]
    for digit in "07":
        (drawn / "renders" / digit).mkdir(parents=True)
        for n in range(40):
            picture = draw_digits.draw(digit, np.random.default_rng((5, n)), 32)
            picture.save(drawn / "renders" / digit / f"thing{n // 2}-{n % 2}.png")
    items = [i for i in prepare(recipe, drawn / "data", drawn / "renders") if i.source == "renders"]
    assert {i.split for i in items if recipe.ids[i.label] == "7"} == {"train"}
    assert {i.split for i in items if recipe.ids[i.label] == "0"} == {"train", "validation", "test"}


def test_what_is_withdrawn_moves_no_other_picture(drawn):
    recipe = recipes.load(drawn / "recipe.toml")
    before = {i.path: i.split for i in prepare(recipe, drawn / "data")}
    recipe.data.withdraw = "bad.txt"
    gone = {path for n, path in enumerate(sorted(before)) if n % 3 == 0}
    (drawn / "bad.txt").write_text("# bad\n" + "".join(f"{path.relative_to(drawn / 'data')}\n" for path in gone))
    assert {i.path: i.split for i in prepare(recipe, drawn / "data")} == {p: s for p, s in before.items() if p not in gone}


def test_all_views_of_a_thing_fall_into_one_split(tmp_path):
    (tmp_path / "recipe.toml").write_text(RECIPE.format(epochs=1) + "[data.block]\nset = 10\n")
    for name in "ab":
        (tmp_path / "set" / name).mkdir(parents=True)
        for n in range(200):
            picture = Image.new("L", (8, 8), n)
            picture.putpixel((0, 0), ord(name))
            picture.save(tmp_path / "set" / name / f"x{n:04}.png")
    items = prepare(recipes.load(tmp_path / "recipe.toml"), tmp_path / "set")
    splits: dict = {}
    for item in items:
        splits.setdefault(item.group, set()).add(item.split)
    assert len(splits) == 40 and all(len(s) == 1 for s in splits.values())
    assert {i.split for i in items} == {"train", "validation", "test"}


def test_a_folder_in_a_class_s_folder_is_one_thing(drawn):
    zero = drawn / "data" / "0"
    for n in range(30):
        (zero / f"thing-{n // 10}").mkdir(exist_ok=True)
        (zero / f"0-{n}.png").rename(zero / f"thing-{n // 10}" / f"{n % 10}.png")
    splits: dict = {}
    for item in prepare(recipes.load(drawn / "recipe.toml"), drawn / "data"):
        splits.setdefault((item.label, item.path.parent.name), set()).add(item.split)
    assert all(len(splits[0, f"thing-{n}"]) == 1 for n in range(3)) and len(splits[1, "1"]) == 3


def test_things_are_counted_from_the_first_number(tmp_path):
    (tmp_path / "recipe.toml").write_text(RECIPE.format(epochs=1) + "[data.block]\nset = 5\n")
    for name in "ab":
        (tmp_path / "set" / name).mkdir(parents=True)
        for n in range(1, 101):
            picture = Image.new("L", (8, 8), n)
            picture.putpixel((0, 0), ord(name))
            picture.save(tmp_path / "set" / name / f"IMG_{n + 230:04}.png")
    items = prepare(recipes.load(tmp_path / "recipe.toml"), tmp_path / "set")
    assert all(len(group) == 5 for group in groups_of(items).values()) and len(groups_of(items)) == 40
    recipe = recipes.load(tmp_path / "recipe.toml")
    recipe.data.block = {"sets": 5}
    with pytest.raises(recipes.Fault, match="names sets, but pictures come from set"):
        prepare(recipe, tmp_path / "set")


def groups_of(items) -> dict:
    groups: dict = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    return groups


def test_a_class_of_one_thing_is_refused_before_any_training(drawn):
    (drawn / "data" / "0" / "monday").mkdir()
    for path in (drawn / "data" / "0").glob("*.png"):
        path.rename(drawn / "data" / "0" / "monday" / path.name)
    with pytest.raises(recipes.Fault, match="0 has pictures of 1 thing: none is left for the validation part"):
        prepare(recipes.load(drawn / "recipe.toml"), drawn / "data")


def test_what_is_on_file_of_other_pictures_is_neither_resumed_nor_exported(drawn, monkeypatch, capsys):
    assert run(monkeypatch, *arguments(drawn, "--steps", "prepare,train")) == 0
    draw_digits.draw("7", np.random.default_rng(5), 32).save(drawn / "data" / "7" / "more.png")
    assert run(monkeypatch, *arguments(drawn, "--steps", "train")) == 1
    assert run(monkeypatch, *arguments(drawn, "--steps", "export", "--model", drawn / "model")) == 1
    assert capsys.readouterr().err.count("of other settings or other pictures") == 2
    (drawn / "out" / "split.json").write_text("{")
    assert run(monkeypatch, *arguments(drawn, "--steps", "prepare")) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_folds_are_each_once_validation_and_never_test(drawn):
    recipe, seen, test = recipes.load(drawn / "recipe.toml"), [], set()
    for fold in range(3):
        recipe.data.fold, recipe.data.folds = fold, 3
        items = prepare(recipe, drawn / "data")
        seen += [i.group for i in items if i.split == "validation"]
        test |= {i.group for i in items if i.split == "test"}
    assert len(seen) == len(set(seen)) and not set(seen) & test
    assert len(seen) + len(test) == 90


def test_a_split_stays_when_pictures_are_added(drawn):
    recipe = recipes.load(drawn / "recipe.toml")
    before = {i.group: i.split for i in prepare(recipe, drawn / "data", out=drawn / "out")}
    for n in range(20):
        draw_digits.draw("7", np.random.default_rng((4, n)), 32).save(drawn / "data" / "7" / f"new-{n}.png")
    after = {i.group: i.split for i in prepare(recipe, drawn / "data", out=drawn / "out")}
    assert len(after) == 110 and all(after[g] == s for g, s in before.items())
