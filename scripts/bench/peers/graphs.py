"""BERT with an exit after every layer in PyTorch, and the pieces it is cut into."""

import json
import math

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import nn
from torch.nn.functional import gelu
from transformers import BertConfig, BertModel

COMMON = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "vocab_size": 30522,
    "hidden_act": "gelu",
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "initializer_range": 0.02,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
}
SIZES = {
    "small": {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536},
    "base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
}
LABELS = ["no", "yes"]


class Model(nn.Module):
    """Transformers' BertModel with an exit after every layer, computed by plain operations that export without a mask."""

    def __init__(self, config, classes):
        super().__init__()
        self.config = config
        self.depth, self.heads = config["num_hidden_layers"], config["num_attention_heads"]
        self.bert = BertModel(BertConfig(**config))
        self.classifiers = nn.ModuleList(nn.Linear(config["hidden_size"], classes) for _ in range(self.depth))

    def embed(self, ids):
        tables = self.bert.embeddings
        positions = tables.position_embeddings.weight[: ids.shape[1]]
        return tables.LayerNorm(tables.word_embeddings(ids) + positions + tables.token_type_embeddings.weight[0])

    def split(self, rows):
        """`[1, n, width]` by heads."""
        return rows.reshape(1, -1, self.heads, self.config["hidden_size"] // self.heads).transpose(1, 2)

    def layer(self, m, hidden, first_alone, attention):
        """Layer m, of the first row alone or of all."""
        layer = self.bert.encoder.layer[m]
        project, output = layer.attention.self, layer.attention.output
        rows = hidden[:, :1] if first_alone else hidden
        q, k, v = (self.split(x) for x in (project.query(rows), project.key(hidden), project.value(hidden)))
        context = attention(q, k, v).transpose(1, 2).reshape(1, -1, self.config["hidden_size"])
        rows = output.LayerNorm(output.dense(context) + rows)
        return layer.output.LayerNorm(layer.output.dense(gelu(layer.intermediate.dense(rows))) + rows)

    def exit(self, m, hidden):
        return self.classifiers[m](torch.tanh(self.bert.pooler.dense(hidden[:, 0])))

    def through_transformers(self, ids):
        """The logits by BertModel.forward, to compare with."""
        states = self.bert(ids, output_hidden_states=True).hidden_states[1:]
        return torch.cat([self.exit(m, state) for m, state in enumerate(states)])

    def save(self, folder, labels):
        """A directory as `epee train` writes it, with the least tokenizer."""
        tensors = {name: tensor.contiguous() for name, tensor in self.bert.state_dict().items()}
        for m, classifier in enumerate(self.classifiers, 1):
            tensors |= {f"exits.{m}.classifier.{name}": tensor for name, tensor in classifier.state_dict().items()}
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        names = {"id2label": dict(enumerate(labels)), "label2id": {label: k for k, label in enumerate(labels)}}
        exits = {
            "format": 1,
            "exits": self.depth,
            "classes": len(labels),
            "pooling": "first",
            "pooler": "shared",
            "policy": "full",
        }
        (folder / "config.json").write_text(json.dumps(self.config | names, indent=2) + "\n")
        (folder / "exits.json").write_text(json.dumps(exits, indent=2) + "\n")
        vocabulary = {token: k for k, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"])}
        tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
        tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
        tokenizer.save(str(folder / "tokenizer.json"))

    @classmethod
    def load(cls, folder):
        exits = json.loads((folder / "exits.json").read_text())
        if (exits["pooling"], exits["pooler"]) != ("first", "shared"):
            raise SystemExit(f"error: {folder}: expected a shared pooler on the first token")
        model = cls(json.loads((folder / "config.json").read_text()), exits["classes"])
        tensors = load_file(folder / "model.safetensors")
        for m, classifier in enumerate(model.classifiers, 1):
            classifier.load_state_dict({name: tensors.pop(f"exits.{m}.classifier.{name}") for name in ("weight", "bias")})
        model.bert.load_state_dict(tensors)
        return model.eval()


def eager(q, k, v):
    return (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1) @ v


class Piece(nn.Module):
    """Some layers in a row and the logits of some of their exits; the hidden rows too, where layers follow."""

    def __init__(self, model, layers, exits, trimmed, attention):
        super().__init__()
        self.model, self.layers, self.exits, self.trimmed, self.attention = model, layers, exits, trimmed, attention

    def forward(self, state):
        hidden, logits = (state if self.layers.start else self.model.embed(state)), []
        for m in self.layers:
            hidden = self.model.layer(m, hidden, self.trimmed and m + 1 == self.model.depth, self.attention)
            if m in self.exits:
                logits.append(self.model.exit(m, hidden))
        logits = torch.cat(logits)
        return (logits, hidden) if self.layers.stop < self.model.depth else (logits,)


def pieces(model, mode, attention=eager):
    layers = range(model.depth)
    match mode:
        case "full":
            cuts = [(layers, layers, False)]
        case "last-exit":
            cuts = [(layers, layers[-1:], False)]
        case "full-trimmed":
            cuts = [(layers, layers[-1:], True)]
        case "layers":
            cuts = [(layers[m : m + 1], layers[m : m + 1], True) for m in layers]
    return [Piece(model, *cut, attention).eval() for cut in cuts]
