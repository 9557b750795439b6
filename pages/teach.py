"""Teach it: can the network learn your own things from five pictures each?"""

from dataclasses import replace

import pandas as pd
import streamlit as st

from inception.runtime.image import MAX_BYTES
from inception.runtime.turns import BusyError, OutOfMemory
from inception.text import and_list, running_text
from inception.training.features import VIEWS
from inception.training.head import DRAWS, CurvePoint, Head, HeadError, HeadTraining, Share, learning_curve
from inception.training.head_file import MOST_BYTES, Origin, read_head, write_head
from inception.weights.choice import UNTRAINED
from inception.words import N_, _, ngettext
from pages.figures import common as figures
from pages.figures import teach as teach_figures
from pages.parts import address, choices, frame, tables
from pages.parts.crop_picker import choose_fit
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.journal import note_refusal
from pages.parts.kept import kept
from pages.parts.pictures import SHOT, arrived, release
from pages.parts.streamlit_words import say_limit
from pages.parts.subject import graph_of_network
from pages.parts.teach_lesson import (
    Lesson,
    Source,
    buttons,
    examples,
    forget_lesson,
    lesson_here,
    show_lesson,
)
from pages.parts.teach_pictures import (
    Taught,
    class_cards,
    classes,
    clean,
    forget_pictures,
    keep_over_reload,
    new_pictures,
    sample_new,
    shown_title,
    take,
)
from pages.parts.trust import confusion_heatmap
from pages.parts.weights_chooser import choose_weights, network_with

ALL = N_("all")


def controls() -> tuple[Source, int]:
    """Which network looks at the pictures, and what is learnt of them."""
    with st.container(key="chosen_weights"):
        weights = choose_weights(choices.chosen_variant().name)
    network = network_with(choices.chosen_variant().name, weights)
    graph = graph_of_network(network)
    fit = choose_fit()
    varied = st.toggle(
        _("Varied views"),
        key=address.switch("varied", key="teach_varied"),
        help=_(
            "Whether it learns from the mirror image and the four corners of each picture too: {views} views, and as "
            "many times the work. With five photographs of each class and the networks that come with this project it "
            "was worth 2 to 4 points."
        ).format(views=VIEWS),
    )
    least = min((len(one.pictures) for one in classes()), default=0)
    options = [ALL, *range(1, least)]
    most = st.selectbox(
        _("Learn from, of each class"),
        options,
        format_func={option: _(ALL) if option == ALL else str(option) for option in options}.__getitem__,
        key=address.choice("most", options, key="teach_most"),
        help=_(
            "With {all}, every picture is left out once, and a head that learnt from the others is asked about it. "
            "With fewer, one head learns from the first ones and is asked about the rest."
        ).format(all=_(ALL)),
    )
    return Source(network, graph.input_size, varied, fit), 0 if most == ALL else int(most)


def forget_all() -> None:
    """Drops pictures, features, heads."""
    forget_pictures()
    forget_lesson()


def privacy() -> None:
    """What becomes of the pictures, and the button that ends it."""
    st.button(_("Forget all"), icon=":material/delete:", on_click=forget_all, width="stretch")
    prose(
        _(
            ":material/lock: Small copies of your pictures, their features and the head stay in the server's memory, "
            "which never writes them to disk and shows them to nobody else. Features and head go with the page. The "
            "copies stay for this browser for an hour at most, so that a reload does not lose them. *Forget all* drops "
            "everything at once."
        ),
        small=True,
    )


def percent(share: float) -> str:
    """47 %, which no line ends within."""
    return f"{share:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def what_came_out(here: Lesson, chance: float) -> None:
    """How good the head is, on pictures that it did not learn from, and how little that may prove."""
    share, last = here.training.share(), here.steps[-1]
    st.metric(
        _("Right, of the pictures that were left out"),
        _("{part:,} of {whole:,}").format(part=share.right, whole=share.pictures) if share.pictures else "–",
        percent(share.value) if share.pictures else _("no picture can be spared: bring two of each class at least"),
        delta_color="off",
        delta_arrow="off",
        help=_("Each was judged by a head that did not learn from it."),
    )
    st.metric(
        _("Right, of those that it learnt from"),
        percent(last.accuracy),
        _("learnt by heart: says nothing"),
        delta_color="off",
        delta_arrow="off",
        help=_("A head has more numbers than there are pictures, so it can learn any pictures by heart."),
    )
    if share.pictures:
        st.markdown(verdict(share, chance))


def learnt(share: Share, chance: float) -> str:
    """The finding: how many pictures the head names that it did not learn from, against guessing."""
    if not share.pictures:
        return _("Left-out pictures named rightly: –. It takes two pictures of each class at least to leave some out.")
    sentence = _("**{right} of {pictures} left-out pictures are named rightly**, {ratio:.1f} times what guessing gets.")
    return sentence.format(right=share.right, pictures=share.pictures, ratio=share.value / chance)


