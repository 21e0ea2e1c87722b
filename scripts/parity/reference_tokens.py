#!/usr/bin/env python3
"""Makes the tokenizers' fixture of epee-data with Transformers and SentencePiece.

    python3 -m venv .venv && .venv/bin/pip install -r scripts/requirements.txt
    .venv/bin/python scripts/parity/reference_tokens.py            writes crates/epee-input/tests/fixtures/tokens.json
    .venv/bin/python scripts/parity/reference_tokens.py --check    compares instead of writing; exit status 1 if they differ

The sentences are PHEE's and GIT's ($EPEE_DATA or ../shared/data), which may not be copied: of each file the fixture holds
the number of texts and a SHA-256 over, text by text, the number of ids and the ids, special tokens included, each as u32
little-endian. PHEE's text is `context`; a row of GIT gives three, SUBJECT_TEXT, OBJECT_TEXT, SENTENCE. Of the texts written
for the fixture it holds the ids and segments themselves.

What each tokenizer is compared with:

gpt2                Transformers' GPT2Tokenizer, from vocab.json and merges.txt
bert-base-uncased   Transformers' BertTokenizer, from vocab.txt
albert-v2           Transformers' AlbertTokenizer with the vocabulary and the scores of its AlbertConverter: what Transformers
                    makes of the published albert-base-v2, which has a tokenizer.json of that content
albert-sentencepiece    SentencePiece itself, as ALBERT's own code and Transformers' former AlbertTokenizer called it: spaces
                    joined, quotes, accents and case normalised, a piece that ends in digit and comma cut again.
                    `except` lists the texts left out of its hash, on which albert-v2 differs: two ways of cutting a
                    word with the same score, of which SentencePiece takes one by the rounding of its 32-bit sums

Transformers on a folder that holds a spiece.model alone agrees with neither: it adds the model's user-defined symbols, `(`,
`-`, `.` and five others, as tokens that cut the text before the model sees it, and what follows them begins a new word.
`spiece_alone_differs` counts the texts where it does.
"""

import argparse
import hashlib
import json
import os
import re
import struct
import sys
import tempfile
import unicodedata
from pathlib import Path
from shutil import copy

import sentencepiece
import transformers
from transformers import AlbertTokenizer, AutoTokenizer, BertTokenizer, GPT2Tokenizer
from transformers.convert_slow_tokenizer import AlbertConverter, import_protobuf

ROOT = Path(__file__).resolve().parents[2]
FIXTURE = ROOT / "crates/epee-input/tests/fixtures/tokens.json"
DATA = Path(os.environ.get("EPEE_DATA", ROOT / "../shared/data"))
SPIECE = DATA / "tokenizers/albert-v2/spiece.model"

WRITTEN = [
    ("The patient stopped fish oil in May.", None),
    ("Crème brûlée, naïve façade, Ångström, São Tomé, İstanbul, ﬁbre and Straße", None),
    ("``quoted'' and “curly” and ‘single’ and \"straight\" and it's", None),
    ("9,999 of 1,234,567 units, 3.5 mg/kg, 12,5 % and 7, then 2021-05-04 (n=20)", None),
    ("iron 😀 zinc 👩🏽‍⚕️ copper ❤️", None),
    ("  two  leading,\tone tab,\n\na blank line and a\u00a0no-break\u3000ideographic space  ", None),
    ("bell\u0007 null\u0000 zero\u200bwidth soft\u00adhyphen bom\ufeff replaced\ufffd", None),
    ("", None),
    ("   ", None),
    (".", None),
    ("zinc [SEP] iron[SEP]copper [MASK] x [CLS] <pad> <unk> <|endoftext|> end", None),
    ("α-tocopherol, β2-agonist ΣΟΦΟΣ, 维生素D и витамин, ＡＢＣ ①②", None),
    ("tert-butyl(dimethyl)silyl-(E)-\"x\" --- ... £5 €6 – dash", None),
    ("Pneumonoultramicroscopicsilicovolcanoconiosis hydroxychloroquine-induced", None),
    ("fish oil", "The patient takes fish oil (1,000 mg)."),
    ("Zoë's", "«quoted» [SEP] again"),
]


def albert_proto():
    proto = import_protobuf().ModelProto()
    proto.ParseFromString(SPIECE.read_bytes())
    return proto


def albert():
    proto = albert_proto()
    config = json.loads((SPIECE.parent / "tokenizer_config.json").read_text())
    return AlbertTokenizer(
        vocab=AlbertConverter.vocab(None, proto),
        _spm_precompiled_charsmap=proto.normalizer_spec.precompiled_charsmap,
        do_lower_case=config["do_lower_case"],
        keep_accents=config["keep_accents"],
        mask_token=transformers.AddedToken("[MASK]", lstrip=True, special=True),
    )


