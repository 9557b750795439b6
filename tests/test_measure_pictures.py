"""The command that measures all tables of pictures: what it says where a part fails."""

import pytest

from tools.measure_pictures import Parts
from tools.packages import PackageError


def failing() -> None:
    with Parts() as parts:
        parts.begin("the samples")
        parts.begin("the maps")
        raise PackageError("It is not here.")


def test_a_part_that_fails_says_which_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^Failed at the maps: It is not here\."):
        failing()
    assert capsys.readouterr().err.splitlines() == ["… the samples", "… the maps"]
