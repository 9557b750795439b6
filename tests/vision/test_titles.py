"""Names of classes and pictures in the reader's language."""

from inception import words
from inception.training.cifar10 import CLASSES as TRAINED
from inception.vision.photographs import labelled
from inception.vision.samples import samples
from inception.vision.titles import CLASSES, PICTURES, class_title, picture_title


def test_every_class_and_picture_has_a_title() -> None:
    assert CLASSES == TRAINED
    names = {*samples(), *(path.stem for path in labelled())}
    assert {name.replace("_", " ") for name in names} == set(PICTURES)
    assert [picture_title(name) for name in ("brown_frog", "red_panda")] == ["brown frog", "red panda"]


def test_titles_in_chinese() -> None:
    with words.speaking("zh_CN"):
        assert class_title("truck") == "卡车"
        assert class_title("tabby") == "tabby", "ImageNet's classes keep their names"
        assert samples()["brown_frog"].title == "棕色青蛙"
        titles = [sample.title for sample in samples().values()]
        assert len(set(titles)) == len(titles), "the address and the list tell them apart by it"
