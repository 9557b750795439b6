"""The live part of the training race: two small networks that train before one's eyes."""

import time
from contextlib import closing
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import inception
from inception.runtime.turns import BusyError
from inception.text import running_text, shape_text
from inception.training.race import COMPETITORS, TITLES
from inception.training.twins import LEARNING_RATE, MAX_STEPS, SIZE, FixedCrops, History, Setting, Training, twin_of
from inception.vision.photographs import OTHER, labelled
from inception.words import N_, _
from pages.figures import common as figures
from pages.figures import race as race_figures
from pages.figures.race import percent
from pages.parts import address, choices
from pages.parts.journal import note_refusal
from pages.parts.queue import told

CROPS = 1000
LEARNING_RATES = [0.005, 0.01, 0.02, LEARNING_RATE, 0.1, 0.2, 0.5]
SMOOTH = 20  # steps over which the curves are averaged
PAUSE = 0.3  # seconds between two drawings
START, PAUSED, GO_ON, STOP = N_("Start"), N_("Pause"), N_("Go on"), N_("Stop race")  # the buttons


def crops() -> FixedCrops:
    """What the live race learns; all sessions share it."""
    with st.spinner(_("Cutting crops out of the photographs…")):
        return _crops()


@st.cache_resource(show_spinner=False)
def _crops() -> FixedCrops:
    known = {path: label for path, label in labelled().items() if label != OTHER}
    return FixedCrops([(inception.load_image(path), label) for path, label in known.items()], CROPS)


@dataclass
class Live:
    """A live race: its competitors, its curves, the training while it can go on, and why it could not, if so."""

    competitors: tuple[str, str]
    history: History
    running: bool = True
    training: Training | None = None
    done: bool = False
    error: str = ""

    def stop(self) -> None:
        """Ends the race; its curves stay."""
        self.running, self.done, self.training = False, True, None

    def pause(self, paused: bool) -> None:
        """Pauses the race, or lets it go on."""
        self.running, self.error = not paused, ""


def wish(button: str) -> None:
    """Notes which button was pressed, for when the race is not being trained."""
    st.session_state["race_wish"] = button


def wished(competitors: tuple[str, str], rate: float, steps: int, seed: int) -> Live | None:
    """The race of this session after what the last button asked for; Start goes by what the controls say now."""
    here: Live | None = st.session_state.get("race_live")
    button = st.session_state.pop("race_wish", None)
    if button == START:
        first, second = (twin_of(COMPETITORS[key]) for key in competitors)
        here = Live(competitors, History(Setting((first, second), rate, steps=steps, seed=seed)))
        st.session_state["race_live"] = here
    elif here and button == STOP:
        here.stop()
    elif here and button:
        here.pause(button == PAUSED)
    return here


def network_box(name: str, label: str, keys: list[str], default: str) -> str:
    """A choice of a competitor under a marked label, kept in the session while it is among the keys."""
    address.choice(name, keys, default if default in keys else keys[0])
    return st.selectbox(_(label), keys, format_func=lambda key: _(TITLES[key]), key=name)


def buttons(here: Live | None) -> None:
    """Start, pause, go on and stop: always all four, because one that came or went would move the others."""
    can_go_on = here is not None and not here.done
    running = here is not None and here.running
    with st.container(horizontal=True):
        for button, icon, usable in (
            (START, "play_arrow", True),
            (PAUSED, "pause", running),
            (GO_ON, "resume", can_go_on and not running),
            (STOP, "stop", can_go_on),
        ):
            st.button(
                _(button),
                type="primary" if button == START else "secondary",
                icon=f":material/{icon}:",
                disabled=not usable,
                on_click=wish,
                args=(button,),
            )


