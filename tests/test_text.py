"""What readers look for in lists of names."""

from inception.text import and_list, found_names, macs_text, or_list, running_text, text_width, wrapped
from inception.weights.labels import class_labels
from inception.words import speaking


def test_whole_words_come_first() -> None:
    names = ["caterpillar", "education", "Siamese cat", "dog", "cat", "cat-flap", "CAT"]
    assert [names[place] for place in found_names("cat", names)] == [
        *("Siamese cat", "cat", "cat-flap", "CAT"),
        *("caterpillar", "education"),
    ]
    assert found_names("  ", names) == list(range(len(names))), "without a word everything, in its order"
    assert [names[place] for place in found_names("cat siam", names)] == ["Siamese cat"], "all the words, in any order"
    assert found_names("c.t", names) == []


def test_among_imagenets_classes() -> None:
    labels = class_labels(1000)
    found = [labels[place] for place in found_names("cat", labels)]
    whole = [name for name in found if "cat" in name.replace(",", " ").split()]
    assert "Siamese cat" in found[: len(whole)][0] or any("Siamese cat" in name for name in found[: len(whole)])
    assert found[: len(whole)] == whole
    assert any(name.startswith("catamaran") for name in found[len(whole) :])


def test_lists_and_sentences_follow_the_language() -> None:
    assert [and_list(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert [or_list(items) for items in ([], ["a"], ["a", "b", "c"])] == ["", "a", "a, b or c"]
    assert running_text("One.", "Two.") == "One. Two."
    with speaking("zh_CN"):
        assert and_list(["a", "b", "c"]) == "a、b、c"
        assert running_text("一。", "二。") == "一。二。"
    assert running_text("“无”。 在 v1 和 二 中、 三") == "“无”。在 v1 和二中、三"


def test_chinese_lines_part_between_characters_and_not_before_a_stop() -> None:
    text = "Reduction-A（17x17）有参数量的 37.1%，最多。"
    assert wrapped(text, 100) == [text]
    for width in range(14, 40):
        lines = wrapped(text, width)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(text_width(line) <= width for line in lines)
        assert not any(line[0] in "）。，" or line[-1] == "（" for line in lines)
    assert wrapped("two words of English", 9) == ["two words", "of", "English"]


def test_few_multiply_accumulates_are_not_0() -> None:
    assert macs_text(12_253_974_624) == "12.254 GMACs"
    assert macs_text(58_376) == "58,376 MACs"
