"""Writes src/catalog/losses/losses.reference.json: the losses and their gradients as PyTorch computes them, in float64.

python test/python/reference_losses.py
"""
import torch
from torch import nn

from reference import numbers, write

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)

classes, batch = 4, 6
scores = 3 * torch.randn(batch, classes)
labels = torch.tensor([0, 3, 1, 2, 1, 0])
one_hot = nn.functional.one_hot(labels, classes).double()
values = torch.tensor([[0.2], [-1.7], [3.0], [0.9], [12.0], [-0.4]])
targets = torch.tensor([0.5, -1.5, -2.0, 0.9, 2.5, 0.3])
weights = [0.5, 2.0, 1.0, 3.5]


def case(output, target, loss, params={}, link=lambda x: x, truth=None):
    x = output.clone().requires_grad_()
    value = loss(x, target if truth is None else truth)
    value.backward()
    return {
        "params": params,
        "output": numbers(output),
        "target": target.tolist(),
        "loss": numbers(value),
        "gradient": numbers(x.grad),
        "link": numbers(link(output)),
    }


def classification(loss, params={}, **rest):
    return case(scores, labels, loss, params, **rest)


def regression(loss, params={}):
    return case(values, targets, lambda x, y: loss(x.squeeze(1), y), params)


def cross_entropy(smoothing=0.0, weights=None):
    params = {**({"labelSmoothing": smoothing} if smoothing else {}), **({"classWeights": weights} if weights else {})}
    loss = nn.CrossEntropyLoss(torch.tensor(weights) if weights else None, label_smoothing=smoothing)
    return classification(loss, params, link=lambda x: x.softmax(1))


write("src/catalog/losses/losses.reference.json", {
    "cross-entropy": [cross_entropy(), cross_entropy(0.1), cross_entropy(weights=weights), cross_entropy(0.2, weights), cross_entropy(1.0, weights)],
    "binary-cross-entropy": [
        classification(nn.BCEWithLogitsLoss(), link=torch.sigmoid, truth=one_hot),
        case(20 * scores, labels, nn.BCEWithLogitsLoss(), link=torch.sigmoid, truth=one_hot),
    ],
    "hinge": [classification(nn.MultiMarginLoss()), classification(nn.MultiMarginLoss(margin=0.3), {"margin": 0.3})],
    "mean-squared-error": [regression(nn.MSELoss())],
    "mean-absolute-error": [regression(nn.L1Loss())],
    "huber": [regression(nn.HuberLoss()), regression(nn.HuberLoss(delta=0.25), {"delta": 0.25})],
})
