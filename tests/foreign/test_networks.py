"""Networks of timm and torchvision: every parameter and every multiply-accumulate, or the trace names what is left out.

The second opinions are `numel` and PyTorch's own FLOP counter. All of it happens on the meta device.
"""

import gc
from importlib.util import find_spec
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

import inception
from inception.cli import models
from inception.cli.models import LIBRARIES

pytestmark = pytest.mark.foreign
if not (find_spec("timm") and find_spec("torchvision")):
    pytest.skip("needs timm and torchvision", allow_module_level=True)
TIMM = """
resnet18 resnet50d seresnet18 resnest14d skresnet18 densenet121 repvgg_a0 nfnet_f0 gernet_s regnety_002
eca_resnet33ts botnet26t_256 halonet26t lambda_resnet26t mobilenetv2_100 mobilenetv3_small_100 mobileone_s0
lcnet_050 ghostnet_100 rexnet_100 efficientnet_b0 hrnet_w18_small convnext_atto convnextv2_atto convmixer_768_32
poolformer_s12 edgenext_xx_small fastvit_t8 vit_tiny_patch16_224 deit_tiny_patch16_224 cait_xxs24_224 pit_ti_224
beit_base_patch16_224 swin_tiny_patch4_window7_224 swinv2_tiny_window8_256 maxvit_rmlp_pico_rw_256 crossvit_9_240
mixer_s32_224 gmlp_ti16_224 levit_128s coat_lite_tiny twins_svt_small efficientformer_l1 efficientvit_b0
xcit_nano_12_p16_224 volo_d1_224 pvt_v2_b0 hiera_tiny_224
"""
TORCHVISION = """
alexnet squeezenet1_1 shufflenet_v2_x0_5 mobilenet_v3_small googlenet inception_v3 regnet_x_400mf convnext_tiny
vit_b_16 swin_t swin_v2_t maxvit_t
"""


@pytest.fixture(scope="module", autouse=True)
def libraries() -> None:
    """Loads them as the command line does: here, because other processes of the tests need none."""
    for name in LIBRARIES:
        models._library(name)
    gc.freeze()  # they stay, and no later search need visit them


INITIALISED = ("googlenet", "inception_v3")  # by values, which meta tensors do not have


def made(name: str) -> Any:
    """A network of torchvision without data."""
    from torchvision import models as library

    if name == "regnet_x_400mf":  # it looks at its own weights while it is made
        return library.get_model(name, weights=None).to("meta")
    with torch.device("meta"):
        return library.get_model(name, weights=None, **({"init_weights": False} if name in INITIALISED else {}))


def check(model: nn.Module, size: tuple[int, int, int]) -> inception.LayerGraph:
    model.requires_grad_(False)
    total = sum(p.numel() for p in model.parameters())
    graph = inception.trace(model, size)
    # A batch norm multiplies no matrices and keeps shapes; PyTorch takes a sixth of all this time to say so.
    with (
        FlopCounterMode(display=False) as counter,
        torch.no_grad(),
        patch.object(F, "batch_norm", lambda x, *_, **__: x),
    ):
        out: Any = model(torch.empty(1, *size, device="meta"))
    assert graph.params + sum(unused.params for unused in graph.unused) == total
    assert graph.macs == counter.get_total_flops() // 2
    assert graph.doubts == ()
    assert graph.output_shape == tuple(out.shape[1:])
    assert all(layer.field or layer.field_note for layer in graph.layers)
    return graph


@pytest.mark.parametrize("name", TIMM.split())
def test_timm(name: str) -> None:
    import timm

    with torch.device("meta"):
        model: Any = timm.create_model(name)
    assert check(model.eval(), model.default_cfg["input_size"]).unused == ()
    gc.collect()


@pytest.mark.parametrize("name", TORCHVISION.split())
def test_torchvision(name: str) -> None:
    graph = check(made(name).eval(), (3, 224, 224))
    auxiliary = {"googlenet": ["aux1", "aux2"], "inception_v3": ["AuxLogits"]}
    assert [unused.path for unused in graph.unused] == auxiliary.get(name, [])
    gc.collect()
