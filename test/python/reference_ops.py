"""Writes test/engine/ops.reference.json: what PyTorch gives for every sample of test/engine/samples.ts, in float64.

Run it with the Python that has requirements.txt whenever the samples change: python test/python/reference_ops.py
"""

import hashlib
import json
import subprocess

import torch
import torch.nn.functional as F
from reference import numbers, root, write

DTYPES = {"float32": torch.float32, "float64": torch.float64, "int64": torch.int64, "bool": torch.bool}


def padded(x, pads, value=0.0):
    """ONNX pads are top, left, bottom, right; PyTorch wants left, right, top, bottom."""
    top, left, bottom, right = pads
    return F.pad(x, (left, right, top, bottom), value=value)


def conv_transpose(a, x, w):
    """PyTorch crops both ends alike, so the ends are cropped here."""
    top, left, bottom, right = a["pads"]
    high, wide = (n - 1 for n in a["output_padding"])
    full = F.conv_transpose2d(x, w, None, a["strides"], 0, 0, a["group"], a["dilations"])
    full = F.pad(full, (0, wide + 1, 0, high + 1))
    return full[:, :, top : full.shape[2] - bottom, left : full.shape[3] - right]


def pad(a, x):
    starts, ends = a["pads"][: x.dim()], a["pads"][x.dim() :]
    return F.pad(x, [n for pair in zip(reversed(starts), reversed(ends)) for n in pair], value=a["value"]["data"][0])


def onnx_slice(a, x):
    for start, end, axis, step in zip(a["starts"], a["ends"], a["axes"], a["steps"]):
        rows = range(x.shape[axis])[slice(start, end if end >= -x.shape[axis] else None, step)]
        x = x.index_select(axis, torch.tensor(list(rows)))
    return x


def scatter_add(a, x, i, u):
    return x.scatter_add(a["axis"], i, u)


def reduced(f):
    return lambda a, x: f(x, a["axes"], keepdim=bool(a["keepdims"]))


