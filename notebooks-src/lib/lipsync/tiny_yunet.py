"""A stand-in for YuNet's file: an ONNX graph with YuNet's inputs and outputs that finds the drawn face by its colour.

Random weights would find nothing, so these few are set by hand: how near each pixel is to the drawing's skin, averaged
over windows of 160 pixels, is the score; box and points have the drawn face's proportions. OpenCV's FaceDetectorYN runs
it as it runs the real file (outputs cls, obj, bbox and kps at strides 8, 16 and 32). Written without the package onnx.
"""

import math
import struct
from pathlib import Path

SKIN = (226, 178, 148)  # RGB, as assets/make_lip_sync.py draws it
_FLOAT, _INT64 = 1, 7  # ONNX's numbers of types


def write(path: Path) -> Path:
    """Write the file."""
    nodes, constants = [], {}

    def constant(name: str, shape, values) -> str:
        constants[name] = (shape, values)
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes) -> str:
        nodes.append((kind, inputs, output, attributes))
        return output

    red, green, blue = SKIN
    signs = [1, 0, 0, 0, 1, 0, 0, 0, 1, -1, 0, 0, 0, -1, 0, 0, 0, -1]
    colours = constant("colours", (6,), [-blue, -green, -red, blue, green, red])
    far = node("Conv", ["input", constant("signs", (6, 3, 1, 1), signs), colours], "far")
    far = node("Relu", [far], "away")
    near = node("Conv", [far, constant("sum", (1, 6, 1, 1), [-1 / 60] * 6), constant("one", (1,), [1.0])], "near")
    near = node("Relu", [near], "skin")
    for stride in (8, 16, 32):
        pads = [64] * 4 if stride == 32 else [0] * 4
        size = 160 if stride == 32 else stride
        window = {"kernel_shape": [size] * 2, "strides": [stride] * 2, "pads": pads, "count_include_pad": 1}
        grid = node("AveragePool", [near], f"grid{stride}", **window)
        # only the coarsest grid finds anything: a score from half a window of skin on, of 1 from two thirds on
        gain, least = (5.0, -2.4) if stride == 32 else (0.0, 0.0)
        wanted = {
            "cls": [(gain, least)], "obj": [(0.0, 1.0)],
            "bbox": [(0.0, v) for v in (0.5, 0.55, math.log(184 / 32), math.log(240 / 32))],
            "kps": [(0.0, v / 32 + 0.5) for v in (-38, -12, 38, -12, 0, 38, -25, 76, 25, 76)],
        }  # fmt: skip
        for name, channels in wanted.items():
            key, count = f"{name}_{stride}", len(channels)
            weight = constant(f"{key}_w", (count, 1, 1, 1), [c[0] for c in channels])
            bias = constant(f"{key}_b", (count,), [c[1] for c in channels])
            made = node("Conv", [grid, weight, bias], f"{key}_map")
            made = node("Transpose", [made], f"{key}_last", perm=[0, 2, 3, 1])
            node("Reshape", [made, constant(f"{key}_shape", (3,), (1, -1, count))], key)
    sizes = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
    outputs = {f"{name}_{stride}": size for name, size in sizes.items() for stride in (8, 16, 32)}
    path.write_bytes(_model(nodes, constants, outputs))
    return path


def _model(nodes, constants, outputs: dict[str, int]) -> bytes:
    """ModelProto of these (kind, inputs, output, attributes), {name: (shape, values)} and {output: channels}."""
    graph = b"".join(_message(1, _node(*one)) for one in nodes) + _text(2, "faces")
    graph += b"".join(_message(5, _tensor(name, *one)) for name, one in constants.items())
    graph += _message(11, _value("input", (1, 3, "height", "width"))) + b"".join(
        _message(12, _value(name, (1, "n", size))) for name, size in outputs.items()
    )
    opset = _text(1, "") + _number(2, 13)
    return _number(1, 8) + _text(2, "anylab") + _message(7, graph) + _message(8, opset)


def _node(kind: str, inputs: list[str], output: str, attributes: dict) -> bytes:
    made = b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(3, output) + _text(4, kind)
    for name, value in attributes.items():
        if isinstance(value, int):
            made += _message(5, _text(1, name) + _number(3, value) + _number(20, 2))
        else:
            made += _message(5, _text(1, name) + b"".join(_number(8, v) for v in value) + _number(20, 7))
    return made


def _tensor(name: str, shape, values) -> bytes:
    whole = name.endswith("_shape")
    data = struct.pack(f"<{len(values)}{'q' if whole else 'f'}", *values)
    return (
        b"".join(_number(1, d) for d in shape)
        + _number(2, _INT64 if whole else _FLOAT)
        + _text(8, name)
        + _message(9, data)
    )


def _value(name: str, shape) -> bytes:
    """A float tensor's name and shape; a dimension that is a word is a free one."""
    sizes = (_text(2, d) if isinstance(d, str) else _number(1, d) for d in shape)
    kind = _number(1, _FLOAT) + _message(2, b"".join(_message(1, size) for size in sizes))
    return _text(1, name) + _message(2, _message(1, kind))


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())
