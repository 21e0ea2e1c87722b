"""Writes the seeds of the fuzz targets, fuzz/seeds/TARGET/NAME: small valid inputs. Needs no package.

    python3 fuzz/make_seeds.py
"""

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent
FIXTURES = ROOT.parent / "crates"
MARK = b"\n====\n"
POLICIES = [
    "full",
    "fixed(exit=3)",
    "entropy(threshold=0.1)",
    "entropy(threshold=[0.1, never, 0.25])",
    "patience(patience=4)",
    "patience(patience=never)",
    "epee(threshold=0.1, patience=6)",
    "epee(threshold=never, patience=6)",
    "epee(threshold=0.25, patience=never)",
    "epee(threshold=never, patience=never)",
    "epee(threshold=[0.1, 0.2], patience=2, ensemble=run-mean)",
    "branchynet(threshold=[0.3, 0.1])",
    "shallow-deep(threshold=0.9)",
    "deebert(threshold=0.5)",
    "pabee(patience=3)",
    "pabee(patience=3, distance=0.5)",
    "pcee(threshold=0.2, patience=2)",
    "fpabee(threshold=0.01, divergence=js, patience=2)",
    "fpabee(threshold=0.01, divergence=reverse-kl, patience=2, outputs=sigmoid)",
    "berxit(threshold=0.2)",
    "elbert(threshold=0.1, window=3)",
    "elbert(threshold=0.1, window=3, margin=0.2)",
    "voting(threshold=3, ensemble=all-mean)",
    "margin(threshold=0.5)",
]