# One line per op: attributes and inputs as ONNX names them -> its output, or all of them.
OPS = {
    "Neg": lambda a, x: -x,
    "Abs": lambda a, x: x.abs(),
    "Sign": lambda a, x: x.sign(),
    "Sqrt": lambda a, x: x.sqrt(),
    "Exp": lambda a, x: x.exp(),
    "Log": lambda a, x: x.log(),
    "Erf": lambda a, x: x.erf(),
    "Floor": lambda a, x: x.floor(),
    "Relu": lambda a, x: F.relu(x),
    "LeakyRelu": lambda a, x: F.leaky_relu(x, a["alpha"]),
    "Elu": lambda a, x: F.elu(x, a["alpha"]),
    "Sigmoid": lambda a, x: x.sigmoid(),
    "Tanh": lambda a, x: x.tanh(),
    "Softplus": lambda a, x: F.softplus(x, threshold=100),
    "Gelu": lambda a, x: F.gelu(x),
    "HardSwish": lambda a, x: F.hardswish(x),
    "Softmax": lambda a, x: x.softmax(a["axis"]),
    "LogSoftmax": lambda a, x: x.log_softmax(a["axis"]),
    "Clip": lambda a, x: x.clamp(*a["min"]["data"], *a["max"]["data"]),
    "Cast": lambda a, x: x.to(DTYPES[a["to"]]),
    "Not": lambda a, x: ~x,
    "IsNaN": lambda a, x: x.isnan(),
    "Add": lambda a, x, y: x + y,
    "Sub": lambda a, x, y: x - y,
    "Mul": lambda a, x, y: x * y,
    "Div": lambda a, x, y: x / y,
    "Pow": lambda a, x, y: x**y,
    "Max": lambda a, x, y: torch.maximum(x, y),
    "Min": lambda a, x, y: torch.minimum(x, y),
    "Equal": lambda a, x, y: x == y,
    "Less": lambda a, x, y: x < y,
    "LessOrEqual": lambda a, x, y: x <= y,
    "Greater": lambda a, x, y: x > y,
    "GreaterOrEqual": lambda a, x, y: x >= y,
    "Where": lambda a, c, x, y: torch.where(c, x, y),
    "MatMul": lambda a, x, y: x @ y,
    "Gemm": lambda a, x, y, c=0: (x.T if a["transA"] else x) @ (y.T if a["transB"] else y) + c,
    "Conv": lambda a, x, w, b=None: F.conv2d(padded(x, a["pads"]), w, b, a["strides"], 0, a["dilations"], a["group"]),
    "ConvTranspose": conv_transpose,
    "MaxPool": lambda a, x: F.max_pool2d(padded(x, a["pads"], -torch.inf), a["kernel_shape"], a["strides"]),
    "MaxUnpool": lambda a, x, i: torch.zeros(a["output_shape"]).to(x).flatten().scatter(0, i.flatten(), x.flatten()).reshape(a["output_shape"]),
    "AveragePool": lambda a, x: F.avg_pool2d(padded(x, a["pads"]), a["kernel_shape"], a["strides"]),
    "GlobalAveragePool": lambda a, x: F.adaptive_avg_pool2d(x, 1),
    "ReduceSum": reduced(torch.sum),
    "ReduceMean": reduced(torch.mean),
    "ReduceSumSquare": reduced(lambda x, axes, keepdim: (x * x).sum(axes, keepdim)),
    "ReduceMax": reduced(torch.amax),
    "ArgMax": lambda a, x: x.argmax(a["axis"], bool(a["keepdims"])),
    "Reshape": lambda a, x: x.reshape(a["shape"]),
    "Transpose": lambda a, x: x.permute(a["perm"]),
    "Flatten": lambda a, x: x.flatten(a["axis"]),
    "Expand": lambda a, x: x.expand(a["shape"]),
    "Concat": lambda a, *xs: torch.cat(xs, a["axis"]),
    "Slice": onnx_slice,
    "SliceAt": lambda a, x, start, end: x[int(start) : int(end)],
    "Split": lambda a, x: x.split(a["split"], a["axis"]),
    "Pad": pad,
    "Gather": lambda a, x, i: x.index_select(a["axis"], i.flatten() % x.shape[a["axis"]]).unflatten(a["axis"], i.shape) if i.dim() else x.select(a["axis"], i),
    "ScatterElements": scatter_add,
    "OneHot": lambda a, i: F.one_hot(i, a["depth"]["data"][0]),
}


def tensor(t):
    return torch.tensor(t["data"], dtype=DTYPES[t["dtype"]]).reshape(t["shape"])


def reference(sample):
    inputs = [tensor(t) for t in sample["inputs"]]
    floats = [x for x in inputs if x.is_floating_point()]
    for x in floats:
        x.requires_grad_()
    values = []  # of each node, a tuple of its outputs
    for node in sample["nodes"]:
        if node["op"] == "Input":
            result = inputs[node["inputs"][0]]
        elif node["op"] == "Constant":
            result = tensor(node["attributes"]["value"])
        else:
            result = OPS[node["op"]](node["attributes"], *(values[n][i] for n, i in node["inputs"]))
        values.append(result if isinstance(result, tuple) else (result,))
    outputs = [values[n][i] for n, i in (o["place"] for o in sample["outputs"])]
    entry = {"name": sample["name"], "outputs": [numbers(y.flatten()) for y in outputs]}
    if any(y.requires_grad for y in outputs):
        weights = [torch.tensor(o["weights"]).reshape(y.shape) for y, o in zip(outputs, sample["outputs"])]
        loss = sum((y * w).sum() for y, w in zip(outputs, weights))
        entry["gradients"] = [numbers(g.flatten()) for g in torch.autograd.grad(loss, floats, allow_unused=True, materialize_grads=True)]
    return entry


def main():
    script = 'const { dump } = await import("./test/engine/samples.ts"); process.stdout.write(dump())'
    command = ["node", "--import", "tsx", "--input-type=module", "-e", script]
    samples = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    table = {
        "torch": torch.__version__.split("+")[0],
        "samples": hashlib.sha256(samples.encode()).hexdigest(),
        "cases": [reference(s) for s in json.loads(samples)],
    }
    write("test/engine/ops.reference.json", table)


main()
