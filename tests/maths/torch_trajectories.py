"""Write torch_trajectories.json: what PyTorch's optimizers and schedules do, so that the tests need no PyTorch.

python tests/maths/torch_trajectories.py
"""

import json
from pathlib import Path

OPTIMIZERS = [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 1.0, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.01}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9}),
    ("RMSprop", {"lr": 0.01, "centered": True}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.01}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.01, "initial_accumulator_value": 0.3}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "eps": 1e-5, "weight_decay": 0.01}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.01}),
    ("Adam", {"lr": 0.01, "amsgrad": True}),
    ("Adam", {"lr": 0.01, "betas": [0.5, 0.9], "eps": 1e-4, "amsgrad": True, "weight_decay": 0.01}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.01, "betas": [0.8, 0.9], "eps": 1e-3, "weight_decay": 0.01}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.01, "weight_decay": 0.01, "momentum_decay": 0.1}),
    ("NAdam", {"lr": 0.01, "weight_decay": 0.01, "decoupled_weight_decay": True}),
    ("RAdam", {}),
    ("RAdam", {"lr": 0.01, "weight_decay": 0.01}),
    ("RAdam", {"lr": 0.01, "betas": [0.9, 0.99], "weight_decay": 0.01, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.01, "betas": [0.9, 0.6]}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.05, "etas": [0.3, 1.5], "step_sizes": [0.02, 0.1]}),
]

SCHEDULES = [
    ("ConstantLR", {"factor": 0.25, "total_iters": 4}),
    ("MultiStepLR", {"milestones": [3, 7, 7, 12], "gamma": 0.5}),
    ("LinearLR", {"start_factor": 0.2, "end_factor": 0.7, "total_iters": 6}),
    ("PolynomialLR", {"total_iters": 9, "power": 1.7}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 1, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 26, "anneal_strategy": "linear", "pct_start": 0.4}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 26, "three_phase": True, "base_momentum": 0.7}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 26, "pct_start": 0.0, "div_factor": 10.0, "final_div_factor": 5.0}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 26, "pct_start": 1.0, "cycle_momentum": False}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 4}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 3, "step_size_down": 5, "mode": "triangular2"}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 3, "mode": "exp_range", "gamma": 0.9}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.2, "step_size_up": 3, "cycle_momentum": False}),
    ("ReduceLROnPlateau", {"factor": 0.5, "patience": 2, "cooldown": 2, "min_lr": 0.02}),
    ("ReduceLROnPlateau", {"factor": 0.5, "patience": 1, "threshold": 0.06, "threshold_mode": "abs"}),
    ("ReduceLROnPlateau", {"factor": 0.2, "patience": 0, "threshold": 0.2, "mode": "max"}),
    ("ReduceLROnPlateau", {"factor": 0.2, "patience": 1, "threshold": 0.1, "threshold_mode": "abs", "mode": "max"}),
]


def gradients(rng, steps, n):
    """Ordinary ones, zeros, ones a thousand times larger and a million times smaller, signs that turn and that stay."""
    g = rng.normal(size=(steps, n))
    g[:, 1] = abs(g[:, 1])
    g[3] = 0.0
    g[5] *= 1e3
    g[8] *= 1e-6
    g[:, 2] *= 1e-6
    return g


def optimize(torch, name, arguments, theta, gs):
    parameter = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    arguments = {key: tuple(value) if isinstance(value, list) else value for key, value in arguments.items()}
    optimizer = getattr(torch.optim, name)([parameter], **arguments)
    path = []
    for g in gs:
        parameter.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
        path.append(parameter.detach().tolist())
    return path


def schedule(torch, name, arguments, metric):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **arguments)
    path = []
    for t in range(len(metric)):
        if t > 0:
            optimizer.step()
            scheduler.step(metric[t - 1]) if name == "ReduceLROnPlateau" else scheduler.step()
        path.append([optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]])
    return path


def main():
    import numpy as np
    import torch

    rng = np.random.default_rng(0)
    theta, gs = rng.normal(size=4), gradients(rng, 14, 4)
    metric = [*(1 / np.arange(1, 9)), *np.abs(rng.normal(0.13, 0.05, 12)), 0.05, 0.3, 0.05, 0.05, 0.05, 0.4]
    metric = [float(value) for value in metric]
    record = {
        "source": f"torch {torch.__version__}: python tests/maths/torch_trajectories.py",
        "theta": theta.tolist(),
        "gradients": gs.tolist(),
        "metric": metric,
        "optimizers": [[name, a, optimize(torch, name, a, theta.tolist(), gs.tolist())] for name, a in OPTIMIZERS],
        "schedules": [[name, a, schedule(torch, name, a, metric)] for name, a in SCHEDULES],
    }
    text = json.dumps(record).replace('], ["', '],\n["').replace('"optimizers"', '\n"optimizers"')
    Path(__file__).with_suffix(".json").write_text(text + "\n")


if __name__ == "__main__":
    main()
