"""What others measured on Labeled Faces in the Wild (LFW), and with which threshold.

LFW's test (view 2) has 6,000 pairs of pictures in ten parts, half of them of the same person. A threshold is chosen on
nine parts and tried on the tenth, ten times over; http://vis-www.cs.umass.edu/lfw/README.txt. Nothing here was measured
by this project.
"""

import math
from dataclasses import dataclass

import pandas as pd

from ..words import N_

PAIRS = 6000

PAPER = "https://arxiv.org/abs/1503.03832"
WIKI = "https://github.com/davidsandberg/facenet/wiki/Training-using-the-VGGFace2-dataset"
WIKI_TEST = "https://github.com/davidsandberg/facenet/wiki/Validate-on-LFW"
README = "https://github.com/timesler/facenet-pytorch"
NOTEBOOK = "https://github.com/timesler/facenet-pytorch/blob/master/examples/lfw_evaluate.ipynb"

# Section 5.6 of the FaceNet paper: "1.242 for all test splits except split eighth (1.256)", for the squared distance.
PAPER_SQUARED_THRESHOLD = 1.242
PAPER_THRESHOLD = math.sqrt(PAPER_SQUARED_THRESHOLD)
THRESHOLD = round(PAPER_THRESHOLD, 2)  # of the page and of the command line


@dataclass(frozen=True)
class LfwResult:
    """One published result; `weights` and `compared` are marked, and translated where they are shown.

    weights: what the tested ones were trained on. compared: which faces and which distance. accuracy: share of pairs
    judged rightly. found: share of pairs of the same person that are found while 1 in 1,000 other pairs passes for the
    same person (VAL at FAR 0.001), where it was published. source: its address.
    """

    weights: str
    compared: str
    accuracy: float
    found: float | None
    source: str

    @property
    def wrong(self) -> int:
        """How many of the 6,000 pairs were judged wrongly."""
        return round(PAIRS * (1 - self.accuracy))


VGGFACE2, CASIA, OWN = "VGGFace2", "CASIA-WebFace", N_("FaceNet's own, 2015")

LFW_RESULTS = (
    LfwResult(VGGFACE2, N_("cosine; with mirror images, mean subtracted"), 0.9965, 0.98367, WIKI),
    LfwResult(VGGFACE2, N_("cosine; mean subtracted"), 0.995, 0.982, WIKI),
    LfwResult(VGGFACE2, N_("Euclidean; with mirror images, mean subtracted"), 0.996, 0.978, WIKI),
    LfwResult(VGGFACE2, N_("Euclidean, nothing else; MTCNN with margin 14"), 0.99367, None, NOTEBOOK),
    LfwResult(CASIA, N_("as FaceNet's code lists it"), 0.9905, None, README),
    LfwResult(OWN, N_("Euclidean; the centre of LFW's pictures"), 0.9887, None, PAPER),
    LfwResult(OWN, N_("Euclidean; faces cut out by a detector"), 0.9963, None, PAPER),
)


def lfw_table() -> pd.DataFrame:
    """`LFW_RESULTS`, one row each: columns weights, compared, accuracy, wrong, found, source."""
    columns = ("weights", "compared", "accuracy", "wrong", "found", "source")
    return pd.DataFrame({column: [getattr(result, column) for result in LFW_RESULTS] for column in columns})