def verdict(share: Share, chance: float) -> str:
    """What the left-out pictures say about others like them."""
    low, high = share.interval
    found = _(
        "**{right} of {pictures} speaks for anything from {low} to {high}** of pictures like these (95 % interval, "
        "Wilson 1927)."
    ).format(right=share.right, pictures=share.pictures, low=percent(low), high=percent(high))
    if low > chance:
        guessing = _("Guessing gets {chance}, so this is most likely better than guessing; by how much stays open.")
    else:
        guessing = _("Guessing gets {chance}, so this does not even rule out guessing.")
    more = _("More pictures, of other days and places, would tell.")
    return running_text(found, guessing.format(chance=percent(chance)), more)


def load_head(key: str) -> None:
    """Takes a head in, or says in a sentence why not."""
    for file in arrived(key):
        st.session_state.pop("teach_loaded", None)
        st.session_state["teach_refused"] = ""
        try:
            head, origin = read_head(file.getvalue())
        except HeadError as error:
            st.session_state["teach_refused"] = refusal(clean(file.name), error)
        else:
            named = replace(head, names=tuple(clean(name) for name in head.names))
            st.session_state["teach_loaded"] = clean(file.name), named, origin
        release(file)
        st.session_state["teach_heads"] = st.session_state.get("teach_heads", 0) + 1


def refusal(file: str, error: HeadError) -> str:
    """Why the head in a file cannot be used."""
    return running_text(_("{file}: {error}").format(file=file, error=error), _("It was not loaded."))


def drop_loaded() -> None:
    """Goes back to the head that was trained here."""
    st.session_state.pop("teach_loaded", None)


def loaded_head(source: Source) -> Head | None:
    """The head that the reader brought, where it fits what is chosen; else a sentence says why not."""
    if loaded := st.session_state.get("teach_loaded"):
        name, head, origin = loaded
        try:
            origin.check(Origin.of(source.network, source.size, source.fit))
        except HeadError as error:  # kept all the same, for whoever only tries another setting
            when = _("It judges as soon as what it fits is chosen.")
            st.error(running_text(_("{file}: {error}").format(file=name, error=error), when), icon=":material/error:")
        else:
            st.info(
                _("The head from **{file}** judges now. It knows {classes}.").format(
                    file=name, classes=and_list(head.names)
                ),
                icon=":material/upload_file:",
            )
            st.button(_("Back to the head trained here"), icon=":material/undo:", on_click=drop_loaded)
            return head
    if refused := st.session_state.get("teach_refused"):
        st.error(refused, icon=":material/error:")
    return None


def files(source: Source, here: Lesson | None, names: tuple[str, ...]) -> None:
    """The head as a file, out and in."""
    with st.container(horizontal=True):
        if here is not None and not here.running:
            share = here.training.share()
            sentence = _("{right} of {pictures} left-out pictures right")
            measured = sentence.format(right=share.right, pictures=share.pictures)
            head, origin = here.head(names), Origin.of(source.network, source.size, source.fit)
            tables.download_button(
                _("Download the head"),
                lambda: write_head(head, origin, measured),
                f"{source.network.name}.head.safetensors",
                key="teach_download",
            )
        with st.popover(_("Load a head"), icon=":material/upload_file:"):
            key = f"teach_head_{st.session_state.get('teach_heads', 0)}"
            say_limit(key, MOST_BYTES >> 20)
            st.file_uploader(
                _("A head from this page"), key=key, on_change=load_head, args=(key,), max_upload_size=MOST_BYTES >> 20
            )
            st.caption(_("It fits the network and weights with whose features it was trained, and no others."))


def judge(source: Source, head: Head) -> None:
    """What the head says of a picture that it did not learn from."""
    st.subheader(_("What does it say of a new picture?"))
    left, right = st.columns(2, gap="large")
    with left:
        key = f"teach_new_{st.session_state.get('teach_widget', 0)}"
        say_limit(key, MAX_BYTES >> 20)
        st.file_uploader(
            _("New pictures"),
            accept_multiple_files=True,
            key=key,
            on_change=take,
            args=(key, None),
            max_upload_size=MAX_BYTES >> 20,
        )
        if st.toggle(_("Take one with the camera"), key="teach_new_camera"):
            key = f"teach_new_shot_{st.session_state.get('teach_widget', 0)}"
            st.camera_input(
                _("Camera"), label_visibility="collapsed", key=key, on_change=take, args=(key, None), resolution=SHOT
            )
        pictures = new_pictures()
        titles = {name: shown_title(name, data) for name, data in pictures.items()}
        own = [name for name in pictures if name not in sample_new()]
        codes = {name: f"own-{own.index(name) + 1}" if name in own else address.slug(name) for name in pictures}
        chosen = st.selectbox(
            _("Picture to be judged"),
            list(pictures),
            format_func=titles.__getitem__,
            key=address.choice("judged", pictures, key="teach_picture", code=codes.__getitem__),
        )
        st.image(pictures[chosen], width=220, alt=titles[chosen])
        image = kept("teach_prepared", (source.key, hash(pictures[chosen])), lambda: source.prepared(pictures[chosen]))
        seen = _("What the network sees")
        st.image(image, width=110, caption=seen, alt=seen)
    table = answer(source, head, pictures[chosen])
    with right:
        best = _("{name}, {probability}").format(
            name=table["label"].iloc[0], probability=percent(table["probability"].iloc[0])
        )
        st.markdown(f"#### {best}")
        prose(
            _(
                "**It can only choose among your classes**: {classes}. Whatever is on the picture gets one of these "
                "names, and often a high percentage; try one that shows none of them."
            ).format(classes=and_list(head.names)),
            small=True,
        )
        st.plotly_chart(figures.probability_bars(table), config=figures.PLAIN)


