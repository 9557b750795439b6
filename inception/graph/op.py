"""Names of operations. Each is defined here once; tables, exports and diagrams show its text."""

from enum import StrEnum


class Op(StrEnum):
    """An operation that the library knows, with the text that stands in the layer table.

    An operation of somebody else's network that is none of these keeps its own name as plain text, e.g. "silu".
    """

    CONV = "conv"
    TRANSPOSED_CONV = "transposed conv"
    LINEAR = "linear"
    MAX_POOL = "max pool"
    AVG_POOL = "avg pool"
    BATCH_NORM = "batch norm"
    RELU = "relu"
    DROPOUT = "dropout"
    FLATTEN = "flatten"
    CONCAT = "concat"
    SUM = "sum"
    RESIDUAL_SUM = "residual sum"
    L2_NORMALIZE = "l2 normalize"
    ATTENTION = "attention"


SUMS = frozenset({Op.SUM, Op.RESIDUAL_SUM})
# Beside ReLU, PyTorch's own activations under the names of their modules.
ACTIVATIONS = frozenset(
    {
        Op.RELU, "relu6", "leakyrelu", "prelu", "rrelu", "elu", "celu", "selu", "silu", "gelu", "mish", "sigmoid",
        "tanh", "hardswish", "hardsigmoid", "hardtanh", "softplus", "softsign", "logsigmoid", "threshold",
        "tanhshrink", "softshrink", "hardshrink",
    }
)  # fmt: skip


def is_pool(op: str) -> bool:
    """Whether an operation is a pool: ours, or a module of another network whose name ends in "pool"."""
    return op.endswith("pool")
