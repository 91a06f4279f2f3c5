"""Writes src/catalog/schedules/schedules.reference.json: factors on a learning rate of 1 as PyTorch's schedulers give them.

python test/python/reference_schedules.py
"""
import torch
from torch.optim import lr_scheduler as s

from reference import numbers, write


def case(scheduler, params={}, total_steps=20, steps_per_epoch=1, losses=None):
    """The factor at each step; for a scheduler that moves once per epoch, at the first step of each (`steps_per_epoch` above 1)."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    rule = scheduler(optimizer)
    steps = range(0, total_steps, steps_per_epoch)
    factors = []
    for epoch, _ in enumerate(steps):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        rule.step(*([losses[epoch]] if losses else []))
    progress = {"stepsPerEpoch": steps_per_epoch, "totalSteps": total_steps}
    return {"params": params, "progress": progress, "losses": losses or [], "steps": list(steps), "factors": numbers(factors)}


def warm_up_cosine(optimizer, rise, start, final, total):
    up = s.LinearLR(optimizer, start, total_iters=rise)
    down = s.CosineAnnealingLR(optimizer, total - rise, final)
    return s.SequentialLR(optimizer, [up, down], milestones=[rise])


def one_cycle(optimizer, total, rise=0.3, start=0.04, final=0.000004):
    return s.OneCycleLR(optimizer, 1.0, total, pct_start=rise, div_factor=1 / start, final_div_factor=start / final, cycle_momentum=False)


losses = [1.0, 0.8, 0.8, 0.81, 0.79995, 0.7, 0.75, 0.71, 0.72, 0.7, 0.7, 0.7, 0.7, 0.7, 0.2, *15 * [0.3]]

write("src/catalog/schedules/schedules.reference.json", {
    "constant": [case(lambda o: s.ConstantLR(o, 1.0))],
    "step": [
        case(lambda o: s.StepLR(o, 10), total_steps=100, steps_per_epoch=4),
        case(lambda o: s.StepLR(o, 3, 0.5), {"epochs": 3, "factor": 0.5}, 50, 5),
    ],
    "exponential": [
        case(lambda o: s.ExponentialLR(o, 0.95), total_steps=50, steps_per_epoch=5),
        case(lambda o: s.ExponentialLR(o, 0.5), {"factor": 0.5}),
    ],
    "cosine": [case(lambda o: s.CosineAnnealingLR(o, 20, 0.1)), case(lambda o: s.CosineAnnealingLR(o, 20), {"final": 0})],
    "warm-up": [
        case(lambda o: s.LinearLR(o, 0.01, total_iters=5), total_steps=100),
        case(lambda o: s.LinearLR(o, 0.2, total_iters=10), {"start": 0.2, "rise": 0.5}),
    ],
    "warm-up-cosine": [
        case(lambda o: warm_up_cosine(o, 5, 0.01, 0, 100), total_steps=100),
        case(lambda o: warm_up_cosine(o, 10, 0.2, 0.1, 40), {"start": 0.2, "rise": 0.25, "final": 0.1}, 40),
    ],
    "one-cycle": [
        case(lambda o: one_cycle(o, 20)),
        case(lambda o: one_cycle(o, 17, 0.4, 0.1, 0.001), {"rise": 0.4, "start": 0.1, "final": 0.001}, 17),
    ],
    "reduce-on-plateau": [
        case(lambda o: s.ReduceLROnPlateau(o), total_steps=60, steps_per_epoch=2, losses=losses),
        case(
            lambda o: s.ReduceLROnPlateau(o, factor=0.3, patience=1, min_lr=0.01, threshold=0.01),
            {"factor": 0.3, "patience": 1, "minFactor": 0.01, "threshold": 0.01},
            losses=losses,
        ),
    ],
})