def answer(source: Source, head: Head, data: bytes) -> pd.DataFrame:
    """Every class of the head, the most probable first: columns label and probability."""
    probabilities = head.probabilities(source.features(data)[:1])[0].tolist()
    table = pd.DataFrame({"label": head.names, "probability": probabilities})
    return table.sort_values("probability", ascending=False, kind="stable", ignore_index=True)


def what_is_frozen(source: Source, head: Head) -> None:
    """The two parts, and how many numbers each has."""
    st.subheader(_("What is frozen, and what learns"))
    network = source.network
    width = len(head.mean)
    size = choices.picture_size(graph_of_network(network))
    figure, beside = st.columns([3, 2], gap="medium")
    figure.html(
        teach_figures.frozen_html(
            size, _(choices.chosen_variant().title), network.frozen_parameters, width, head.parameters, list(head.names)
        )
    )
    with beside:
        prose(
            _(
                "The network looks at each picture once. Its {width:,} features are what its own last layer reads, and "
                "training sees nothing else of the picture. Only the head changes: a layer that weighs these features "
                "for each of your classes. That is why it takes seconds, and why it can only use what the network has "
                "learnt to see before. This is called a linear probe, or transfer learning with a frozen backbone."
            ).format(width=width)
        )


def mixed_up(here: Lesson, names: tuple[str, ...]) -> None:
    """The confusion matrix of the left-out pictures."""
    st.markdown(_("**What it mixes up**, of the pictures that were left out"))
    confusion = pd.DataFrame(here.training.confusion().tolist(), index=list(names), columns=list(names))
    figure, beside = st.columns([3, 2], gap="medium")
    figure.plotly_chart(confusion_heatmap(confusion), config=figures.PLAIN, key="teach_confusion")
    with beside:
        prose(what_is_mixed_up(here, names))
    title = _("Classes shown and answered")
    tables.export_button(confusion.rename_axis("class").reset_index(), "teach_confusion", title)


def what_is_mixed_up(here: Lesson, names: tuple[str, ...]) -> str:
    """How to read the matrix, and its largest number beside the diagonal."""
    how = _("Each row is what pictures show, each column what the head answered; on the diagonal it was right.")
    worst, count = here.training.most_mixed_up()
    if not worst:
        return running_text(how, _("**It mixed up none of them.**"))
    if len(worst) == 1:
        sentence = ngettext(
            "**Most often {shown} was taken for {answered}**: {count} picture.",
            "**Most often {shown} was taken for {answered}**: {count} pictures.",
            count,
        )
        shown, answered = worst[0]
        return running_text(how, sentence.format(shown=names[shown], answered=names[answered], count=count))
    mistake = _("{shown} taken for {answered}")
    mistakes = and_list([mistake.format(shown=names[shown], answered=names[answered]) for shown, answered in worst])
    sentence = ngettext(
        "**No mistake stands out**, {count} picture each: {mistakes}.",
        "**No mistake stands out**, {count} pictures each: {mistakes}.",
        count,
    )
    return running_text(how, sentence.format(count=count, mistakes=mistakes))


def overfitting(here: Lesson) -> None:
    """What heads know that learnt from few pictures."""
    st.markdown(_("**What few pictures do**: learnt by heart, and known"))
    found = here.training.examples

    def measured() -> tuple[list[CurvePoint], list[CurvePoint]]:
        return learning_curve(found), learning_curve(found, shuffled=True)

    with st.spinner(_("Training heads on few pictures…")):
        points, shuffled = kept("teach_curves", here.key, measured)
    if not points:
        st.caption(_("It takes two pictures of each class at least to leave some out."))
        return
    figure, beside = st.columns([3, 2], gap="medium")
    curves = teach_figures.curve_figure(points, shuffled, found.chance)
    figure.plotly_chart(curves, config=figures.PLAIN, key="teach_curve")
    place = min(1, len(points) - 1)
    with beside:
        prose(what_few_do(points[place], found.chance))
        prose(what_shuffled_do(shuffled[place]))


