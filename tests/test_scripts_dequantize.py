"""A quantized model gets float convolutions that say the same."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import NodeProto, TensorProto, helper, numpy_helper

SCRIPTS = Path(__file__).parents[1] / "scripts"
SHAPE = (1, 6, 50)
LAYERS = {"one": {"strides": [2], "pads": [2, 1], "dilations": [2]}, "two": {}}


def drawn() -> dict[str, np.ndarray]:
    """Two convolutions over time, the first of them with a bias; each of 8-bit integers."""
    rng = np.random.default_rng(0)
    weights = {"one.w": rng.integers(0, 256, (8, 6, 3)), "two.w": rng.integers(0, 256, (4, 8, 5))}
    floats = {"one.bias": rng.standard_normal(8), "one.s": 0.003, "two.s": 0.002}
    return {
        **{name: value.astype(np.uint8) for name, value in weights.items()},
        **{name: np.asarray(value, np.float32) for name, value in floats.items()},
        "zero": np.asarray(128, np.uint8),
    }


def quantized(layer: str, x: str, y: str) -> list[NodeProto]:
    """The chain that stands for one convolution in Kokoro's file."""
    nodes = [
        helper.make_node("DynamicQuantizeLinear", [x], [f"{layer}.{n}" for n in ("x", "xs", "xz")]),
        helper.make_node("Mul", [f"{layer}.xs", f"{layer}.s"], [f"{layer}.scale"]),
        helper.make_node(
            "ConvInteger",
            [f"{layer}.x", f"{layer}.w", f"{layer}.xz", "zero"],
            [f"{layer}.sum"],
            layer,
            **LAYERS[layer],
        ),
    ]
    total = f"{layer}.sum"
    if layer == "one":
        nodes += [
            helper.make_node("Div", ["one.bias", "one.scale"], ["one.b1"]),
            helper.make_node("Floor", ["one.b1"], ["one.b2"]),
            helper.make_node("Cast", ["one.b2"], ["one.b3"], to=TensorProto.INT32),
            helper.make_node("Unsqueeze", ["one.b3", "axes"], ["one.b4"]),
            helper.make_node("Add", [total, "one.b4"], ["one.total"]),
        ]
        total = "one.total"
    return [
        *nodes,
        helper.make_node("Cast", [total], [f"{layer}.float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{layer}.float", f"{layer}.scale"], [y]),
    ]


@pytest.fixture
def models(tmp_path, monkeypatch):
    """The quantized model, the other one, and how many convolutions that has."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    dequantize = importlib.import_module("dequantize").dequantize
    between = helper.make_node("LeakyRelu", ["a"], ["b"], alpha=0.1)
    graph = helper.make_graph(
        [*quantized("one", "x", "a"), between, *quantized("two", "b", "y")],
        "convolutions",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 4, 21))],
        [
            *(numpy_helper.from_array(value, name) for name, value in drawn().items()),
            numpy_helper.from_array(np.array([0, 2]), "axes"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    small, again = tmp_path / "small.onnx", tmp_path / "again.onnx"
    onnx.save(model, str(small))
    return small, again, dequantize(small, again)


def run(path: Path, x: np.ndarray) -> np.ndarray:
    return np.asarray(onnxruntime.InferenceSession(str(path)).run(None, {"x": x})[0])


def test_every_integer_convolution_becomes_one_over_images(models):
    _, again, count = models
    image = ["Unsqueeze", "Conv", "Squeeze"]
    assert count == 2
    kinds = [node.op_type for node in onnx.load(str(again)).graph.node]
    assert kinds == [*image, "LeakyRelu", *image]
    onnx.checker.check_model(str(again))


def test_it_says_what_the_weights_say_without_rounding_what_they_are_given(models):
    small, again, _ = models
    x = np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32)
    before, after, exact = run(small, x), run(again, x), reference(x)
    assert np.abs(after - exact).max() < 1e-4 * np.abs(exact).max()
    assert 1e-4 < np.abs(before - exact).max() / np.abs(exact).max() < 0.05


def reference(x: np.ndarray) -> np.ndarray:
    """The two convolutions in NumPy, a position and a tap at a time."""
    values = drawn()
    weights = [
        (values[f"{n}.w"].astype(np.float32) - 128) * values[f"{n}.s"] for n in ("one", "two")
    ]
    padded = np.pad(x[0], ((0, 0), (2, 1)))
    steps = range(0, padded.shape[1] - 4, 2)
    first = [
        values["one.bias"] + np.einsum("oik,ik->o", weights[0], padded[:, t : t + 5 : 2])
        for t in steps
    ]
    a = np.stack(first, 1)
    a = np.where(a < 0, 0.1 * a, a)
    second = [np.einsum("oik,ik->o", weights[1], a[:, t : t + 5]) for t in range(a.shape[1] - 4)]
    return np.stack(second, 1)[None]
