"""The teacher's link."""

import pytest

from pages.parts.presenter import class_link, is_local


def test_the_link_says_the_state_and_what_is_hidden() -> None:
    query = {"model": "inception_resnet_v2", "hide": "menu", "present": "true", "search": "a b"}
    link = class_link("https://class.example:8501/layers?old=1#part", query, ["network", "size"], "embed")
    assert link == (
        "https://class.example:8501/layers?model=inception_resnet_v2&search=a+b&hide=network,size&embed=true"
    )
    assert class_link("http://a/layers", {"present": "true"}) == "http://a/layers"


@pytest.mark.parametrize(
    ("link", "local"), [("http://localhost:8501/a", True), ("http://[::1]/", True), ("http://lab-pc:8501/", False)]
)
def test_a_link_that_only_this_computer_can_open_is_known(link: str, local: bool) -> None:
    assert is_local(link) is local
