"""The other side of `npm run bench`: the same networks in PyTorch, eager, written as its documentation teaches.

One JSON line in, one JSON line out:
  {"do": "versions"}                                     -> {"torch", "threads", ...}
  {"do": "prepare", ...a case of cases.ts, "variant"}    -> {"parameters": number}
  {"do": "round", "seconds": 2}                          -> {"samples", "seconds", "cpu"}
Between lines it sleeps, so that the other side has the machine to itself.
"""

import json
import platform
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_interop_threads(1)


class Cnn(nn.Module):
    """https://github.com/pytorch/examples/blob/main/mnist/main.py, with ReLU after pooling as ours has it: the same function, less work."""

    def __init__(self, outputs):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.dense, self.output = nn.Linear(9216, 128), nn.Linear(128, outputs)
        self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = self.dropout1(x).flatten(1)
        return self.output(self.dropout2(F.relu(self.dense(x))))


class Block(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.first, self.second = conv_norm(channels, filters, 3, stride), conv_norm(filters, filters, 3, 1)
        self.short = conv_norm(channels, filters, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.second(F.relu(self.first(x))) + self.short(x))


def conv_norm(channels, filters, size, stride):
    return nn.Sequential(nn.Conv2d(channels, filters, size, stride, size // 2, bias=False), nn.BatchNorm2d(filters))


def resnet8(case):
    stem = [conv_norm(case["sampleShape"][0], 16, 3, 1), nn.ReLU()]
    blocks = [Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, case["outputs"]))


def lenet5(case):
    return nn.Sequential(
        *[nn.Conv2d(1, 6, 5, padding=2), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()],
        *[nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, case["outputs"])],
    )


def mlp(case):
    features = 1
    for length in case["sampleShape"]:
        features *= length
    layers = [nn.Flatten()]
    for units in case.get("params", {}).get("hidden", [128]):
        layers += [nn.Linear(features, units), nn.ReLU()]
        features = units
    return nn.Sequential(*layers, nn.Linear(features, case["outputs"]))


models = {"cnn": lambda case: Cnn(case["outputs"]), "resnet-8": resnet8, "lenet-5": lenet5, "mlp": mlp}
optimizers = {
    "adam": lambda weights, **how: torch.optim.Adam(weights, lr=1e-3, **how),
    "adamw": lambda weights, **how: torch.optim.AdamW(weights, lr=1e-3, **how),
    "momentum": lambda weights, **how: torch.optim.SGD(weights, lr=1e-2, momentum=0.9, **how),
}


class Training:
    def __init__(self, case):
        torch.set_num_threads(case["threads"])
        # Denormal numbers in Adam's state make a step of the larger network twice as slow; we round them to zero, so here as well.
        torch.set_flush_denormal("denormals" not in case["variant"])
        torch.manual_seed(1)
        shape = (case["samples"], *case["sampleShape"])
        self.bytes = len(case["sampleShape"]) > 1
        self.samples = torch.randint(0, 256, shape, dtype=torch.uint8) if self.bytes else torch.randn(shape)
        self.targets = torch.randint(0, case["outputs"], (case["samples"],))
        self.batch = case["batch"]
        self.layout = torch.channels_last if "channels_last" in case["variant"] else torch.contiguous_format
        self.model = models[case["model"]](case)
        if self.layout == torch.channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        how = {"fused": True} if "fused" in case["variant"] else {}
        self.optimizer = optimizers[case["optimizer"]](self.model.parameters(), **how)
        self.model.train()
        self.steps = self.forever()

    def forever(self):
        """One item per step, over shuffled epochs without end."""
        while True:
            order = torch.randperm(len(self.targets))
            for rows in order.split(self.batch):
                x = self.samples[rows]
                x = x.float().div_(255) if self.bytes else x / 255
                if self.layout == torch.channels_last:
                    x = x.contiguous(memory_format=torch.channels_last)
                self.optimizer.zero_grad()
                loss = F.cross_entropy(self.model(x), self.targets[rows])
                loss.backward()
                self.optimizer.step()
                yield len(rows)

    def round(self, seconds):
        began, cpu, samples = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - began < seconds:
            samples += next(self.steps)
        return {"samples": samples, "seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}


def versions():
    return {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "mkldnn": torch.backends.mkldnn.is_available(),
    }


training = None
for line in sys.stdin:
    command = json.loads(line)
    if command["do"] == "prepare":
        training = Training(command)
        answer = {"parameters": sum(w.numel() for w in training.model.parameters())}
    elif command["do"] == "round":
        answer = training.round(command["seconds"])
    else:
        answer = versions()
    print(json.dumps(answer), flush=True)
