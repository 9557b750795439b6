import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from inception.studies.lowrank import CLASSICS, Array, KernelError, classic, decompose

numbers = st.floats(-1e3, 1e3, allow_subnormal=False)
some_kernels = hnp.arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=numbers)


def norm(matrix: Array) -> float:
    return math.hypot(*matrix.flat)


@settings(deadline=None)
@given(some_kernels)
def test_ranks_are_those_of_numpys_svd(kernel: Array) -> None:
    u, s, v = np.linalg.svd(kernel, full_matrices=False)
    found = decompose(kernel)
    tolerance = 1e-12 * (1 + norm(kernel))
    np.testing.assert_allclose(found.singular_values, s, atol=tolerance)
    for rank in range(len(s) + 1):
        best = u[:, :rank] @ np.diag(s[:rank]) @ v[:rank]
        np.testing.assert_allclose(found.approximation(rank), best, atol=tolerance)
        missed = norm(kernel - best) / norm(kernel) if kernel.any() else 0.0
        assert found.errors[rank] == pytest.approx(missed, abs=1e-9)
    assert found.errors[-1] == 0.0
    assert (np.diff(found.errors) <= 0).all()
    np.testing.assert_allclose(found.outer_products.sum(axis=0), kernel, atol=tolerance)


@settings(deadline=None, max_examples=50)
@given(some_kernels, st.data())
def test_no_other_kernel_of_that_rank_is_closer(kernel: Array, data: st.DataObject) -> None:
    found = decompose(kernel)
    rank = data.draw(st.integers(0, min(kernel.shape)))
    left = data.draw(hnp.arrays(np.float64, (kernel.shape[0], rank), elements=numbers))
    # The best right factor for this left one, by least squares.
    other = left @ np.linalg.lstsq(left, kernel, rcond=None)[0] if rank else np.zeros_like(kernel)
    assert norm(kernel - found.approximation(rank)) <= norm(kernel - other) + 1e-9


@settings(deadline=None, max_examples=25)
@given(some_kernels)
def test_filters_one_after_the_other_give_the_same_picture(kernel: Array) -> None:
    picture = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 1, 12, 13)))
    expected = F.conv2d(picture, torch.from_numpy(kernel)[None, None])
    found = decompose(kernel)
    total = torch.zeros_like(expected)
    for column, row in zip(found.columns, found.rows, strict=True):
        down = F.conv2d(picture, torch.from_numpy(column)[None, None, :, None])
        total += F.conv2d(down, torch.from_numpy(row)[None, None, None, :])
    torch.testing.assert_close(total, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("size", [3, 5, 7, 9, 31])
@pytest.mark.parametrize(
    ("name", "rank"),
    [("sobel", 1), ("gauss", 1), ("box", 1), ("identity", 1), ("laplace", 2), ("gabor", 2), ("diagonal", None)],
)
def test_rank_of_classics(name: str, rank: int | None, size: int) -> None:
    kernel = classic(name, size)
    found = decompose(kernel)
    rank = rank or size
    assert kernel.shape == (size, size)
    assert found.rank == rank
    assert found.errors[rank] < 1e-12
    assert found.errors[rank - 1] > 0.05
    np.testing.assert_allclose(found.approximation(rank), kernel, atol=1e-12 * np.abs(kernel).max())


def test_classics_are_those_of_the_textbooks() -> None:
    assert set(CLASSICS) == {"sobel", "gauss", "box", "identity", "laplace", "gabor", "diagonal"}
    assert classic("sobel").tolist() == [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]
    assert classic("sobel", 5)[2].tolist() == [-6, -12, 0, 12, 6]  # 6 times OpenCV's derivative -1 -2 0 2 1
    assert classic("laplace").tolist() == [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    assert classic("identity").tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    for size in (3, 5, 9):
        assert classic("gauss", size).sum() == pytest.approx(1)
        assert classic("box", size).sum() == pytest.approx(1)
        assert classic("laplace", size).sum() == classic("sobel", size).sum() == 0
    # sigma 0.8 for 3x3 as cv2.getGaussianKernel computes it
    bell = np.exp(-np.array([1, 0, 1]) / (2 * 0.8**2))
    np.testing.assert_allclose(classic("gauss"), np.outer(bell, bell) / bell.sum() ** 2)
    # A larger Laplace is the 3x3 one after smoothing.
    x, y = np.meshgrid(np.arange(5.0), np.arange(5.0))
    assert (classic("laplace", 5) * (x**2 + y**2)).sum() == 16 * (classic("laplace") * (x**2 + y**2)[:3, :3]).sum()


def test_signs_do_not_depend_on_the_library() -> None:
    found = decompose(-classic("sobel"))
    assert found.columns[0].max() == pytest.approx(np.abs(found.columns[0]).max())
    np.testing.assert_allclose(found.rows[0] / found.rows[0][0], [1, 0, -1], atol=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_errors_of_tiny_and_huge_kernels(scale: float) -> None:
    np.testing.assert_allclose(decompose(scale * np.eye(2)).errors, [1, np.sqrt(0.5), 0])


def test_a_kernel_of_zeros_misses_nothing() -> None:
    found = decompose(np.zeros((3, 3)))
    assert found.rank == 0
    assert found.errors.tolist() == [0, 0, 0, 0]
    assert not found.outer_products.any()


@pytest.mark.parametrize(
    "wrong", [[1, 2, 3], [[[1]]], [[np.nan, 1]], [[np.inf]], [[]], [["a"]], [[1, 2], [3]], np.zeros((3, 0)), 5]
)
def test_what_is_no_kernel(wrong: object) -> None:
    with pytest.raises(KernelError, match=r"^A kernel [^.]*\.$"):
        decompose(wrong)  # type: ignore[arg-type]


def test_wrong_names_sizes_and_ranks() -> None:
    with pytest.raises(KernelError, match="unknown kernel 'prewitt'"):
        classic("prewitt")
    for size in (1, 4, 33, -3):
        with pytest.raises(KernelError, match="odd number from 3 to 31"):
            classic("box", size)
    for rank in (-1, 4):
        with pytest.raises(KernelError, match="from 0 to 3"):
            decompose(np.eye(3)).approximation(rank)
