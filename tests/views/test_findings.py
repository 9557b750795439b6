"""The findings of pages are the networks' own numbers."""

import inception
from inception import words
from inception.studies.pairs import pairs_finding
from inception.views.family import FAMILY, family_dot, family_table
from inception.views.findings import (
    costliest_branch,
    costliest_stage,
    dropped_pixels,
    folded_blocks,
    largest_and_smallest,
    numbers_left,
    seen_by,
)

V4 = inception.trace("inception_v4")


def test_what_pairs_save_is_what_the_literature_gives() -> None:
    """15,188,992 weights against 55,494,656 as square kernels."""
    assert pairs_finding(V4).startswith("**23 pairs of 1x7 and 7x1 save 40.3 of 55.5 million weights**: 3.65 times")


def test_findings_follow_the_network() -> None:
    assert "12.3 billion" in costliest_stage(V4)
    assert "Inception-B ×7 takes" in costliest_stage(V4)
    narrow = inception.trace("inception_v4", 299, width=0.25)
    assert f"of the {narrow.macs / 1e6:.1f} million multiply-accumulates" in costliest_stage(narrow)
    last = [layer for layer in V4.layers if layer.block == "Mixed_7d"][-1]
    assert (
        seen_by(V4, last) == "**A cell here sees 2,071 pixels across**, 6.9 times the side of the picture, 299x299 px."
    )
    assert seen_by(V4, V4.layers[0]).endswith("At the end of the network a cell sees 2,071, 6.9 times that side.")
    block = [layer for layer in V4.layers if layer.block == "Mixed_5b"]
    work = {name: sum(one.macs for one in block if one.branch == name) for name in ("Branch_0", "Branch_1", "Branch_2")}
    assert max(work, key=lambda name: work[name]) == "Branch_2"
    share = work["Branch_2"] / sum(one.macs for one in block)
    assert f"**two 3x3 after 1x1 takes most: {share:.0%} of the" in costliest_branch(block)
    assert costliest_branch(V4.layers[:3]) == "", "no branches"
    assert "**none of the 168 " in dropped_pixels(V4), "299 was chosen so that all windows fit"
    larger = inception.trace("inception_v4", 304)
    assert f"**{(larger.table()['dropped'] != '').sum()} of 168 " in dropped_pixels(larger)
    assert f"repeats them to {len(V4.layers)}" in folded_blocks(V4)
    assert numbers_left(V4, last).endswith("**98,304 here, 2.7 times fewer**.")
    assert numbers_left(V4, V4.layers[0]).endswith("**710,432 here, 2.6 times as many**.")
    assert "42.7 million" in largest_and_smallest([V4, inception.trace("inception_v3")])
    with words.speaking("zh_CN"):
        assert "40.3M" in pairs_finding(V4)


def test_the_family_shows_its_sizes_and_who_came_from_whom() -> None:
    dot = family_dot({"inception_v4": V4})
    assert "42.7 million parameters, 196 layers" in dot
    assert '"Inception-v3" -> "Inception-ResNet-v1"' in dot
    table = family_table({"inception_v4": V4}).set_index("network")
    assert table.loc["Inception-ResNet-v1", "after"] == "Inception-v3, ResNet"
    assert table.loc["Inception-v4", "params"] == V4.params
    assert table["params"].notna().sum() == 1, "of what was not traced there is no number"
    assert {member.graph for member in FAMILY} - {""} <= set(inception.list_models())
    names = [member.name for member in FAMILY]
    for member in FAMILY:
        assert set(member.parents) <= set(names[: names.index(member.name)]), "parents stand before their children"
