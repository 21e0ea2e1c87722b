#!/usr/bin/env python3
"""Writes crates/epee-train/tests/fixtures/tensorboard.tfevents: events as TensorBoard's own writer frames them.

    pip install tensorboard==2.21.0
    python3 scripts/parity/reference_tensorboard.py
"""

from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

OUT = Path(__file__).resolve().parents[2] / "crates/epee-train/tests/fixtures/tensorboard.tfevents"


def scalars(values):
    return Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values])


def main():
    values = [("train/loss", 0.75), ("dev_macro_f1/exit_12", 1 / 3)]
    events = [
        Event(wall_time=1_700_000_000.25, file_version="brain.Event:2"),
        Event(wall_time=1_700_000_000.5, step=300, session_log=SessionLog(status=SessionLog.START)),
        Event(wall_time=1_700_000_001.0, step=300, summary=scalars(values)),
        Event(wall_time=1_700_000_002.0, step=4_000_000_000, summary=scalars(values[:1])),
    ]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    with OUT.open("wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString(deterministic=True))
        writer.flush()


if __name__ == "__main__":
    main()