def put(target, name, content):
    path = ROOT / "seeds" / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def dumps(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def safetensors(tensors, metadata):
    header, body = {"__metadata__": metadata}, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = dumps(header)
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def traces():
    n, m, k = 4, 3, 2
    logits = struct.pack(f"<{n * m * k}f", *[((7 * i) % 11 - 5) / 3 for i in range(n * m * k)])
    tensors = {"logits": ("F32", [n, m, k], logits), "labels": ("I64", [n], struct.pack("<4q", 0, 1, 1, 0))}
    put("trace", "plain", safetensors(tensors, {"format": "epee-trace"}))
    tensors["tokens"] = ("I64", [n], struct.pack("<4q", 5, 6, 7, 8))
    tensors["scores"] = ("F32", [n, m], struct.pack(f"<{n * m}f", *[i / 12 for i in range(n * m)]))
    metadata = {"model": "m", "split": "dev", "label_names": '["no","yes"]', "layer_seconds": "[0.1,0.2,0.3]", "epee_version": "0.1.0"}
    put("trace", "all", safetensors(tensors, metadata))


def policies():
    texts = [*POLICIES, "0.1:0.9:0.2", "1,2,3",
             "macro-f1", "int8", "sentence-transformers/all-MiniLM-L6-v2@main", '"full"', "datasets/epee-rs/notes"]
    for i, text in enumerate(texts):
        put("policy", f"{i:02}", text)


def models():
    config = (FIXTURES / "epee-model/tests/fixtures/tiny-bert/config.json").read_bytes()
    for name in ["albert", "bert", "deit", "distilbert", "gpt2", "vit"]:
        put("model_config", name, (FIXTURES / f"epee-model/tests/fixtures/tiny-{name}/config.json").read_bytes())
    processor = {"do_resize": True, "size": {"shortest_edge": 8}, "do_center_crop": True, "crop_size": {"height": 6, "width": 6},
                 "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 3, "rescale_factor": 0.00392156862745098}
    put("model_config", "processor", dumps(processor))
    exits = {"format": 1, "exits": 2, "classes": 2, "pooling": "first", "pooler": "shared", "policy": "full"}
    put("exits", "full", dumps(exits))
    rich = dict(exits, policy="entropy(threshold=0.3)", temperatures=[1.1, 0.9], max_tokens=64,
                abstention={"threshold": 0.6})
    put("exits", "entropy", dumps(rich))
    small = {"model_type": "bert", "vocab_size": 4, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
             "intermediate_size": 8, "max_position_embeddings": 4, "type_vocab_size": 2,
             "id2label": {"0": "no", "1": "yes"}, "label2id": {"no": 0, "yes": 1}}
    d = 8
    shapes = {"embeddings.word_embeddings.weight": [4, d], "embeddings.position_embeddings.weight": [4, d],
              "embeddings.token_type_embeddings.weight": [2, d], "embeddings.LayerNorm.weight": [d],
              "embeddings.LayerNorm.bias": [d], "pooler.dense.weight": [d, d], "pooler.dense.bias": [d]}
    for m in range(2):
        layer = f"encoder.layer.{m}."
        for name in ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
                     "intermediate.dense", "output.dense"]:
            shapes |= {f"{layer}{name}.weight": [d, d], f"{layer}{name}.bias": [d]}
        for name in ["attention.output.LayerNorm", "output.LayerNorm"]:
            shapes |= {f"{layer}{name}.weight": [d], f"{layer}{name}.bias": [d]}
        shapes |= {f"exits.{m + 1}.classifier.weight": [2, d], f"exits.{m + 1}.classifier.bias": [2]}
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 4
        for n in shape:
            size *= n
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    put("model_dir", "bert", MARK.join([dumps(small), dumps(exits), dumps(header)]))


def tokenizers():
    word = json.loads((FIXTURES / "epee-input/tests/fixtures/small_tokenizer.json").read_bytes())
    put("tokenizer_json", "wordpiece", dumps(word))
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    added = [{"id": 0, "content": "<unk>", "single_word": True, "lstrip": True, "rstrip": False, "normalized": True, "special": True},
             {"id": 9, "content": "new tok", "single_word": False, "lstrip": False, "rstrip": True, "normalized": True, "special": False}]
    template = {"type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<unk>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<unk>": {"id": "<unk>", "ids": [0], "tokens": ["<unk>"]}}}
    # 256 units: `a` becomes the first text.
    units = [0] * 256
    units[0], units[0x60], units[0x62] = 1 << 10, 0x61 | 1 << 8 | 2 << 10, 1 << 31
    import base64
    table = struct.pack("<I256I", 1024, *units) + b"b\0"
    normalizer = {"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": base64.b64encode(table).decode()},
                                                      {"type": "Lowercase"}]}
    unigram = {"type": "Unigram", "unk_id": 0, "byte_fallback": True,
               "vocab": [["<unk>", 0.0], ["a", -1.0], ["b", -2.0], ["▁", -3.0], ["é", -4.0], ["<0x41>", -5.0]]}
    whole = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer,
             "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]},
             "post_processor": template, "decoder": metaspace, "model": unigram}
    put("tokenizer_json", "unigram", dumps(whole))
    whole["normalizer"] = {"type": "Sequence", "normalizers": [
        {"type": "NFKC"}, {"type": "StripAccents"}, {"type": "Replace", "pattern": {"Regex": "a+b"}, "content": "x"},
        {"type": "Prepend", "prepend": "_"}, {"type": "Strip", "strip_left": True, "strip_right": True}, {"type": "Nmt"}, {"type": "ByteLevel"}]}
    whole["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        {"type": "Split", "pattern": {"Regex": "\\s+|a"}, "behavior": "Isolated", "invert": False},
        {"type": "Digits", "individual_digits": True}, {"type": "Punctuation", "behavior": "Isolated"},
        {"type": "CharDelimiterSplit", "delimiter": "-"}, {"type": "UnicodeScripts"}, {"type": "FixedLength", "length": 5}]}
    whole["post_processor"] = {"type": "RobertaProcessing", "sep": ["a", 1], "cls": ["b", 2], "trim_offsets": True, "add_prefix_space": True}
    whole["model"] = {"type": "BPE", "dropout": None, "unk_token": "a", "continuing_subword_prefix": "##", "end_of_word_suffix": "</w>",
                      "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
                      "vocab": {"a": 0, "##b": 1, "ab": 2, "Ġ": 3}, "merges": [["a", "##b"]]}
    put("tokenizer_json", "bpe", dumps(whole))
    whole |= {"pre_tokenizer": {"type": "Whitespace"}, "post_processor": None,
              "model": {"type": "WordLevel", "vocab": {"a": 0, "iron": 1, "[UNK]": 2}, "unk_token": "[UNK]"}}
    put("tokenizer_json", "wordlevel", dumps(whole))

    def field(number, content):
        return bytes([number << 3 | 2, len(content)]) + content

    def piece(text, score, kind):
        return field(1, field(1, text.encode()) + b"\x15" + struct.pack("<f", score) + bytes([24, kind]))

    model = b"".join(piece(*p) for p in [("<pad>", 0, 3), ("<unk>", 0, 2), ("[CLS]", 0, 3), ("[SEP]", 0, 3), ("▁", -2, 1), ("▁iron", -3, 1), ("s", -4, 1)])
    model += field(2, bytes([24, 1, 0xC0, 2, 1]))
    settings = dumps({"do_lower_case": True, "keep_accents": False, "strip_accents": None, "add_prefix_space": True})
    put("tokenizer_files", "bert", MARK.join([b"b", settings, b"[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\niron\n##s\ntakes\n"]))
    put("tokenizer_files", "albert", MARK.join([b"a", b"", model]))
    vocab = dumps({"a": 0, "b": 1, "ab": 2, "<|endoftext|>": 3, "Ġ": 4, "Ġa": 5})
    put("tokenizer_files", "gpt2", MARK.join([b"g", settings, vocab, "#version: 0.2\na b\nĠ a\n".encode()]))


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, depth, colour, row, extra=b""):
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress((b"\0" + row) * height)) + chunk(b"IEND", b"")


