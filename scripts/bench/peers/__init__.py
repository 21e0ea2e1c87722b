"""What scripts/bench/bench_peers.py times: graphs, the engines that run them, their turns, and the tables."""

import os

os.environ["CI"] = "true"  # or OpenVINO and NNCF report their use to their makers
