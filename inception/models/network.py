"""What every network of this package can do: grids on the way, the head by itself, another classifier."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from ..errors import InputError
from ..words import _
from .layers import Branch, L2Normalize, Stage, check_count


@dataclass(frozen=True)
class TensorFlowNames:
    """What TF-Slim and Keras Applications call the layers of a network; a convolution with its batch norm is one."""

    scope: str  # of TF-Slim's network, in which its scopes are our paths without the stage
    # Our paths of the layers and blocks for which that rule does not hold, to their full scopes.
    slim: Mapping[str, str] = field(default_factory=dict, hash=False)
    # Our paths of the layers to which Keras gives names, to these names; None for a network that Keras has not.
    keras: Mapping[str, str] | None = field(default=None, hash=False)
    # A sentence on what TensorFlow computes otherwise with the same weights; empty where the answers agree.
    differs: str = ""


class Network(nn.Sequential):
    """The base of every network: stages in a row, and the last of them, `head`, gives the answer.

    The methods have the names and meanings of timm's: ``model(x)`` equals
    ``model.forward_head(model.forward_features(x))``.
    """

    in_chans: int  # channels of the picture
    num_classes: int  # classes that the answer tells apart; 0 where it is a vector
    num_features: int  # channels of the last grid, which `forward_features` gives
    head_hidden_size: int  # length of the vector that the classifier reads, as timm calls it
    head: Stage  # its block "Logits" begins with the pool
    classifier_path = "head.Logits.Logits"  # of the linear layer for the classes, which is there if there are classes

    # Paths of our modules to the paths of the same modules in other implementations' checkpoints. A key of the state
    # dict is renamed by the longest path in the table with which it begins. The table is empty for a network that
    # nobody else has published.
    names: Mapping[str, str] = {}
    # Paths in `names` that others' checkpoints may hold although this network is built without them.
    may_lack: tuple[str, ...] = ()
    # Those entries of `names` for which pretrained-models.pytorch (Cadene) has another name.
    names_of_cadene: Mapping[str, str] = {}
    remarks: tuple[str, ...] = ()  # sentences on the weights that it holds; `create_model` sets them
    tensorflow: TensorFlowNames | None = None  # None for a network that nobody has published for TensorFlow

    @property
    def stages(self) -> list[str]:
        """Names of the stages before the head, in order: "stem", "inception_a", ..."""
        names = list(self._modules)
        return names[: names.index("head")]

    def forward_features(self, x: Tensor) -> Tensor:
        """The last grid before the average pool: (N, in_chans, H, W) to (N, num_features, H', W').

        H' and W' are 8 at 299 px and 3 at 160 px.
        """
        for stage in self.stages:
            x = self.get_submodule(stage)(x)
        for name, block in self.head.named_children():
            if name == "Logits":
                break
            x = block(x)
        return x

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """From the last grid (N, num_features, H', W') to the answer of the network.

        The answer is logits (N, num_classes). Without classes it is the pooled features (N, num_features), or, in a
        network with a bottleneck, the embedding (N, D) of length 1.
        pre_logits: stops at what the classifier reads, which is the pooled features, or the output of the
        bottleneck (N, D) before it is scaled to length 1.
        """
        blocks = list(self.head._modules)
        classifier = self.get_classifier()
        for name in blocks[blocks.index("Logits") :]:
            block = self.head.get_submodule(name)
            for layer in block.children() if isinstance(block, Branch) else [block]:
                if pre_logits and (layer is classifier or isinstance(layer, L2Normalize)):
                    return x
                x = layer(x)
        return x

    def features(self, x: Tensor, stages: Iterable[str] | None = None) -> dict[str, Tensor]:
        """The outputs (N, C, H, W) of stages before the head, by name and in the order of the network.

        x: (N, in_chans, H, W).
        stages: names of modules such as "stem" or "inception_a" (`stages` lists them); None takes all. Stages behind
        the last one that is asked for are not run.
        Raises InputError for a name that is no stage of this network.
        """
        wanted = set(self.stages if stages is None else [stages] if isinstance(stages, str) else stages)
        if unknown := sorted(wanted - set(self.stages)):
            sentence = _("{name!r} is not a stage of this network; it has {stages}.")
            raise InputError(sentence.format(name=unknown[0], stages=", ".join(self.stages)))
        found: dict[str, Tensor] = {}
        for stage in self.stages:
            if len(found) == len(wanted):
                break
            x = self.get_submodule(stage)(x)
            if stage in wanted:
                found[stage] = x
        return found

    def get_classifier(self) -> nn.Module:
        """The linear layer that gives the logits; an `nn.Identity` if the network has no classes."""
        parent, _, name = self.classifier_path.rpartition(".")
        classifier: nn.Module = getattr(self.get_submodule(parent), name, nn.Identity())
        return classifier

    def reset_classifier(self, num_classes: int) -> None:
        """Replaces the classifier by a new, untrained one for that many classes; all other weights stay.

        num_classes: 0 removes the classifier. The network then gives features, or an embedding if it has a bottleneck.
        Raises InputError unless it is a whole number from 0.
        """
        check_count("num_classes", num_classes, 0)
        self.set_classifier(self.classifier_path, self.head_hidden_size, num_classes)
        self.num_classes = num_classes

    def set_classifier(self, path: str, in_features: int, num_classes: int) -> None:
        """Puts a new linear layer at a path, or removes the one that is there if there are no classes."""
        parent, _, name = path.rpartition(".")
        holder, weight = self.get_submodule(parent), next(self.parameters())
        if hasattr(holder, name):
            delattr(holder, name)
        if num_classes:
            linear = nn.Linear(in_features, num_classes, device=weight.device, dtype=weight.dtype)
            holder.add_module(name, linear.train(self.training))
