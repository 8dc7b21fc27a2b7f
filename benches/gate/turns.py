"""Gates in turns, over real sockets: a reference server that is started anew at every switch, whose first token of the head comes as late as
that of the base (A/A), or later (A/B). Each line is one gate: exit code, seconds, and what became of each gated latency."""

import argparse
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

STAGEGATE = os.path.abspath(os.environ["STAGEGATE"])

UP = """#!/bin/sh
if [ "$STAGEGATE_SIDE" = head ]; then ttft={head}; else ttft={base}; fi
{stagegate} calibrate --serve --port {port} --ttft $ttft --gap 1ms > /dev/null 2>&1 &
"""

MANIFEST = """version = 1
[deployment]
name = "turns"
[stage.chat]
kind = "chat"
url = "http://127.0.0.1:{port}/v1/chat/completions"
model = "reference"
stream = true
max_tokens = 20
messages = [{{ role = "user", content = "hello" }}]
[load.peak]
target = "chat"
arrivals = {{ process = "poisson", rate = "60/s" }}
duration = "{slice}"
warmup = "300ms"
seed = {seed}
[gate]
loads = ["peak"]
[gate.switch]
base = "./up"
head = "./up"
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def git(folder, *arguments):
    who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost.example"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def project(folder, base, head, slice_, seed):
    port = free_port()
    up = os.path.join(folder, "up")
    with open(up, "w") as file:
        file.write(UP.format(base=base, head=head, port=port, stagegate=STAGEGATE))
    os.chmod(up, 0o755)
    with open(os.path.join(folder, "stagegate.toml"), "w") as file:
        file.write(MANIFEST.format(port=port, slice=slice_, seed=seed))
    git(folder, "init", "-q")
    for release in ("one", "two"):
        with open(os.path.join(folder, "release"), "w") as file:
            file.write(release)
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", release)


def gate(base, head, slice_, seed):
    folder = tempfile.mkdtemp()
    try:
        project(folder, base, head, slice_, seed)
        began = time.monotonic()
        done = subprocess.run([STAGEGATE, "gate", "--format", "json"], cwd=folder, capture_output=True, text=True)
        took = time.monotonic() - began
    finally:
        shutil.rmtree(folder)
    rows = json.loads(done.stdout).get("comparisons", [])
    rows = [row for row in rows if row["method"].startswith("rounds_t")]
    said = ", ".join(f"{row['metric'].split('chat.')[1]} {row['verdict']} {100 * row['change']:+.1f} % in {row['n']}" for row in rows)
    print(f"{head:>6} exit {done.returncode}  {took:4.0f} s  {said or done.stderr[-300:]}", flush=True)
    return done.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="gates of each kind")
    parser.add_argument("--base", default="20ms", help="time to the first token of the base")
    parser.add_argument("--slower", default="22ms", help="of the head in the A/B")
    parser.add_argument("--slice", default="3s", help="how long each side is measured in a round")
    arguments = parser.parse_args()
    for head in (arguments.base, arguments.slower):
        codes = [gate(arguments.base, head, arguments.slice, seed) for seed in range(1, arguments.times + 1)]
        counts = ", ".join(f"{codes.count(code)} with {code}" for code in sorted(set(codes)))
        print(f"{head}: of {len(codes)} gates {counts}")


if __name__ == "__main__":
    main()