def what_few_do(few: CurvePoint, chance: float) -> str:
    """What heads know of few pictures, and of the rest."""
    sentence = ngettext(
        "**From {count} picture of each class** a head gets {learnt} of those right that it learnt from, and "
        "{left_out} of the others (from {low} to {high} in {draws} draws; guessing gets {chance}).",
        "**From {count} pictures of each class** a head gets {learnt} of those right that it learnt from, and "
        "{left_out} of the others (from {low} to {high} in {draws} draws; guessing gets {chance}).",
        few.pictures,
    )
    return sentence.format(
        count=few.pictures,
        learnt=percent(few.learnt),
        left_out=percent(few.left_out),
        low=percent(few.low),
        high=percent(few.high),
        draws=DRAWS,
        chance=percent(chance),
    )


def what_shuffled_do(shuffled: CurvePoint) -> str:
    """What heads know that learnt names dealt out at random."""
    return _(
        "With the names dealt out at random it still gets {learnt} of what it learnt from, and {left_out} of the "
        "rest, of which there is nothing to know. That gap is overfitting: only pictures that were left out can show "
        "it."
    ).format(learnt=percent(shuffled.learnt), left_out=percent(shuffled.left_out))


def random_features(source: Source, here: Lesson, taught: list[Taught]) -> None:
    """The same head on features of the same network with random numbers."""
    if not source.network.trained:
        st.info(
            _(
                "**Random features.** This network is untrained: its features are those of random numbers. What a head "
                "gets right with them it owes to colours and brightness; choose trained weights to compare."
            ),
            icon=":material/science:",
        )
        return
    key = here.key, "random"
    asked = st.session_state.get("teach_random_key") == key
    st.button(
        _("Compare with random features"),
        icon=":material/science:",
        on_click=lambda: st.session_state.update(teach_random_key=key),
        help=_("The same head on features of the same network, at full width and with random numbers in it."),
    )
    if not asked:
        return
    untrained = replace(source, network=network_with(source.network.name, UNTRAINED))

    def measured() -> Share:
        return HeadTraining.of(examples(untrained, taught), here.chart or None).run().share()

    other, share = kept("teach_random", key, measured), here.training.share()
    if not share.pictures:
        st.caption(_("It takes two pictures of each class at least to leave some out."))
        return
    low, high = other.interval
    st.markdown(
        _(
            "**With random features {right} of {pictures} left-out pictures are right** ({low} to {high}), with these "
            "weights {trained}. What random features get right needs no learning: colours and brightness pass through "
            "any network."
        ).format(right=other.right, pictures=other.pictures, low=percent(low), high=percent(high), trained=share.right)
    )


# In functions, because Streamlit holds on to the callbacks of widgets that are gone, and those to this module: what it
# named here would outlive *Forget all*.
def lesson(source: Source, taught: list[Taught], most: int) -> Lesson | None:
    """The training with its buttons, its curves and what came out."""
    button_place = st.container()
    here, problem = None, ""
    try:
        here = lesson_here(source, taught, most)
    except (HeadError, OutOfMemory, BusyError) as error:
        note_refusal(error)
        problem = str(error)
    with button_place:
        buttons(here)
    if problem:
        st.error(problem, icon=":material/error:")
    elif here is None:
        st.info(
            _("**Train** shows the pictures to the network and trains a head on what it sees. It takes seconds."),
            icon=":material/model_training:",
        )
    else:
        figure, beside = st.columns([3, 2], gap="medium")
        with figure:
            show_lesson(here)
        with beside:
            what_came_out(here, here.training.examples.chance)
    return here


def lessons_and_answers(source: Source, most: int) -> None:
    """All that the pictures are for."""
    found = st.container()
    class_cards()
    taught = classes()
    names = tuple(one.name for one in taught)
    with choices.one_run_at_a_time("teach"):
        here = lesson(source, taught, most)
    if here is not None and not here.running:
        with found:
            finding(learnt(here.training.share(), here.training.examples.chance))
    files(source, here, names)
    own = loaded_head(source)
    head = own or (here.head(names) if here else None)
    if head is not None:
        try:
            judge(source, head)
        except OutOfMemory as error:
            st.error(str(error), icon=":material/memory:")
        what_is_frozen(source, head)
    if here is not None:
        random_features(source, here, taught)
        overfitting(here)
        mixed_up(here, names)


frame.open_page("teach")
left, main = st.container(key="result_first").columns([1, 3], gap="large")
keep_over_reload()
with left:
    chosen = controls()
    privacy()
with main:
    lessons_and_answers(*chosen)
