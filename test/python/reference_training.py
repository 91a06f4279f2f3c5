"""Writes test/engine/training.reference.json: trainings in PyTorch, step by step, that test/engine/training.test.ts repeats.

Both sides make the same pictures, batches and initial weights from the same seeds, so only losses and samples of the final
weights are written down. Run it with the Python that has requirements.txt: python test/python/reference_training.py
"""

import math

import torch
import torch.nn.functional as F
from reference import numbers, write
from torch import nn

STEPS, SAMPLES, CLASSES = 50, 128, 10
MEAN, DEVIATION = 127.5, 50
torch.set_num_threads(1)

# --- src/shared/random.ts ---

MASK = 0xFFFFFFFF


def rotate(x, n):
    return (x << n | x >> 32 - n) & MASK


def murmur3(words):
    h = 0
    for word in words:
        h ^= rotate(word * 0xCC9E2D51 & MASK, 15) * 0x1B873593 & MASK
        h = rotate(h, 13) * 5 + 0xE6546B64 & MASK
    h ^= 4 * len(words)
    h = (h ^ h >> 16) * 0x85EBCA6B & MASK
    h = (h ^ h >> 13) * 0xC2B2AE35 & MASK
    return h ^ h >> 16


def random(*key):
    """The generator of a key, as a function that gives the next integer: xoshiro128**."""
    words = [w for part in key for w in ([1, len(part), *map(ord, part)] if isinstance(part, str) else [0, part & MASK, part >> 32])]
    a, b, c, d = (murmur3([i, *words]) for i in range(4))

    def uint32():
        nonlocal a, b, c, d
        result = rotate(b * 5 & MASK, 7) * 9 & MASK
        t = b << 9 & MASK
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= t
        d = rotate(d, 11)
        return result

    return uint32


def uniform(uint32, shape, low, high):
    """fillUniform: in float64, then rounded."""
    values = [low + (uint32() >> 8) * 2**-24 * (high - low) for _ in range(math.prod(shape))]
    return torch.tensor(values, dtype=torch.float64).to(torch.float32).reshape(shape)


# --- what both sides make from the seeds ---


def pictures(shape):
    """Picture i of class i % CLASSES: the mean of the class's own picture and of noise, in whole numbers from 0 to 255."""
    byte = random("pictures")
    size = math.prod(shape)
    classes = [[byte() >> 24 for _ in range(size)] for _ in range(CLASSES)]
    rows = [[(p + (byte() >> 24)) // 2 for p in classes[i % CLASSES]] for i in range(SAMPLES)]
    return torch.tensor(rows).reshape(SAMPLES, *shape), torch.arange(SAMPLES) % CLASSES


def batches(size):
    uint32 = random("batches")
    return torch.tensor([int(uint32() * 2**-32 * SAMPLES) for _ in range(STEPS * size)]).reshape(STEPS, size)


def initial(name, shape):
    """Of a trained tensor, in Trainyard's layout: Dense weights are [in, out]."""
    uint32 = random("weights", name)
    if len(shape) == 1:
        return uniform(uint32, shape, -0.1, 0.1) if name.endswith("bias") else uniform(uint32, shape, 0.5, 1.5)
    limit = math.sqrt(6 / (shape[0] if len(shape) == 2 else math.prod(shape[1:])))
    return uniform(uint32, shape, -limit, limit)


# --- the models, with layers named as in src/catalog/models ---


class Model(nn.Module):
    def __init__(self, **layers):
        super().__init__()
        self.layers = nn.ModuleDict({name.replace("_", "-"): layer for name, layer in layers.items()})

    def __getitem__(self, name):
        return self.layers[name]

    def tensors(self):
        """Weights and running statistics by Trainyard's names, each a view in Trainyard's layout."""
        for name, layer in self.layers.items():
            for key, tensor in layer.state_dict(keep_vars=True).items():
                key = {"running_mean": "mean", "running_var": "variance"}.get(key, key)
                if key != "num_batches_tracked":
                    yield f"{name}.{key}", (tensor.T if isinstance(layer, nn.Linear) and tensor.dim() == 2 else tensor)


class Mlp(Model):
    def __init__(self):
        super().__init__(dense1=nn.Linear(784, 128), output=nn.Linear(128, CLASSES))

    def forward(self, x):
        return self["output"](F.relu(self["dense1"](x.flatten(1))))


class LeNet5(Model):
    def __init__(self):
        dense = dict(dense1=nn.Linear(400, 120), dense2=nn.Linear(120, 84), output=nn.Linear(84, CLASSES))
        super().__init__(conv1=nn.Conv2d(1, 6, 5, padding=2), conv2=nn.Conv2d(6, 16, 5), **dense)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self["conv1"](x)), 2)
        x = F.max_pool2d(F.relu(self["conv2"](x)), 2).flatten(1)
        return self["output"](F.relu(self["dense2"](F.relu(self["dense1"](x)))))


