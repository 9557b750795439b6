"""Our networks give what timm's and facenet-pytorch's give for the same weights and pictures."""

import pytest
import torch

from inception import create_model, load_weights
from tests import reference


@pytest.mark.parametrize("name", reference.MEASURED)
def test_outputs_equal_the_reference_in_float64(name: str) -> None:
    expected = reference.outputs(name)
    model = create_model(name, device="meta", dtype=torch.float64).to_empty(device="cpu")  # all of it is loaded
    load_weights(model, reference.fill(reference.state_dict_shapes(name)))

    with torch.inference_mode():
        out = model(reference.image(2, expected["input_size"]))

    assert list(out.shape) == expected["shape"]
    torch.testing.assert_close(out[:, :8], torch.tensor(expected["head"], dtype=torch.float64), rtol=0, atol=1e-8)
    torch.testing.assert_close(out.norm(dim=1), torch.tensor(expected["norm"], dtype=torch.float64), rtol=0, atol=1e-8)
    assert out.argmax(dim=1).tolist() == expected["argmax"]


@pytest.mark.parametrize("name", reference.MEASURED)
def test_state_dict_has_the_shapes_of_the_reference_in_its_order(name: str) -> None:
    ours = create_model(name, device="meta").state_dict()

    assert [tuple(tensor.shape) for tensor in ours.values()] == list(reference.state_dict_shapes(name).values())