def live_view() -> None:
    """Two small networks that train before one's eyes."""
    controls, result = st.columns([1, 3], gap="large")
    with controls:
        keys = list(COMPETITORS)
        first = network_box("first", N_("First network"), keys, "v2")
        second = network_box("second", N_("Second network"), [key for key in keys if key != first], "v2_cut")
        rate = st.select_slider(
            _("Learning rate"),
            LEARNING_RATES,
            key=address.choice("rate", LEARNING_RATES, LEARNING_RATE, key="race_rate"),
        )
        seed = st.number_input(
            _("Seed"),
            0,
            10_000,
            help=_("Of the first weights and the order of the crops"),
            key=address.number("seed", 0, 10_000, 0, key="race_seed"),
        )
        key = address.number("steps", 50, MAX_STEPS, 200, key="race_steps")
        steps = st.slider(_("Steps"), 50, MAX_STEPS, step=50, key=key)
    with result, choices.one_run_at_a_time("race"):
        here = wished((first, second), rate, steps, seed)
        buttons(here)
        status, drawing, numbers = st.empty(), st.empty(), st.container()
        st.markdown(
            _(
                "The networks are those of the measured race, without dropout and at the smallest size they take. The "
                "recipe is the paper's (section 4: RMSProp with decay 0.9, epsilon 1.0 and a learning rate of 0.045). "
                "The networks learn which of {classes} things a crop shows. All crops are cut out of {photographs} "
                "photographs, and the networks are judged on the crops they learn from. So this shows how soon a "
                "network fits what it sees, not how well it knows what it has not seen. One seed is one draw: try "
                "other seeds before you believe a small difference."
            ).format(classes=crops().classes, photographs=crops().pictures)
        )
        if here is None:
            drawing.info(
                _(
                    "**Start** trains {first} and {second} side by side on the same {crops:,} crops of this project's "
                    "photographs, in the same order. It takes about a minute."
                ).format(first=_(TITLES[first]), second=_(TITLES[second]), crops=CROPS),
                icon=":material/play_circle:",
            )
            return
        if here.error:
            drawing.error(here.error, icon=":material/error:")
            return
        draw(here, drawing)
        if here.running:
            go_on(here, status, drawing)
        status.caption(state_of(here))
        with numbers:
            live_result(here)


def go_on(here: Live, status: DeltaGenerator, drawing: DeltaGenerator) -> None:
    """Trains until the end, or until any control, a closed tab or another page ends the script at the next drawing."""
    drawn: float | None = None  # when; not before it has its turn
    try:
        here.training = here.training or Training(here.history.setting, crops())
        with closing(here.training.steps(told(status))) as training:
            for steps in training:
                for step in steps:  # first, because a click ends the script where it draws, and these are taken
                    here.history.add(step)
                if drawn is None:
                    status.caption(_("Training…"))
                    drawn = time.monotonic()
                if time.monotonic() > drawn + PAUSE:
                    draw(here, drawing)
                    drawn = time.monotonic()
        if here.training.done:
            here.stop()
    except BusyError as error:
        note_refusal(error)
        here.error = str(error)
    here.running = False
    st.rerun()  # the buttons above are other ones now


def draw(here: Live, drawing: DeltaGenerator) -> None:
    """The curves so far."""
    setting, chance = here.history.setting, 1 / crops().classes
    figure = race_figures.live_figure(here.history.smooth(SMOOTH), here.competitors, setting.steps, chance)
    drawing.plotly_chart(figure, config=figures.PLAIN)


def state_of(here: Live) -> str:
    """How far the race is, and what it is."""
    setting = here.history.setting
    if here.history.steps == setting.steps:
        state = _("Done after {done} of {steps} steps.")
    elif here.done:
        state = _("Stopped after {done} of {steps} steps.")
    else:
        state = _("Paused after {done} of {steps} steps.")
    meaning = _(
        "Each step takes {pictures} of {crops:,} crops of {size} px; learning rate {rate:g}, seed {seed}. Curves are "
        "means of the last {smooth} steps; the dotted line is guessing."
    ).format(
        pictures=setting.pictures,
        crops=CROPS,
        size=shape_text(SIZE),
        rate=setting.learning_rate,
        seed=setting.seed,
        smooth=SMOOTH,
    )
    return running_text(state.format(done=here.history.steps, steps=setting.steps), meaning)


def live_result(here: Live) -> None:
    """Where the two are."""
    latest = here.history.smooth(SMOOTH).groupby("twin").last()
    for column, (twin, row) in zip(st.columns(2), latest.iterrows(), strict=False):
        column.metric(
            _("{network}, last {steps} steps").format(
                network=_(TITLES[here.competitors[int(str(twin))]]), steps=SMOOTH
            ),
            percent(row["accuracy"]),
            _("loss {value:.2f}").format(value=row["loss"]),
            delta_color="off",
            delta_arrow="off",
        )
