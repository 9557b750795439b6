"""What separable means: a two-dimensional kernel as a sum of outer products, one column filter times one row filter.

A kernel of rank 1 is *spatially separable*: filtering with its column and then with its row gives exactly the same
picture. Any other kernel is a sum of such products, by its singular value decomposition, and the first r of them are
the best kernel of rank r (Eckart and Young, 1936). Everything is float64.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..words import N_, _

Array = NDArray[np.float64]


class KernelError(InputError):
    """Numbers that are no kernel, or a size that a kernel does not come in, in one sentence."""


@dataclass(frozen=True)
class Decomposition:
    """A kernel (h, w) as the sum of m = min(h, w) outer products, the strongest first.

    singular_values: (m,). columns: (m, h) and rows: (m, w), each scaled by the root of its singular value, so that
    product i is ``np.outer(columns[i], rows[i])``; the largest entry of a column is positive.
    """

    kernel: Array
    singular_values: Array
    columns: Array
    rows: Array

    @property
    def outer_products(self) -> Array:
        """(m, h, w): they sum to the kernel."""
        return self.columns[:, :, None] * self.rows[:, None, :]

    @property
    def rank(self) -> int:
        """How many singular values stand out from rounding, as `numpy.linalg.matrix_rank` counts."""
        return int(np.linalg.matrix_rank(self.kernel))

    @property
    def errors(self) -> Array:
        """(m + 1,): for rank 0 to m, how much of the kernel its best approximation misses.

        The Frobenius norm of the difference over that of the kernel: 1 at rank 0, 0 at full rank; 0 for a kernel of
        zeros.
        """
        return _errors(self.singular_values)

    def approximation(self, rank: int) -> Array:
        """(h, w): the best kernel of that rank, 0 to m; raises KernelError for other ranks."""
        if not 0 <= rank <= len(self.singular_values):
            sentence = _("rank must be from 0 to {most}, not {value}.")
            raise KernelError(sentence.format(most=len(self.singular_values), value=rank))
        return np.asarray(self.outer_products[:rank].sum(axis=0))


def decompose(kernel: ArrayLike) -> Decomposition:
    """The singular value decomposition of one kernel (h, w); raises KernelError unless it is finite and 2-D."""
    matrix = _numbers(kernel)
    if matrix.ndim != 2:
        sentence = _("A kernel has rows and columns, not {dimensions} dimensions.")
        raise KernelError(sentence.format(dimensions=matrix.ndim))
    u, s, v = np.linalg.svd(matrix, full_matrices=False)
    # The decomposition leaves the sign of each pair open; fix it, so that pictures of the filters do not flip.
    sign = np.sign(u[np.abs(u).argmax(axis=0), np.arange(len(s))])
    scale = sign * np.sqrt(s)
    return Decomposition(matrix, s, (u * scale).T, v * scale[:, None])


def classic(name: str, size: int = 3) -> Array:
    """A kernel of `CLASSICS`, size x size; raises KernelError for unknown names and for sizes not odd from 3 to 31."""
    if name not in CLASSICS:
        sentence = _("unknown kernel {name!r}; known: {names}.")
        raise KernelError(sentence.format(name=name, names=", ".join(CLASSICS)))
    if size not in range(3, 32, 2):
        raise KernelError(_("size must be an odd number from 3 to 31, not {size}.").format(size=size))
    return CLASSICS[name](size)


def _numbers(values: ArrayLike) -> Array:
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise KernelError(_("A kernel is a table of numbers with rows of equal length.")) from error
    if array.ndim < 2 or 0 in array.shape:
        raise KernelError(_("A kernel has at least one row and one column."))
    if not np.isfinite(array).all():
        raise KernelError(_("A kernel has finite numbers only."))
    return array


def _errors(singular_values: Array) -> Array:
    """Eckart and Young: the error of rank r is the norm of the singular values from r on."""
    squares = np.zeros((*singular_values.shape[:-1], singular_values.shape[-1] + 1))
    largest = singular_values[..., :1]
    # Relative to the largest, so that tiny or huge kernels neither vanish nor overflow when squared.
    squares[..., :-1] = np.divide(singular_values, largest, out=np.zeros_like(singular_values), where=largest > 0) ** 2
    missed = np.sqrt(squares[..., ::-1].cumsum(axis=-1)[..., ::-1])
    total = missed[..., :1]
    return np.divide(missed, total, out=np.zeros_like(missed), where=total > 0)


def _binomial(size: int) -> Array:
    """Row of Pascal's triangle with `size` entries: 1 2 1, 1 4 6 4 1, ..."""
    row = np.ones(1)
    for _turn in range(size - 1):
        row = np.convolve(row, [1.0, 1.0])
    return row


def _sobel(size: int) -> Array:
    """Slope to the right: smoothing downwards times derivative across; rank 1."""
    return np.outer(_binomial(size), np.convolve(_binomial(size - 2), [-1.0, 0.0, 1.0]))


def _laplace(size: int) -> Array:
    """Sum of the second derivatives down and across, smoothed by binomials beyond 3x3; rank 2."""
    smooth = np.pad(_binomial(size - 2), 1)
    curve = np.convolve(_binomial(size - 2), [1.0, -2.0, 1.0])
    return np.outer(curve, smooth) + np.outer(smooth, curve)


def _gauss(size: int) -> Array:
    """Bell curve that sums to 1, its sigma chosen from the size as OpenCV does; rank 1."""
    bell = _bell(size)
    return np.outer(bell, bell) / bell.sum() ** 2


def _bell(size: int) -> Array:
    sigma = 0.3 * ((size - 1) * 0.5 - 1) + 0.8
    return np.asarray(np.exp(-((np.arange(size) - size // 2) ** 2) / (2 * sigma**2)))


def _box(size: int) -> Array:
    """Mean of the window; rank 1."""
    return np.full((size, size), 1 / size**2)


def _identity(size: int) -> Array:
    """Leaves the picture as it is: 1 in the middle; rank 1."""
    kernel = np.zeros((size, size))
    kernel[size // 2, size // 2] = 1
    return kernel


def _diagonal(size: int) -> Array:
    """Blur along the diagonal: full rank, with equal singular values, so no product comes near it."""
    return np.eye(size) / size


def _gabor(size: int) -> Array:
    """Wave along the diagonal under a bell, one period over the window; rank 2: cos(a + b) = cos·cos - sin·sin."""
    bell, phase = _bell(size), 2 * np.pi / size * (np.arange(size) - size // 2)
    return np.asarray(np.outer(bell, bell) * np.cos(phase[:, None] + phase))


# By names that are translated where they are shown.
CLASSICS: dict[str, Callable[[int], Array]] = {
    N_("sobel"): _sobel,
    N_("gauss"): _gauss,
    N_("box"): _box,
    N_("identity"): _identity,
    N_("laplace"): _laplace,
    N_("gabor"): _gabor,
    N_("diagonal"): _diagonal,
}
