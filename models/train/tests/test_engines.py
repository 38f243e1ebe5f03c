"""What compares engines gets a net that it can compare."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

import compare_engines
from pilah_train.recipe import Fault


def test_the_plain_net_gives_nearly_the_same_in_int8_and_in_float(tmp_path):
    folder = compare_engines.plain(tmp_path)
    model = onnx.load(folder / "model.onnx")
    picture = {"image": np.random.default_rng(0).integers(0, 256, compare_engines.shape_of(model), np.uint8)}
    quantized, floats = (compare_engines.start(net).run(None, picture)[0] for net in (model, compare_engines.dequantized(model)))
    assert quantized.shape == (1, 1000) and np.corrcoef(quantized[0], floats[0])[0, 1] > 0.95


def test_a_comparison_wants_one_net_and_says_what_failed(monkeypatch, capsys, tmp_path):
    for nets in ([], ["--plain", "--model", "waste"]):
        monkeypatch.setattr(sys, "argv", ["compare_engines.py", "--pilah", "pilah", *nets])
        with pytest.raises(SystemExit):
            compare_engines.main()
        assert "--model" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["compare_engines.py", "--pilah", "pilah", "--model", str(tmp_path)])
    assert compare_engines.main() == 1 and "model.onnx" in capsys.readouterr().err
    with pytest.raises(Fault, match="no such model"):
        compare_engines.output(["sh", "-c", "echo no such model >&2; exit 3"], {})


def test_a_stopped_reading_goes_on_after_its_last_whole_answer(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "parse", SimpleNamespace(Line=None, Places=None, answer=None))  # wants an engine's packages
    spec = importlib.util.spec_from_file_location("run", Path(__file__).parents[1] / "compare" / "run.py")
    compare = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(compare)
    assert compare.answered(tmp_path / "answers.jsonl") == set()
    (tmp_path / "answers.jsonl").write_text('{"file": "1.jpg"}\n{"file": "2.jp')
    assert compare.answered(tmp_path / "answers.jsonl") == {"1.jpg"}
    assert (tmp_path / "answers.jsonl").read_text() == '{"file": "1.jpg"}\n'
