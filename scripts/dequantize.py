"""Give a dynamically quantized ONNX model float convolutions: a fifth faster where AVX-512 is.

Kokoro's int8 file multiplies integers in its convolutions, for which onnxruntime has no fast
kernels. This replaces each chain ConvInteger - (Add bias) - Cast - Mul by one Conv with the same
weights as floats, over images one pixel high: onnxruntime's fast layout is for two dimensions
only. Everything else stays. Needs the package onnx.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

_SEARCH_DEPTH = 6
_HEIGHT = "height"


class _Graph:
    """Who makes and who reads each value of a graph."""

    def __init__(self, graph: Any) -> None:
        from onnx import numpy_helper

        self.graph = graph
        self.constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        self.maker = {output: node for node in graph.node for output in node.output}
        self.readers: dict[str, list[Any]] = {}
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)

    def reader(self, node: Any, kind: str) -> Any:
        """The one node that reads the node's output; ValueError if it is of another kind."""
        readers = self.readers[node.output[0]]
        if len(readers) != 1 or readers[0].op_type != kind:
            raise ValueError(f"{node.name}: expected one {kind} after it, found {readers}")
        return readers[0]

    def float_constant(self, name: str, size: int, depth: int = 0) -> np.ndarray | None:
        """The float constant of `size` numbers from which a value was quantized."""
        if name in self.constants:
            value = self.constants[name]
            return value if value.dtype == np.float32 and value.size == size else None
        if name not in self.maker or depth > _SEARCH_DEPTH:
            return None
        found = (self.float_constant(i, size, depth + 1) for i in self.maker[name].input)
        return next((value for value in found if value is not None), None)


def _replacement(known: _Graph, node: Any) -> tuple[Any, Any, list[Any]]:
    """The node to put in place of the last of a chain, that last one, and new constants."""
    from onnx import helper, numpy_helper

    weights = known.constants[node.input[1]].astype(np.float32)
    zero = known.constants[node.input[3]] if len(node.input) > 3 else np.zeros(1)
    source = known.maker[node.input[0]].input[0]
    after, bias = known.readers[node.output[0]][0], None
    if after.op_type == "Add":
        other = next(i for i in after.input if i != node.output[0])
        bias = known.float_constant(other, weights.shape[0])
        if bias is None:
            raise ValueError(f"{node.name}: no float bias behind {other}")
        cast = known.reader(after, "Cast")
    else:
        cast = known.reader(node, "Cast")
    last = known.reader(cast, "Mul")
    scales = known.maker[next(i for i in last.input if i != cast.output[0])].input
    scale = next(known.constants[i] for i in scales if i in known.constants)
    shape = (-1, *[1] * (weights.ndim - 1)) if scale.size > 1 else (1,) * weights.ndim
    weights = (weights - np.float32(zero)) * scale.reshape(shape)
    constants = [numpy_helper.from_array(weights, f"{node.name}.weight")]
    if bias is not None:
        constants.append(numpy_helper.from_array(bias.reshape(-1), f"{node.name}.bias"))
    inputs = [source, *(c.name for c in constants)]
    conv = helper.make_node("Conv", inputs, [last.output[0]], name=f"{node.name}.float")
    conv.attribute.extend(node.attribute)
    return conv, last, constants


def dequantize(source: Path, target: Path) -> int:
    """Write `target`, the model of `source` with float convolutions; returns how many there are.

    Raises:
        ValueError: the model is not quantized in the way that this knows.
    """
    import onnx

    model = onnx.load(str(source))
    graph = model.graph
    known = _Graph(graph)
    chains = [_replacement(known, n) for n in graph.node if n.op_type == "ConvInteger"]
    by_last = {last.output[0]: conv for conv, last, _ in chains}
    nodes = [by_last.get(node.output[0], node) for node in graph.node]
    constants = [*graph.initializer, *(c for _, _, more in chains for c in more)]
    nodes, constants = _as_images(nodes, {c.name: c for c in constants})
    nodes = _needed(nodes, {output.name for output in graph.output})
    used = {name for node in nodes for name in node.input}
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(c for c in constants if c.name in used)
    onnx.save(model, str(target))
    return len(chains)


def _as_images(nodes: list[Any], constants: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """Convolutions over time as ones over images one pixel high; nodes and constants."""
    from onnx import helper, numpy_helper

    axis = numpy_helper.from_array(np.array([2]), _HEIGHT)
    constants, rewritten = {**constants, _HEIGHT: axis}, []
    for node in nodes:
        kernel = constants.get(node.input[1]) if node.op_type == "Conv" else None
        if kernel is None or len(kernel.dims) != 3:
            rewritten.append(node)
            continue
        flat = numpy_helper.to_array(kernel)[:, :, None]
        weights = numpy_helper.from_array(np.ascontiguousarray(flat), f"{kernel.name}.image")
        constants[weights.name] = weights
        given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        for name, usual in (("kernel_shape", kernel.dims[2]), ("strides", 1), ("dilations", 1)):
            given[name] = [1, *given.get(name, [usual])]
        before, after = given.get("pads", [0, 0])
        given["pads"] = [0, before, 0, after]
        image, result = (f"{node.output[0]}.{what}" for what in ("image", "result"))
        inputs = [image, weights.name, *node.input[2:]]
        rewritten += [
            helper.make_node("Unsqueeze", [node.input[0], _HEIGHT], [image]),
            helper.make_node("Conv", inputs, [result], node.name, **given),
            helper.make_node("Squeeze", [result, _HEIGHT], [node.output[0]]),
        ]
    return rewritten, list(constants.values())


def _needed(nodes: list[Any], outputs: set[str]) -> list[Any]:
    """The nodes that an output depends on, in their order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
            for attribute in node.attribute:
                wanted.update(name for inner in attribute.g.node for name in inner.input)
    return kept[::-1]
