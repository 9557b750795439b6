"""Temperature and calibration error against what they are by definition."""

import pytest
import torch
import torch.nn.functional as F

from inception.training.calibration import calibration_error, fit_temperature, reliability


def drawn(temperature: float, count: int = 20_000) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and labels drawn from their softmax at a temperature."""
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(count, 10, generator=generator)
    labels = torch.multinomial(F.softmax(logits / temperature, dim=1), 1, generator=generator)[:, 0]
    return logits, labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_drew_the_labels_is_found(temperature: float) -> None:
    logits, labels = drawn(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.03)


def test_dividing_by_the_temperature_calibrates() -> None:
    logits, labels = drawn(2.5)
    before = calibration_error(F.softmax(logits, dim=1), labels)
    after = calibration_error(F.softmax(logits / fit_temperature(logits, labels), dim=1), labels)
    assert before > 0.2
    assert after < 0.02


def test_calibration_error_by_hand() -> None:
    # Bins of a fifteenth: 0.9 and 0.92 share (13/15, 14/15], 0.6 stands alone in (8/15, 9/15].
    probabilities = torch.tensor([[0.9, 0.1], [0.92, 0.08], [0.4, 0.6]], dtype=torch.float64)
    labels = torch.tensor([0, 1, 1])
    rows = reliability(probabilities, labels)
    assert rows["pictures"].tolist() == [1, 2]
    assert rows["accuracy"].tolist() == [1.0, 0.5]
    assert rows["low"].tolist() == pytest.approx([8 / 15, 13 / 15])
    assert calibration_error(probabilities, labels) == pytest.approx(0.4 / 3 + (0.91 - 0.5) * 2 / 3)
