"""Zoo: which network is which, and how do they differ?"""

from typing import Any

import pandas as pd
import streamlit as st

from inception.size import Size
from inception.text import and_list
from inception.views.charts import comparison_chart
from inception.views.compare import compare_models
from inception.views.family import family_dot
from inception.views.figure import chart_config
from inception.views.findings import largest_and_smallest
from inception.weights.known import known_weights, locate
from inception.words import _
from inception.zoo import VARIANTS
from pages.parts import address, choices, components, diagrams, frame, tables
from pages.parts.finding import finding
from pages.parts.glossary import meaning, prose
from pages.parts.same_table import family_as_table


def comparison_columns() -> dict[str, Any]:
    """The columns of the comparison, in the reader's language."""
    return {
        "stage": _("Stage"),
        "model": _("Network"),
        "blocks": st.column_config.NumberColumn(_("Blocks")),
        "layers": st.column_config.NumberColumn(_("Layer count")),
        "out_shape": _("Output"),
        "params": st.column_config.NumberColumn(_("Parameters"), format="localized", help=meaning("parameters")),
        "macs": st.column_config.NumberColumn(_("MACs"), format="localized", help=meaning("mac")),
        "activation_bytes": st.column_config.NumberColumn(
            _("Outputs, bytes"), format="localized", help=_("In float32")
        ),
    }


frame.open_page("zoo")

graphs = {name: choices.graph_of(name) for name in VARIANTS}
finding(largest_and_smallest(list(graphs.values())))
family = family_dot(graphs)
drawn, beside = st.columns([4, 3], gap="medium")
with drawn:
    components.picture(diagrams.svg_of(family, _("The Inception family")), key="family")
    family_as_table(graphs, "family")
with beside:
    for name, variant in VARIANTS.items():
        prose(_("**{name}**: {differences}").format(name=name, differences=_(variant.differs)), small=True)
tables.show_table(
    pd.DataFrame(
        {
            "name": name,
            "network": _(VARIANTS[name].title),
            "input": graph.input_size[0],
            "params": graph.params,
            "macs": graph.macs,
            "output": graph.output_shape[0],
            "source": _(VARIANTS[name].source),
        }
        for name, graph in graphs.items()
    ),
    column_config={
        "name": _("Name"),
        "network": _("Network"),
        "input": _("Input, pixels"),
        "params": st.column_config.NumberColumn(_("Parameters"), format="localized"),
        "macs": st.column_config.NumberColumn(
            _("MACs"), format="localized", help=meaning("mac", _("For one picture of the size given"))
        ),
        "output": _("Output"),
        "source": st.column_config.TextColumn(_("After"), width=300),
    },
)

st.container(key="stage_by_stage").subheader(_("Stage by stage"))
address.scroll_to("stage_by_stage", "compare")
chosen = st.multiselect(
    _("Networks"),
    list(VARIANTS),
    key=address.several("compare", VARIANTS, ["inception_resnet_v2.paper", "inception_resnet_v2"]),
    placeholder=_("Choose networks"),
)
if chosen:
    size = choices.chosen_size() or Size.square(max(VARIANTS[name].input_size for name in chosen))
    graphs_of_one_size = [choices.graph_of(name, size) for name in chosen]
    comparison, columns = compare_models(graphs_of_one_size), comparison_columns()
    tables.show_table(
        comparison,
        height=tables.table_height(len(comparison), most=40),
        column_order=list(columns),
        column_config=columns,
    )
    prose(
        _("All for one picture of {size}, so that only the networks differ.").format(
            size=choices.picture_size(graphs_of_one_size[0])
        ),
        small=True,
    )
    tables.export_button(comparison, "comparison", _("Stages of {networks}").format(networks=and_list(chosen)))
    figure = comparison_chart(graphs_of_one_size)
    st.plotly_chart(figure, config=chart_config(figure))
else:
    st.info(_("Choose at least one network."))

st.subheader(_("Weights"))
tables.show_table(
    pd.DataFrame(
        {
            "tag": weights.tag,
            "network": weights.variant,
            "title": _(weights.title),
            "accuracy": _(weights.accuracy),
            "classes": weights.num_classes or None,
            "megabytes": weights.megabytes,
            "licence": _(weights.licence),
            "preprocessing": _(weights.preprocessing.text),
            "here": _("yes") if locate(weights.tag) else _("no"),
            "source": weights.source if weights.source.startswith("https:") else None,
        }
        for weights in known_weights().values()
    ),
    column_config={
        "tag": _("Tag"),
        "network": _("Network"),
        "title": _("Trained on"),
        "accuracy": _("Accuracy"),
        "classes": _("Classes"),
        "megabytes": _("MB"),
        "licence": _("Licence"),
        "preprocessing": _("Preprocessing"),
        "here": _("On this server"),
        "source": st.column_config.LinkColumn(_("Source")),
    },
)
prose(
    _(
        "Each accuracy is the one that its source publishes. For the networks that this project trained, it measured "
        "the accuracy itself, with `python -m inception evaluate`."
    ),
    small=True,
)
