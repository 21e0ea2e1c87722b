"""Lines that every table has."""

import importlib.metadata
import platform

from bench_train import BUSY


def threads_of(result):
    return f"{result['threads']} thread{'s' * (result['threads'] > 1)}"


def machine_line(report):
    machine = report["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"{machine['cpu']}, {machine['cpus']} processors. {versions}. `{report['command']}`"


def busy_line(shares):
    """What others took, if it can be told."""
    known = [share for share in shares if share is not None]
    if not known:
        return []
    line = f"Other programs took {max(known):.0%} of the processors" + (" in the worst setting." if len(known) > 1 else ".")
    if max(known) > BUSY:
        line += " **These figures cannot be used: run it again on an idle machine.**"
    return ["", line]


def versions():
    packages = ["torch", "transformers", "onnxruntime", "openvino", "nncf"]
    return {name: importlib.metadata.version(name) for name in packages} | {"Python": platform.python_version()}
