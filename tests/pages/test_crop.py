"""Which part of a picture the network gets: the same on all pages on it; and uploads that find no room."""

import io
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from inception.paths import ROOT
from inception.runtime.crop import Crop, Fit
from inception.runtime.image import MAX_BYTES
from pages.parts import pictures
from pages.parts.subject import Subject

from .conftest import open_at
from .test_live import healthy, open_page, picture

PAGES = ("live", "inside", "looks", "cell", "speed")


def van() -> bytes:
    """A car from its side, 220x66 pixels: its middle alone shows no car."""
    file = io.BytesIO()
    with Image.open(ROOT / "assets" / "photographs" / "automobile" / "minivan.jpg") as photograph:
        photograph.crop((47, 62, 267, 128)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def crops(monkeypatch: pytest.MonkeyPatch) -> list[Crop]:
    """The crop of everything that a page looks at, which the network gets so cropped."""
    used: list[Crop] = []
    made = Subject.__init__

    def noted(self: Subject, *fields: Any) -> None:
        made(self, *fields)
        used.append(self.crop)
        assert self.prepared == self.network.prepare(self.picture, self.graph.input_size, self.crop)

    monkeypatch.setattr(Subject, "__init__", noted)
    return used


def upload(app: AppTest, *files: tuple[str, bytes]) -> None:
    uploader = next(box for box in app.file_uploader if box.label == "Your pictures")
    healthy(uploader.set_value([(name, data, "image/png") for name, data in files]).run())


def names(app: AppTest) -> list[str]:
    """Of the reader's pictures, the latest first."""
    options: Sequence[str] = next(box for box in app.selectbox if box.label == "Picture").options
    return [name.removeprefix("your picture: ") for name in options if name.startswith("your picture: ")]


def warnings(app: AppTest) -> str:
    return "\n".join(warning.value for warning in app.warning)


def test_a_long_car_is_one_when_it_is_padded(app: AppTest) -> None:
    healthy(open_at(app, "live", model="inception_v4"))
    upload(app, ("van.png", van()))
    assert not any(heading.value.startswith("automobile") for heading in app.subheader)
    assert "**Most of the picture is cut off**: the network gets its centre only, 30% of it." in warnings(app)
    assert any("**1. Cut.** The picture has 220 x 66 pixels." in text.value for text in app.markdown)
    healthy(next(button for button in app.button if button.label == "Pad it").click().run())
    assert app.subheader[0].value.startswith("automobile, 9")
    assert any(text.value.startswith("It can only choose among 10 classes") for text in app.markdown)
    assert "cut off" not in warnings(app)
    assert any("**1. Pad.** The picture has 220 x 66 pixels." in text.value for text in app.markdown)
    healthy(app.segmented_control(key="fit").set_value(Fit.SQUASH).run())
    assert any("things look 0.30 times as wide" in text.value for text in app.markdown)


@pytest.mark.parametrize(("link", "said"), [("squash", "**1. Squash.**"), ("nonsense", "**1. Cut.**")])
def test_a_link_says_how_the_picture_is_fitted(app: AppTest, link: str, said: str) -> None:
    healthy(open_at(app, "live", model="inception_v4", picture="koala", fit=link))
    assert any(said in text.value for text in app.markdown)


def test_how_it_is_fitted_and_its_box_hold_on_all_pages(
    no_bundled_weights: None, app: AppTest, crops: list[Crop]
) -> None:
    # Under AppTest the first change of the page loses what was clicked; a browser keeps it.
    app.session_state["fit"], app.session_state["part"] = Fit.SQUASH, True
    open_page(app, "live", "inception_v4", "75")
    data = picture("red")
    upload(app, ("red.png", data))
    healthy(app.slider(key=f"box_{hash(data)}_across").set_value((20, 90)).run())
    assert any("a box of 70 x 90 pixels" in text.value for text in app.markdown)
    for page in PAGES:
        crops.clear()
        healthy(app.switch_page(f"pages/{page}.py").run())
        assert crops[0] == Crop((20, 0, 90, 90), Fit.SQUASH), page
        assert app.segmented_control(key="fit").value == Fit.SQUASH
    crops.clear()
    healthy(next(box for box in app.selectbox if box.label == "Picture").set_value("koala").run())
    assert set(crops) == {Crop(fit=Fit.SQUASH)}, "the box is of the other picture"
    healthy(app.selectbox(key="picture").set_value("your picture: red.png").run())
    assert crops[-1].box == (20, 0, 90, 90)
    healthy(next(button for button in app.button if button.label == "All of it again").click().run())
    assert crops[-1].box is None


def test_sliders_that_cross_leave_a_box(no_bundled_weights: None, app: AppTest, crops: list[Crop]) -> None:
    open_page(app, "cell", "inception_v4", "75")
    data = next(path for path in [pictures.SAMPLES["koala"]]).path.read_bytes()
    healthy(app.selectbox(key="picture").set_value("koala").run())
    healthy(app.toggle(key="part").set_value(True).run())
    with Image.open(io.BytesIO(data)) as koala:
        width, height = koala.size
    healthy(app.slider(key=f"box_{hash(data)}_down").set_value((height, height)).run())
    assert crops[-1].box == (0, height - 8, width, height)


def test_pictures_too_small_for_a_box(no_bundled_weights: None, app: AppTest) -> None:
    open_page(app, "live", "inception_v4", "75")
    file = io.BytesIO()
    Image.new("RGB", (8, 300)).save(file, "PNG")
    healthy(app.toggle(key="part").set_value(True).run())
    upload(app, ("thin.png", file.getvalue()))
    assert app.toggle(key="part").disabled


def test_25_uploads_are_all_kept(no_bundled_weights: None, app: AppTest) -> None:
    open_page(app, "cell", "inception_v4", "75")
    upload(app, *((f"{number}.png", picture(f"rgb({number}, 0, 0)")) for number in range(25)))
    assert names(app) == [f"{number}.png" for number in reversed(range(25))]
    assert "pictures are here" not in warnings(app)
    healthy(next(button for button in app.button if button.label == "Forget my pictures").click().run())
    assert names(app) == []


def test_what_finds_no_room_is_said(no_bundled_weights: None, app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST", 4)
    open_page(app, "cell", "inception_v4", "75")
    upload(app, *((f"{number}.png", picture(f"rgb({number}, 0, 0)")) for number in range(9)), ("no.png", b"words"))
    assert names(app) == ["3.png", "2.png", "1.png", "0.png"]
    assert "**4 of 10 pictures are here.** A session keeps up to 4 pictures and 160 MB" in warnings(app)
    said = warnings(app).replace("\\", "")  # which keep a name from being read as Markdown
    assert "no room for 4.png, 5.png, 6.png and 3 more. Upload those by themselves" in said
    upload(app, ("9.png", picture("blue")))
    assert names(app) == ["9.png", "3.png", "2.png", "1.png"]
    assert warnings(app).replace("\\", "").count("the oldest had to go: 0.png.") == 1
    assert "pictures are here" not in warnings(app)


def test_room_is_counted_in_bytes(no_bundled_weights: None, app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCEPTION_UPLOADS", f"{MAX_BYTES}B")
    open_page(app, "cell", "inception_v4", "75")
    large = [(f"{color}.png", picture(color) + bytes(MAX_BYTES * 2 // 5)) for color in ("red", "green", "blue")]
    upload(app, *large)
    assert names(app) == ["green.png", "red.png"]
    assert "**2 of 3 pictures are here.** A session keeps up to 100 pictures and 20 MB, so there was no room for " in (
        warnings(app)
    )
    upload(app, *large[2:])
    assert names(app) == ["blue.png", "green.png"]


def test_classes_are_found_by_whole_words_first(no_bundled_weights: None, app: AppTest) -> None:
    open_page(app, "live", "inception_v4", "75")
    healthy(next(field for field in app.text_input if field.label == "Search").set_value("cat").run())
    table = next(frame.value for frame in app.dataframe if "probability" in frame.value.columns)
    whole = table["label"].str.contains(r"\bcat\b", case=False).tolist()
    assert whole == sorted(whole, reverse=True)
    assert 2 < sum(whole) < len(whole)
    healthy(app.switch_page("pages/looks.py").run())
    healthy(app.text_input(key="class_words").set_value("catamaran").run())
    target = next(box for box in app.selectbox if box.label == "Class")
    assert [name.split(" (")[0] for name in target.options] == ["catamaran"]
    healthy(app.text_input(key="class_words").set_value("no such thing").run())
    assert any("No class of this network has" in caption.value for caption in app.caption)
    assert len(next(box for box in app.selectbox if box.label == "Class").options) == 1000
