"""cleanlab and Captum judge the rows of a fitted network; neither meets glassnet.

A line of JSON comes in, a line goes out, as with the other participants; what is judged lies in a file of arrays.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import cleanlab
import numpy as np
import torch
from captum.influence import TracInCP, TracInCPFast
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from cleanlab.regression.rank import get_label_quality_scores as numbers_quality

Case = dict[str, Any]

ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "identity": torch.nn.Identity}
AT_ONCE = 1024


def by_cleanlab(case: Case) -> Any:
    """Return 1 − self-confidence from predicted probabilities, or 1 − the residual's quality: (m,)."""
    if case["classes"]:
        return 1 - get_label_quality_scores(case["y"], case["prediction"])
    return 1 - numbers_quality(case["y"].ravel(), case["prediction"].ravel(), method="residual")


def by_outre(case: Case) -> Any:
    """Return what cleanlab has for numbers by default, out-of-distribution residuals."""
    return 1 - numbers_quality(case["y"].ravel(), case["prediction"].ravel(), method="outre")


def by_margin(case: Case) -> Any:
    """Return cleanlab's other score of labels, the normalized margin."""
    return 1 - get_label_quality_scores(case["y"], case["prediction"], method="normalized_margin")


def issues(case: Case) -> Any:
    """Return which labels cleanlab calls wrong, as 0 and 1."""
    return find_label_issues(case["y"], case["prediction"], n_jobs=1).astype(float)


def _module(case: Case) -> torch.nn.Sequential:
    """Return the network, its last activation left to the loss."""
    layers: list[torch.nn.Module] = []
    sizes = list(zip(case["sizes"][:-1], case["sizes"][1:], strict=True))
    for k, (inputs, outputs) in enumerate(sizes):
        layers.append(torch.nn.Linear(int(inputs), int(outputs)))
        if k < len(sizes) - 1:
            layers.append(ACTIVATIONS[str(case["activation"])]())
    return torch.nn.Sequential(*layers)


def _load(module: torch.nn.Module, theta: Any) -> float:
    """Set θ of a snapshot, in glassnet's layout, and return the rate that self-influence is weighted with."""
    i = 0
    for layer in module:
        if isinstance(layer, torch.nn.Linear):
            inputs, outputs = layer.in_features, layer.out_features
            w, b = theta[i : i + inputs * outputs], theta[i + inputs * outputs : i + (inputs + 1) * outputs]
            layer.weight.data = torch.tensor(w.reshape(inputs, outputs).T.copy())
            layer.bias.data = torch.tensor(b.copy())
            i += (inputs + 1) * outputs
    return 1.0


def _self_influence(case: Case, kind: str) -> Any:
    y = torch.tensor(case["y"]) if case["classes"] else torch.tensor(case["y"].reshape(-1, 1))
    rows = torch.utils.data.TensorDataset(torch.tensor(case["X"]), y)
    loss = torch.nn.CrossEntropyLoss(reduction="sum") if case["classes"] else torch.nn.MSELoss(reduction="sum")
    module, thetas = _module(case), list(case["thetas"])
    more: dict[str, Any] = {
        "checkpoints": thetas,
        "checkpoints_load_func": _load,
        "loss_fn": loss,
        "batch_size": AT_ONCE,
    }
    if kind == "fast":
        judge: Any = TracInCPFast(module, module[-1], rows, **more)
    else:
        judge = TracInCP(module, rows, sample_wise_grads_per_batch=True, **more)
    return judge.self_influence(show_progress=False).detach().numpy()


METHODS: dict[str, Callable[[Case], Any]] = {
    "cleanlab": by_cleanlab,
    "cleanlab, margin": by_margin,
    "cleanlab, outre": by_outre,
    "cleanlab, issues": issues,
    "Captum, last layer": lambda case: _self_influence(case, "fast"),
    "Captum, all layers": lambda case: _self_influence(case, "all"),
}


def main() -> None:
    """Answer the harness until it hangs up."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        ask = json.loads(line)
        try:
            if ask["do"] == "version":
                answer: dict[str, Any] = {"version": f"cleanlab {cleanlab.__version__}, PyTorch {torch.__version__}"}
            else:
                torch.set_num_threads(ask["threads"])
                with np.load(ask["case"]) as file:
                    case = {name: file[name] for name in file.files}
                start = time.perf_counter()
                scores = METHODS[ask["do"]](case)
                answer = {"seconds": time.perf_counter() - start}
                np.save(ask["into"], scores)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
