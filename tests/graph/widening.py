"""A network like Inception-v3: blocks of one stage differ in numbers only, and it may have an auxiliary head."""

from torch import Tensor, nn

from inception.models.layers import Branch, ConvUnit, Parallel, Stage


def block(channels: int, width: int) -> Parallel:
    """(N, channels, H, W) to (N, 4 + width, H, W)."""
    return Parallel(
        Branch_0=Branch(Conv2d_0a_1x1=ConvUnit(channels, 4, 1)),
        Branch_1=Branch(Conv2d_0a_1x1=ConvUnit(channels, 2, 1), Conv2d_0b_3x3=ConvUnit(2, width, 3)),
    )


class Widening(nn.Module):
    """Three kinds of blocks in stage A, three with the middle one twice in stage B. In training also `aux`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stage("Stem", Conv2d_1a_3x3=ConvUnit(3, 4, 3), MaxPool_2a_3x3=nn.MaxPool2d(2))
        self.a = Stage("Inception-A", Mixed_5b=block(4, 4), Mixed_5c=block(8, 5), Mixed_5d=block(9, 6))
        self.b = Stage(
            "Inception-B", Mixed_6b=block(10, 4), Mixed_6c=block(8, 4), Mixed_6d=block(8, 4), Mixed_6e=block(8, 8)
        )
        self.head = Stage(
            "Head", Logits=Branch(AvgPool=nn.AdaptiveAvgPool2d(1), Flatten=nn.Flatten(), Fc=nn.Linear(12, 5))
        )
        self.aux = Stage(
            "Auxiliary head (training only)",
            AuxLogits=Branch(
                Conv2d_1b_1x1=ConvUnit(10, 3, 1),
                AvgPool=nn.AdaptiveAvgPool2d(1),
                Flatten=nn.Flatten(),
                Fc=nn.Linear(3, 5),
            ),
        )

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = self.a(self.stem(x))
        logits: Tensor = self.head(self.b(x))
        return (logits, self.aux(x)) if self.training else logits
