"""What compares engines gets a net that it can compare."""

import numpy as np
import onnx

import compare_engines


def test_the_plain_net_gives_nearly_the_same_in_int8_and_in_float(tmp_path):
    folder = compare_engines.plain(tmp_path)
    model = onnx.load(folder / "model.onnx")
    picture = {"image": np.random.default_rng(0).integers(0, 256, compare_engines.shape_of(model), np.uint8)}
    quantized, floats = (compare_engines.start(net).run(None, picture)[0] for net in (model, compare_engines.dequantized(model)))
    assert quantized.shape == (1, 1000) and np.corrcoef(quantized[0], floats[0])[0, 1] > 0.95
