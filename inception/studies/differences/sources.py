"""The papers, programs and tutorials that the differences quote."""

from ...words import N_
from .claim import Source

# Who says so
PAPER = Source(
    N_("the paper"),
    "Szegedy, Ioffe, Vanhoucke, Alemi: Inception-v4, Inception-ResNet and the Impact of Residual Connections on "
    "Learning",
    "https://arxiv.org/abs/1602.07261",
)
PAPER_V3 = Source(
    N_("Inception-v3's paper"),
    N_(
        "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception Architecture for Computer Vision, "
        "section 3.2"
    ),
    "https://arxiv.org/abs/1512.00567",
)
TF_SLIM = Source(
    "TF-Slim",
    "TensorFlow models, research/slim/nets",
    "https://github.com/tensorflow/models/tree/master/research/slim/nets",
)
ISSUE_1553 = Source(
    N_("a TF-Slim issue"),
    "Inception-resnet v2 implementation differ from the paper",
    "https://github.com/tensorflow/models/issues/1553",
)
ISSUE_634 = Source(
    N_("a TF-Slim issue"),
    "may be an error in slim.nets.inception_resnet_v2",
    "https://github.com/tensorflow/models/issues/634",
)
ISSUE_3313 = Source(
    N_("a TF-Slim issue"),
    "7x1 and 1x7 filters mixed up in Inception v4",
    "https://github.com/tensorflow/models/issues/3313",
)
ISSUE_7041 = Source(
    N_("a TF-Slim issue"),
    "inception_v4 is different from the paper",
    "https://github.com/tensorflow/models/issues/7041",
)
SLIM_CONV2D = Source(
    N_("TensorFlow's documentation"),
    "tf.contrib.layers.conv2d (slim.conv2d), TensorFlow 1.15",
    "https://www.tensorflow.org/versions/r1.15/api_docs/python/tf/contrib/layers/conv2d",
)
KERAS = Source("Keras Applications", "InceptionResNetV2", "https://keras.io/api/applications/inceptionresnetv2/")
TIMM = Source("timm", "PyTorch Image Models", "https://github.com/huggingface/pytorch-image-models")
FACENET = Source(
    N_("FaceNet's code"),
    "davidsandberg/facenet, src/models",
    "https://github.com/davidsandberg/facenet/tree/master/src/models",
)
FACENET_PYTORCH = Source("facenet-pytorch", "timesler/facenet-pytorch", "https://github.com/timesler/facenet-pytorch")
FACENET_TEXT = Source(
    N_("a FaceNet walk-through of v1"),
    "深度学习--Inception-ResNet-v1网络结构",
    "https://blog.csdn.net/lovelyaiq/article/details/79026181",
)
KERAS_TEXT = Source(N_("a Keras tutorial"), "Inception-ResNet-V2")
PYTORCH_TEXT = Source(
    N_("a PyTorch notes post"),
    "深度学习 / 图像分类 / Inception ResNet 论文笔记 (2018)",
    links=("https://arxiv.org/pdf/1602.07261.pdf",),
)
FACE_TABLE = Source(
    N_("a face-recognition layer table"),
    "【深度学习笔记 face】基于Inception-Resnet的FaceID (2018)",
    links=("https://github.com/davidsandberg/facenet",),
)
SLIM_TEXT = Source(
    N_("a TF-Slim walk-through of v4 and v2"),
    "【Tensorflow slim 实战】写Inception-V4 Inception-ResNet-v2结构 (2017)",
    links=("https://me.csdn.net/zj360202", "https://arxiv.org/pdf/1602.07261.pdf"),
)
