"""Zoo: which network is which, and how do they differ?"""

from typing import Any

import pandas as pd
import streamlit as st

from inception.size import Size
from inception.views.charts import comparison_chart
from inception.views.compare import compare_models
from inception.views.figure import chart_config
from inception.weights.known import known_weights, locate
from inception.zoo import VARIANTS
from pages.parts import choices, frame, tables

COMPARISON: dict[str, Any] = {
    "stage": "Stage",
    "model": "Network",
    "blocks": st.column_config.NumberColumn("Blocks"),
    "layers": st.column_config.NumberColumn("Layers"),
    "out_shape": "Output",
    "params": st.column_config.NumberColumn("Parameters", format="localized"),
    "macs": st.column_config.NumberColumn("MACs", format="localized"),
    "activation_bytes": st.column_config.NumberColumn("Outputs, bytes", format="localized", help="In float32"),
}

frame.open_page("zoo")

graphs = {name: choices.graph_of(name) for name in VARIANTS}
st.dataframe(
    pd.DataFrame(
        {
            "Name": name,
            "Network": VARIANTS[name].title,
            "Input, pixels": graph.input_size[0],
            "Parameters": graph.params,
            "MACs": graph.macs,
            "Output": graph.output_shape[0],
            "After": VARIANTS[name].source,
        }
        for name, graph in graphs.items()
    ),
    hide_index=True,
    column_config={
        "Parameters": st.column_config.NumberColumn(format="localized"),
        "MACs": st.column_config.NumberColumn(format="localized", help="For one picture of the size given"),
        "After": st.column_config.TextColumn(width=300),
    },
)

for name, variant in VARIANTS.items():
    st.markdown(f"- **{name}**: {variant.differs}")

st.subheader("Stage by stage")
chosen = st.multiselect(
    "Networks",
    list(VARIANTS),
    default=["inception_resnet_v2.paper", "inception_resnet_v2"],
    persist_state="session",
    key="compare",
)
if chosen:
    size = choices.chosen_size() or Size.square(max(VARIANTS[name].input_size for name in chosen))
    graphs_of_one_size = [choices.graph_of(name, size) for name in chosen]
    comparison = compare_models(graphs_of_one_size)
    st.dataframe(
        comparison,
        hide_index=True,
        height=tables.table_height(len(comparison), most=40),
        column_order=list(COMPARISON),
        column_config=COMPARISON,
    )
    st.caption(
        f"All for one picture of {choices.picture_size(graphs_of_one_size[0])}, so that only the networks differ."
    )
    figure = comparison_chart(graphs_of_one_size)
    st.plotly_chart(figure, config=chart_config(figure))
    tables.export_button(comparison, "comparison", f"Stages of {', '.join(chosen)}")
else:
    st.info("Choose at least one network.")

st.subheader("Weights")
st.dataframe(
    pd.DataFrame(
        {
            "Tag": weights.tag,
            "Network": weights.variant,
            "Trained on": weights.title,
            "Accuracy": weights.accuracy,
            "Classes": weights.num_classes or None,
            "MB": weights.megabytes,
            "Licence": weights.licence,
            "Preprocessing": weights.preprocessing.text,
            "On this server": "yes" if locate(weights.tag) else "no",
            "Source": weights.source if weights.source.startswith("https:") else None,
        }
        for weights in known_weights().values()
    ),
    hide_index=True,
    column_config={"Source": st.column_config.LinkColumn()},
)
st.caption(
    "Each accuracy is the one that its source publishes. This project measured the accuracies of the networks that it "
    "trained itself with `python -m inception evaluate`."
)
