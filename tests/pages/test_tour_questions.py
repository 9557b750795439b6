"""The questions of the tour: one right answer each, a reason for every wrong one, and all of it from the networks."""

from typing import Any

import pytest

import inception
from inception import words
from inception.vision.inside import inside_block
from pages.parts import tour_networks
from pages.parts.subject import graph_of_network
from pages.parts.tour_answers import QUESTIONS
from pages.parts.tour_question import AnswerError, Choice, Number, Place, place_text


def test_every_question_has_one_truth_and_a_reason_for_each_other_answer() -> None:
    for question in QUESTIONS.values():
        asked = question.ask()
        assert asked.kind == question.kind
        assert asked.prompt
        assert asked.says
        if isinstance(asked, Choice):
            judged = {option.id: asked.judge(option.id) for option in asked.options}
            assert [id for id, found in judged.items() if found.right] == [asked.truth], question.id
            assert len({found.why for found in judged.values()}) == len(judged) >= 3, "each has a sentence of its own"
            assert len({option.text for option in asked.options}) == len(asked.options)
        elif isinstance(asked, Number):
            assert asked.judge(f"{asked.truth:g}").right
            wrong = [asked.judge(f"{mistake.value:g}") for mistake in asked.mistakes]
            assert not any(found.right for found in wrong)
            assert len({found.why for found in wrong}) == len(wrong) >= 3
        else:
            assert isinstance(asked, Place)
            judged_places = [asked.judge(place_text(x / 20, y / 20)) for x in range(20) for y in range(20)]
            assert 0.1 < sum(found.right for found in judged_places) / len(judged_places) < 0.3, "a fifth is right"


def test_the_truths_are_those_of_the_paper_and_of_other_programs() -> None:
    truths = {
        id: QUESTIONS[id].ask() for id in ("work", "grid", "bottleneck", "pair", "reduction", "field", "versions")
    }
    assert "12.3 billion" in truths["work"].says
    assert truths["grid"].judge("149").right
    assert "4.15 times" in truths["bottleneck"].says, "384·96·9 / (384·64 + 64·96·9)"
    assert isinstance(truths["bottleneck"], Choice)
    assert [option.text for option in truths["bottleneck"].options] == ["1.5 times", "2 times", "4.2 times", "9 times"]
    assert truths["pair"].judge("3.65").right, "55,494,656 / 15,188,992"
    assert truths["pair"].judge("3.5").right, "near enough"
    assert not truths["pair"].judge("7").right
    assert "384x35x35 to 1024x17x17" in truths["reduction"].says
    assert "2,071 pixels" in truths["field"].says
    assert "32.4 million" in truths["versions"].says
    assert "59.4 million" in truths["versions"].says


def test_what_the_branches_add_is_what_through_the_network_shows() -> None:
    network = tour_networks.instrument().network
    graph = graph_of_network(network)
    prepared = network.prepare(tour_networks.sample_image(), graph.input_size)
    found = inside_block(network, prepared, graph, "Block35_1").residual
    assert found is not None
    assert tour_networks.sums_of_sample()["ratio"].iloc[0] == pytest.approx(found.ratio, rel=1e-3)


def test_another_network_has_other_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = ("work", "branches", "bottleneck", "pair", "reduction", "field")
    before = {id: QUESTIONS[id].ask() for id in ids}
    traced: dict[Any, inception.LayerGraph] = {}

    def narrow(name: str = "inception_v4", side: int | None = None) -> inception.LayerGraph:
        key = name, side
        return traced.setdefault(key, inception.trace(name, side or 203, width=0.5, repeats=(2, 2, 1)))

    monkeypatch.setattr(tour_networks, "graph", narrow)
    after = {id: QUESTIONS[id].ask() for id in ids}
    for id in ids:
        assert repr(after[id]) != repr(before[id]), id


@pytest.mark.parametrize(("id", "answer"), [("work", "all"), ("grid", "many"), ("grid", "inf"), ("look", "12")])
def test_what_is_no_answer_is_one_sentence(id: str, answer: str) -> None:
    with pytest.raises(AnswerError, match="is no answer"):
        QUESTIONS[id].ask().judge(answer)


def test_questions_are_asked_in_the_language_of_the_reader() -> None:
    with words.speaking("zh_CN"):
        asked = QUESTIONS["field"].ask()
    assert isinstance(asked, Choice)
    assert "像素" in asked.prompt
    english = QUESTIONS["field"].ask()
    assert isinstance(english, Choice)
    assert [option.id for option in asked.options] == [option.id for option in english.options]