class SlowAlbert:
    """Transformers' AlbertTokenizer before its fifth version, on SentencePiece."""

    SPECIAL = re.compile(r"(<pad>|<unk>|\[CLS\]|\[SEP\]|\s*\[MASK\])")

    def __init__(self):
        self.model = sentencepiece.SentencePieceProcessor(model_file=str(SPIECE))

    def normalise(self, text):
        text = " ".join(text.strip().split()).replace("``", '"').replace("''", '"')
        return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()

    def plain(self, text):
        pieces = []
        for piece in self.model.encode(self.normalise(text), out_type=str):
            if len(piece) > 1 and piece[-1] == "," and piece[-2].isdigit():
                again = self.model.encode(piece[:-1].replace("▁", ""), out_type=str)
                if piece[0] != "▁" and again[0][0] == "▁":
                    again = again[1:] if len(again[0]) == 1 else [again[0][1:], *again[1:]]
                pieces += [*again, ","]
            else:
                pieces.append(piece)
        return [self.model.piece_to_id(piece) for piece in pieces]

    def ids(self, text):
        ids = []
        for i, part in enumerate(self.SPECIAL.split(text)):
            ids += [self.model.piece_to_id(part.strip())] if i % 2 else self.plain(part)
        return ids

    def __call__(self, text, pair=None, **_):
        first = [2, *self.ids(text), 3]
        second = [] if pair is None else [*self.ids(pair), 3]
        return {"input_ids": first + second, "token_type_ids": [0] * len(first) + [1] * len(second)}


def files():
    for split in ["train", "dev", "test"]:
        name = f"phee/{split}.json"
        rows = [json.loads(line) for line in open(DATA / name, encoding="utf-8")]
        yield name, [row["context"] for row in rows]
    for split in ["train", "dev", "test"]:
        name = f"git/renew_triplet_T_{split}.jsonl"
        rows = [json.loads(line) for line in open(DATA / name, encoding="utf-8")]
        yield name, [row[key] for row in rows for key in ["SUBJECT_TEXT", "OBJECT_TEXT", "SENTENCE"]]


def digest(all_ids):
    sha = hashlib.sha256()
    for ids in all_ids:
        sha.update(struct.pack(f"<{len(ids) + 1}I", len(ids), *ids))
    return sha.hexdigest()


def entry(tokenizer, against=None, segments=True):
    splits = {}
    for name, texts in files():
        ids = [tokenizer(text)["input_ids"] for text in texts]
        splits[name] = {"count": len(texts)}
        if against is not None:
            other = [i for i, text in enumerate(texts) if against(text)["input_ids"] != ids[i]]
            assert len(other) < 5, (name, other)
            splits[name]["except"] = other
            ids = [row for i, row in enumerate(ids) if i not in other]
        splits[name]["sha256"] = digest(ids)
    written = []
    for text, pair in WRITTEN:
        out = tokenizer(*([text] if pair is None else [text, pair]), return_token_type_ids=True)
        written.append({"ids": list(out["input_ids"]), "types": list(out["token_type_ids"]) if segments else None})
    return {"files": splits, "written": written}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--check", action="store_true")
    check = arguments.parse_args().check
    transformers.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        copy(DATA / "tokenizers/bert-base-uncased/vocab.txt", folder)
        bert = BertTokenizer.from_pretrained(folder)
    fast = albert()
    alone = AutoTokenizer.from_pretrained(SPIECE.parent)
    fixture = {
        "about": {
            "transformers": transformers.__version__,
            "sentencepiece": sentencepiece.__version__,
            "spiece_alone_differs": {
                name: sum(alone(text)["input_ids"] != fast(text)["input_ids"] for text in texts) for name, texts in files()
            },
        },
        "texts": [{"text": text, "pair": pair} for text, pair in WRITTEN],
        "tokenizers": {
            "gpt2": entry(GPT2Tokenizer.from_pretrained(DATA / "tokenizers/gpt2"), segments=False),
            "bert-base-uncased": entry(bert),
            "albert-v2": entry(fast),
            "albert-sentencepiece": entry(SlowAlbert(), fast),
        },
    }
    lines = json.dumps(fixture, ensure_ascii=True, indent=1)
    lines = re.sub(r"\[[\d,\s]*\]", lambda match: re.sub(r"\s+", "", match[0]), lines) + "\n"
    if not check:
        FIXTURE.parent.mkdir(parents=True, exist_ok=True)
        FIXTURE.write_text(lines)
    elif FIXTURE.read_text() != lines:
        sys.exit(f"{FIXTURE} is not what this script makes")


if __name__ == "__main__":
    main()
