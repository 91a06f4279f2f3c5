"""Writes src/catalog/optimizers/optimizers.reference.json: ten steps of each optimizer from fixed gradients, in float64.

python test/python/reference_optimizers.py
"""
import numpy as np
import torch

from reference import numbers, write

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)

steps = 10
weights = [torch.randn(5), torch.randn(3)]
gradients = [[torch.randn_like(w) for w in weights] for _ in range(steps)]
gradients[4][1].zero_()


def pytorch(optimizer, ours={}, **theirs):
    """The weights after each step. `ours` are parameters as Trainyard names them, `theirs` the same as PyTorch does."""
    tensors = [torch.nn.Parameter(w.clone()) for w in weights]
    rule = optimizer(tensors, **theirs)
    after = []
    for step in gradients:
        for w, g in zip(tensors, step):
            w.grad = g.clone()
        rule.step()
        after.append([numbers(w) for w in tensors])
    return {"params": ours, "after": after}


def lion(lr=1e-4, beta1=0.9, beta2=0.99, decay=0.0, ours={}):
    """Algorithm 2 of https://arxiv.org/abs/2302.06675."""
    tensors = [w.numpy().copy() for w in weights]
    means = [np.zeros_like(w) for w in tensors]
    after = []
    for step in gradients:
        for i, g in enumerate(g.numpy() for g in step):
            c = beta1 * means[i] + (1 - beta1) * g
            tensors[i] = tensors[i] - lr * (np.sign(c) + decay * tensors[i])
            means[i] = beta2 * means[i] + (1 - beta2) * g
        after.append([numbers(w) for w in tensors])
    return {"params": ours, "after": after}


def both(optimizer, default_decay=0.0, **theirs):
    """With the defaults, and with weight decay and a larger learning rate."""
    ours = {"learningRate": 0.1, "weightDecay": 0.2}
    return [
        pytorch(optimizer, weight_decay=default_decay, **theirs),
        pytorch(optimizer, ours, **{**theirs, "lr": 0.1, "weight_decay": 0.2}),
    ]


o = torch.optim
write("src/catalog/optimizers/optimizers.reference.json", {
    "weights": [numbers(w) for w in weights],
    "gradients": [[numbers(g) for g in step] for step in gradients],
    "optimizers": {
        "sgd": both(o.SGD, lr=0.01),
        "momentum": [
            *both(o.SGD, lr=0.01, momentum=0.9),
            pytorch(o.SGD, {"momentum": 0.5}, lr=0.01, momentum=0.5),
        ],
        "nesterov": [
            *both(o.SGD, lr=0.01, momentum=0.9, nesterov=True),
            pytorch(o.SGD, {"momentum": 0.5}, lr=0.01, momentum=0.5, nesterov=True),
        ],
        "adam": [
            *both(o.Adam),
            pytorch(o.Adam, {"beta1": 0.5, "beta2": 0.9, "epsilon": 0.1}, betas=(0.5, 0.9), eps=0.1),
        ],
        "adamw": [
            *both(o.AdamW, default_decay=0.01),
            pytorch(o.AdamW, {"beta1": 0.5, "beta2": 0.9, "epsilon": 0.1, "weightDecay": 0}, betas=(0.5, 0.9), eps=0.1, weight_decay=0),
        ],
        "rmsprop": [*both(o.RMSprop), pytorch(o.RMSprop, {"alpha": 0.5, "epsilon": 0.1}, alpha=0.5, eps=0.1)],
        "adagrad": [*both(o.Adagrad), pytorch(o.Adagrad, {"epsilon": 0.1}, eps=0.1)],
        "adadelta": [*both(o.Adadelta), pytorch(o.Adadelta, {"rho": 0.5, "epsilon": 0.1}, rho=0.5, eps=0.1)],
        "lion": [
            lion(),
            lion(lr=0.1, decay=0.2, ours={"learningRate": 0.1, "weightDecay": 0.2}),
            lion(beta1=0.5, beta2=0.9, ours={"beta1": 0.5, "beta2": 0.9}),
        ],
    },
})