class Cnn(Model):
    def __init__(self):
        convs = dict(conv1=nn.Conv2d(1, 8, 3), conv2=nn.Conv2d(8, 16, 3))
        super().__init__(**convs, dense=nn.Linear(16 * 12 * 12, 32), output=nn.Linear(32, CLASSES))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self["conv2"](F.relu(self["conv1"](x)))), 2).flatten(1)
        return self["output"](F.relu(self["dense"](x)))


class ResNet8(Model):
    def __init__(self, channels=3, f=8):
        layers = {}

        def conv(name, before, after, size, stride):
            layers[f"{name}_conv"] = nn.Conv2d(before, after, size, stride, bias=False)
            layers[f"{name}_norm"] = nn.BatchNorm2d(after)

        conv("stem", channels, f, 3, 1)
        for stage, (before, after, stride) in {"stage1": (f, f, 1), "stage2": (f, 2 * f, 2), "stage3": (2 * f, 4 * f, 2)}.items():
            conv(f"{stage}_1", before, after, 3, stride)
            conv(f"{stage}_2", after, after, 3, 1)
            if stride > 1:
                conv(f"{stage}_short", before, after, 1, stride)
        super().__init__(**layers, output=nn.Linear(4 * f, CLASSES))

    def convolved(self, name, x):
        """Padding "same" puts the odd row at the end, which PyTorch's padding does not."""
        conv = self[f"{name}-conv"]
        size, stride = conv.kernel_size[0], conv.stride[0]
        total = max(0, (math.ceil(x.shape[2] / stride) - 1) * stride + size - x.shape[2])
        return self[f"{name}-norm"](conv(F.pad(x, (total // 2, total - total // 2) * 2)))

    def forward(self, x):
        x = F.relu(self.convolved("stem", x))
        for stage in ("stage1", "stage2", "stage3"):
            y = self.convolved(f"{stage}-2", F.relu(self.convolved(f"{stage}-1", x)))
            x = F.relu(y + (x if stage == "stage1" else self.convolved(f"{stage}-short", x)))
        return self["output"](x.mean((2, 3)))


# --- the trainings ---


def sgd(weights, learningRate, momentum=0.0):
    return torch.optim.SGD(weights, learningRate, momentum)


def adam(weights, learningRate):
    return torch.optim.Adam(weights, learningRate)


def adamw(weights, learningRate, weightDecay):
    return torch.optim.AdamW(weights, learningRate, weight_decay=weightDecay)


CASES = [
    (Mlp, "mlp", {}, [1, 28, 28], 32, sgd, "sgd", {"learningRate": 0.02}),
    (LeNet5, "lenet-5", {}, [1, 28, 28], 16, sgd, "momentum", {"learningRate": 0.01, "momentum": 0.9}),
    (Cnn, "cnn", {"filters": [8, 16], "units": 32, "dropout": [0, 0]}, [1, 28, 28], 16, adam, "adam", {"learningRate": 0.001}),
    (ResNet8, "resnet-8", {"filters": 8}, [3, 16, 16], 32, adamw, "adamw", {"learningRate": 0.0005, "weightDecay": 0.05}),
]


def sampled(tensor):
    """Sums over all values, and at most 150 of them at equal distances."""
    flat = tensor.detach().flatten()
    stride = -(-len(flat) // 150)
    wide = flat.to(torch.float64)
    return {"shape": list(tensor.shape), "mean": wide.mean(), "rms": wide.square().mean().sqrt(), "stride": stride, "values": flat[::stride]}


def train(make, model, modelParams, shape, batch, optimizer, name, params):
    net = make()
    with torch.no_grad():
        for key, tensor in net.tensors():
            if not key.endswith((".mean", ".variance")):
                tensor.copy_(initial(key, tensor.shape))
    inputs, targets = pictures(shape)
    x = (inputs.to(torch.float32) - MEAN) * torch.tensor(1 / DEVIATION, dtype=torch.float32)
    step = optimizer(net.parameters(), **params)
    losses = []
    for rows in batches(batch):
        step.zero_grad()
        loss = F.cross_entropy(net(x[rows]), targets[rows])
        loss.backward()
        step.step()
        losses.append(loss.item())
    tensors = {}
    for key, tensor in net.tensors():
        s = sampled(tensor)
        tensors[key] = {"shape": s["shape"], "stride": s["stride"]} | {k: numbers(s[k]) for k in ("mean", "rms", "values")}
    return {
        "model": model,
        "modelParams": modelParams,
        "sampleShape": shape,
        "batch": batch,
        "optimizer": name,
        "optimizerParams": params,
        "losses": numbers(losses),
        "tensors": tensors,
    }


table = {
    "torch": torch.__version__.split("+")[0],
    "steps": STEPS,
    "samples": SAMPLES,
    "classes": CLASSES,
    "normalisation": {"mean": [MEAN], "deviation": [DEVIATION]},
    "trainings": [train(*case) for case in CASES],
}
write("test/engine/training.reference.json", table)