def images():
    put("image", "grey.png", png(3, 2, 8, 0, bytes([1, 2, 3])))
    put("image", "rgb.png", png(2, 2, 8, 2, bytes(6)))
    put("image", "rgba.png", png(1, 2, 8, 6, bytes(4)))
    put("image", "bits.png", png(9, 2, 1, 0, bytes(2)))
    put("image", "palette.png", png(2, 2, 8, 3, bytes([0, 1]), chunk(b"PLTE", bytes(range(6))) + chunk(b"tRNS", b"\x07")))
    # The smallest of the JPEG files among the fixtures.
    file = (FIXTURES / "epee-input/tests/fixtures/images.safetensors").read_bytes()
    size = struct.unpack("<Q", file[:8])[0]
    header = json.loads(file[8 : 8 + size])
    for name, about in header.items():
        if name.startswith("file.") and name.endswith("jpg"):
            start, end = about["data_offsets"]
            if end - start < 3000:
                put("image", name[5:], file[8 + size + start : 8 + size + end])


def zipped(entries, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return buffer.getvalue()


def npy(shape, numbers):
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text + numbers


XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<document id="d"><sentence id="d.s0" text="Warfarin interacts with aspirin.">
<entity id="d.s0.e0" charOffset="0-7" type="drug" text="Warfarin"/><entity id="d.s0.e1" charOffset="24-30" type="brand" text="aspirin"/>
<pair id="d.s0.p0" e1="d.s0.e0" e2="d.s0.e1" ddi="true" type="effect"/></sentence></document>
"""


def datasets():
    own = [b"text,label,pair,id\n" + b"".join(b'"takes zinc, %d",%d,p,%d\n' % (i, i % 2, i) for i in range(12)),
           b"text\tlabel\n" + b"".join(b"takes zinc %d\t%d\n" % (i, i % 2) for i in range(12)),
           b"".join(b'{"text":"takes zinc %d","label":%d}\n' % (i, i % 2) for i in range(12))]
    for kind, content in enumerate(own):
        put("own", f"{kind}", bytes([kind]) + content)
        put("own", f"{kind}-written", bytes([kind | 8]) + content)
    put("own", "pair", bytes([4]) + own[0])
    arrays = []
    for split in ["train", "val", "test"]:
        arrays += [(f"{split}_images.npy", npy("(4, 2, 3)", bytes(range(24)))), (f"{split}_labels.npy", npy("(4,)", bytes([0, 1, 0, 1])))]
    put("npz", "small", zipped(arrays))
    put("npz", "stored", zipped(arrays, zipfile.ZIP_STORED))
    test = "Test/Test for DDI Extraction task/"
    put("zip", "ddi", zipped([("DDICorpus/Train/DrugBank/a.xml", XML), (f"DDICorpus/{test}MedLine/b.xml", XML)]))
    put("zip", "stored", zipped([("Train/DrugBank/a.xml", XML), (f"{test}MedLine/b.xml", XML)], zipfile.ZIP_STORED))
    notes = b"text,label\n" + b"".join(b"takes zinc %d,%d\n" % (i, i % 2) for i in range(12))
    reviews = b"\tdrugName\tcondition\treview\trating\tdate\tusefulCount\n" + b"".join(b'%d\tA\tB\t"""good &#039; %d"""\t%d.0\tMay 1, 2010\t3\n' % (i, i, 1 + i % 10) for i in range(12))
    advice = dumps([{"input": f"It helps {i}.", "output": "This is a strong advice", "instruction": "What type?"} for i in range(6)])
    git = dumps({"triple_list": [["a", "stimulate", "b"]], "text": "a stimulates b"}) + b"\n"
    phee = dumps({"id": "1", "context": "A rash.", "is_mult_event": False, "annotations": [{"events": [{"event_type": "Adverse_event"}]}]}) + b"\n"
    for kind, content in enumerate([notes, notes, reviews, advice, MARK.join([XML, XML]), MARK.join([git] * 3), MARK.join([phee] * 3)]):
        put("published", f"{kind}", bytes([kind]) + content)
    info = {"format": 1, "name": "own", "task": "classification", "input": "text", "labels": ["no", "yes"], "source": "own",
            "licence": "none", "notes": [], "splits": {"train": {"file": "train.jsonl", "rows": 2, "digest": "sha256:0"}}, "digest": "sha256:0"}
    lines = b'{"id":"1","text":"takes zinc","label":"no"}\n{"id":"2","text":"no","pair":"b","label":"yes","grade":2}\n'
    put("dataset", "texts", MARK.join([dumps(info), lines]))
    info["input"], info["task"] = "image", "image-classification"
    info["splits"]["train"]["images"] = {"file": "train.zip", "digest": "sha256:0"}
    image = zipped([("000001.png", png(3, 2, 8, 0, bytes([1, 2, 3])))], zipfile.ZIP_STORED)
    put("dataset", "images", MARK.join([dumps(info), b'{"id":"1","image":"000001.png","label":"no"}\n', image]))


def trainings():
    put("toml", "options", 'recipe = "joint"\nepochs = 3\nbatch_size = 8\nlearning_rate = 1e-4\nseed = 7\n')
    put("toml", "grid", 'model = "m"\ndata = "d"\nselect = "macro-f1"\n\n[options]\nepochs = 2\n\n[lists]\nseed = [1, 2, 3]\nlearning_rate = [1e-4, 3e-4]\n')
    put("toml", "paper", (ROOT.parent / "docs/grid-paper.toml").read_bytes())
    state = {"run": [], "step": 1, "epoch": 0, "batch": 1, "epoch_loss": 0.5, "seed": 7, "best": None,
             "schedule": {"peak": 0.001, "warmup": 1, "total": 9}, "order": ""}
    put("checkpoint", "state", dumps(state))
    put("checkpoint", "best", dumps(dict(state, best=[1, 0.5])))
    put("checkpoint", "file", safetensors({"w": ("F32", [1], b"\0" * 4)}, {"epee": '{"format":3,"sha256":"","state":{}}'}))


for make in [traces, policies, models, tokenizers, images, datasets, trainings]:
    make()
print(sum(1 for path in (ROOT / "seeds").rglob("*") if path.is_file()), "seeds")
