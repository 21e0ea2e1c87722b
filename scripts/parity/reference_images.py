#!/usr/bin/env python3
"""Makes the parity fixture of epee-data's images with Pillow and Hugging Face Transformers.

    .venv/bin/python scripts/parity/reference_images.py            writes crates/epee-input/tests/fixtures/images.safetensors
    .venv/bin/python scripts/parity/reference_images.py --check    compares instead of writing; exit status 1 if they differ

image.NAME u8 [h, w, c]      seeded pictures: noise, smooth ones with noise, edges
resized.I u8 [H, W, c]       Pillow's resize of one of them; which, and with which filter, is in the metadata
processed.I f32 [C, H, W]    Transformers' ViTImageProcessorPil or DeiTImageProcessorPil, by a preprocessor_config.json
file.NAME u8 [n]             PNG and JPEG files that Pillow wrote
decoded.NAME u8 [h, w, c]    and what it reads in them

The metadata has one key, `about`: JSON with versions, `resized` (a list of image, filter as Pillow numbers it) and
`processed` (a list of image, config).
"""

import argparse
import io
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import PIL
import transformers
from PIL import Image
from safetensors.numpy import save_file
from transformers.models.deit.image_processing_pil_deit import DeiTImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

FIXTURE = Path(__file__).resolve().parents[2] / "crates/epee-input/tests/fixtures/images.safetensors"

# Where each picture goes: larger, smaller, odd, one side alone.
SIZES = {
    "grey": [(56, 56), (14, 14), (31, 19), (28, 9)],
    "rgb": [(56, 40), (13, 13), (28, 11)],
    "wide": [(7, 60), (24, 24)],
    "tall": [(16, 16), (90, 5)],
    "line": [(5, 5)],
}

VIT = {"image_processor_type": "ViTImageProcessor"}
CONFIGS = [
    ("rgb", {"size": {"height": 32, "width": 24}}),
    ("grey", {"size": 20, "resample": 3, "image_mean": [0.4], "image_std": [0.25]}),
    ("wide", {"size": [16, 18], "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 1}),
    ("rgb", {"do_resize": False, "do_rescale": False, "do_normalize": False, "size": 28}),
    ("tall", {"size": {"shortest_edge": 21}, "do_center_crop": True, "crop_size": {"height": 17, "width": 20}}),
    ("wide", {"size": {"shortest_edge": 15}, "do_center_crop": True, "crop_size": 22, "resample": 4}),
    ("rgb", {"size": 19, "rescale_factor": 0.00784313725490196, "image_mean": [1, 1, 1], "image_std": [1, 1, 1]}),
    ("rgb", {"image_processor_type": "DeiTImageProcessor", "size": 36, "crop_size": 31}),
]


def pictures() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)

    def smooth(h: int, w: int, c: int) -> np.ndarray:
        y, x = np.mgrid[0:h, 0:w][..., None] / 9.0
        phase = np.arange(c)
        base = 128 + 90 * np.sin(y + phase) * np.cos(1.3 * x - phase) + rng.normal(0, 12, (h, w, c))
        return np.clip(base, 0, 255).astype(np.uint8)

    def edges(h: int, w: int, c: int) -> np.ndarray:
        return np.repeat(rng.integers(0, 2, (h, w, 1), dtype=np.uint8) * 255, c, axis=2)

    return {
        "grey": smooth(28, 28, 1),
        "rgb": rng.integers(0, 256, (28, 28, 3), dtype=np.uint8),
        "wide": smooth(37, 91, 3),
        "tall": smooth(83, 40, 3),
        "line": edges(1, 17, 1),
    }


def pil(array: np.ndarray) -> Image.Image:
    return Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)


def hwc(image: Image.Image) -> np.ndarray:
    array = np.asarray(image)
    return np.ascontiguousarray(array[..., None] if array.ndim == 2 else array)


def files(images: dict[str, np.ndarray]) -> dict[str, tuple[bytes, Image.Image]]:
    def written(image: Image.Image, **options) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, **options)
        return buffer.getvalue()

    rgb, grey = pil(images["wide"]), pil(images["grey"])
    alpha = Image.fromarray(np.linspace(0, 255, 37 * 91).reshape(37, 91).astype(np.uint8))
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    variants = {
        "rgb.png": (rgb, {"format": "PNG"}, "RGB"),
        "grey.png": (grey, {"format": "PNG"}, "L"),
        "rgba.png": (rgba, {"format": "PNG"}, "RGB"),
        "palette.png": (rgb.quantize(16), {"format": "PNG"}, "RGB"),
        "bits.png": (grey.convert("1"), {"format": "PNG"}, "L"),
        "rgb420.jpg": (rgb, {"format": "JPEG", "quality": 85, "subsampling": 2}, "RGB"),
        "rgb444.jpg": (rgb, {"format": "JPEG", "quality": 95, "subsampling": 0}, "RGB"),
        "grey.jpg": (grey, {"format": "JPEG", "quality": 85}, "L"),
    }
    out = {}
    for name, (image, options, mode) in variants.items():
        data = written(image, **options)
        out[name] = (data, Image.open(io.BytesIO(data)).convert(mode))
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    images = pictures()
    tensors = {f"image.{name}": array for name, array in images.items()}
    resized, processed = [], []
    for name, sizes in SIZES.items():
        for height, width in sizes:
            for code in range(6):
                out = pil(images[name]).resize((width, height), resample=code)
                tensors[f"resized.{len(resized)}"] = hwc(out)
                resized.append({"image": name, "filter": code})
    for name, config in CONFIGS:
        config = VIT | config
        kind = DeiTImageProcessorPil if config["image_processor_type"].startswith("DeiT") else ViTImageProcessorPil
        fields = {key: value for key, value in config.items() if key != "image_processor_type"}
        out = kind(**fields)(pil(images[name]), return_tensors="np")["pixel_values"][0]
        tensors[f"processed.{len(processed)}"] = np.ascontiguousarray(out.astype(np.float32))
        processed.append({"image": name, "config": config})
    for name, (data, decoded) in files(images).items():
        tensors[f"file.{name}"] = np.frombuffer(data, dtype=np.uint8)
        tensors[f"decoded.{name}"] = hwc(decoded)
    about = {
        "versions": {"pillow": PIL.__version__, "transformers": transformers.__version__, "numpy": np.__version__},
        "resized": resized,
        "processed": processed,
    }
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=FIXTURE.parent) as file:
        save_file(tensors, file.name, metadata={"about": json.dumps(about)})
        data = Path(file.name).read_bytes()
    if check:
        same = FIXTURE.read_bytes() == data
        print(f"{FIXTURE.name}: {'the same' if same else 'differs'}")
        return 0 if same else 1
    FIXTURE.write_bytes(data)
    print(f"{FIXTURE.name}: {len(data)} bytes, {len(resized)} resized, {len(processed)} processed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
