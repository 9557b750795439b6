"""Whether probabilities mean what they say (Guo et al. 2017, *On Calibration of Modern Neural Networks*)."""

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

BINS = 15  # as in the paper
TEMPERATURES = 0.02, 50.0


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The number that (N, classes) logits are divided by so that their softmax has the least cross-entropy.

    Within `TEMPERATURES`: logits that tell nothing about the labels would want an endless one.
    """
    logits, log_temperature = logits.double(), torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([log_temperature], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(logits / log_temperature.exp(), labels)
        value.backward()
        return value

    optimizer.step(loss)
    least, most = TEMPERATURES
    return min(max(log_temperature.exp().item(), least), most)


def reliability(probabilities: Tensor, labels: Tensor) -> pd.DataFrame:
    """One row for each tenth or so of confidence that occurs: `BINS` bins of equal width.

    Columns low, high (of the bin), pictures, confidence (mean of the highest probability) and accuracy, as shares.
    """
    confidence, answer = probabilities.double().max(dim=1)
    right = (answer == labels).double()
    bins = (confidence * BINS).ceil().clamp(1, BINS).long() - 1  # (low, high], as in the paper
    table = pd.DataFrame({"bin": bins.numpy(), "confidence": confidence.numpy(), "accuracy": right.numpy()})
    grouped = table.groupby("bin")
    rows = grouped.mean()
    rows.insert(0, "pictures", grouped.size())
    rows.insert(0, "high", (rows.index + 1) / BINS)
    rows.insert(0, "low", rows.index / BINS)
    return rows.reset_index(drop=True)


def calibration_error(probabilities: Tensor, labels: Tensor) -> float:
    """Expected calibration error: the mean distance of confidence and accuracy over the bins, by pictures."""
    rows = reliability(probabilities, labels)
    return float((rows["pictures"] * (rows["confidence"] - rows["accuracy"]).abs()).sum() / rows["pictures"].sum())
