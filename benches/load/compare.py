"""The load engine beside its peers: server on core 1, client on core 0, rounds interleaved, medians shown.

Peers that are not installed are left out. Each figure names its command in docs/performance.md.
"""

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

STAGEGATE = os.environ["STAGEGATE"]
PEERS = {name: shutil.which(name) for name in ("wrk", "oha", "hey")}

MANIFEST = """version = 1
[stage.plain]
kind = "http"
url = "{url}/"
[stage.chat]
kind = "chat"
url = "{url}/v1/chat/completions"
model = "reference"
stream = true
messages = [{{ role = "user", content = "hello" }}]
[load.closed]
target = "plain"
arrivals = {{ concurrency = 60 }}
requests = {requests}
[load.open]
target = "plain"
arrivals = {{ rate = "2000/s" }}
duration = "10s"
[load.fast]
target = "plain"
arrivals = {{ rate = "10000/s" }}
duration = "10s"
[load.frozen]
target = "plain"
arrivals = {{ rate = "1000/s" }}
duration = "20s"
[load.streams]
target = "chat"
arrivals = {{ concurrency = 256 }}
requests = 4096
[load.flood]
target = "chat"
arrivals = {{ process = "poisson", rate = "360/s" }}
duration = "10s"
warmup = "2s"
[load.many]
target = "chat"
arrivals = {{ process = "poisson", rate = "{many}/s" }}
duration = "6s"
warmup = "3s"
"""


class Server:
    """The reference server on core 1."""

    def __init__(self, *flags):
        command = ["taskset", "-c", "1", STAGEGATE, "calibrate", "--serve", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = re.search(r"http://\S+", self.process.stdout.readline()).group()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def stats(self):
        """Returns what the server saw since the last call."""
        with urllib.request.urlopen(f"{self.url}/stats?reset") as answer:
            return json.load(answer)


def client(command, folder="."):
    """Runs a client on core 0; returns its output, its CPU seconds, and its peak memory in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(["taskset", "-c", "0", *command], cwd=folder, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return done.stdout, cpu


def stagegate(folder, load):
    out, cpu = client([STAGEGATE, "load", load, "--format", "json"], folder)
    return json.loads(out), cpu


def body(tokens):
    return json.dumps({"model": "reference", "stream": True, "max_tokens": tokens, "messages": []})


def closed(rounds, requests, folder):
    """Client CPU per 100,000 keep-alive requests, 60 connections."""
    found = {}
    with Server() as server:
        write(folder, server.url, requests=requests)
        for _ in range(rounds):
            for name in ["stagegate", *[peer for peer in PEERS if PEERS[peer]]]:
                server.stats()
                if name == "stagegate":
                    _, cpu = stagegate(folder, "closed")
                elif name == "wrk":
                    _, cpu = client(["wrk", "-t1", "-c60", "-d3s", server.url])
                elif name == "oha":
                    _, cpu = client(["oha", "--no-tui", "-n", str(requests), "-c", "60", server.url])
                else:
                    _, cpu = client(["hey", "-n", str(requests), "-c", "60", server.url])
                # What the server counted, less the request for the count itself, which it does not count.
                count = server.stats()["requests"]
                found.setdefault(name, []).append(cpu / count * 100_000)
    return {name: statistics.median(values) for name, values in found.items()}


def paced(rounds, folder):
    """Open loop, 2,000 a second for 10 s: how the gaps vary that the server sees, and the rate."""
    found = {}
    with Server() as server:
        write(folder, server.url)
        for _ in range(rounds):
            for name in ["stagegate", *[peer for peer in ("oha", "hey") if PEERS[peer]]]:
                server.stats()
                if name == "stagegate":
                    stagegate(folder, "open")
                elif name == "oha":
                    client(["oha", "--no-tui", "-q", "2000", "-z", "10s", "-c", "50", "--latency-correction", server.url])
                else:
                    client(["hey", "-q", "40", "-z", "10s", "-c", "50", server.url])
                seen = server.stats()
                found.setdefault(name, []).append((seen["gap_cv"], seen["rate"] / 2000 - 1))
    middle = statistics.median
    return {name: {"gap_cv": middle(cv for cv, _ in it), "rate_error": middle(e for _, e in it)} for name, it in found.items()}


def lag(rounds, folder):
    """Schedule lag at 10,000 a second."""
    with Server() as server:
        write(folder, server.url)
        lags = [stagegate(folder, "fast")[0]["generator"]["schedule_lag_ms"] for _ in range(rounds)]
    return {stat: statistics.median(it[stat] for it in lags) * 1000 for stat in ("p50", "p99")}


def frozen(folder):
    """A server that stands still for 200 ms every 2 s, 1,000 requests a second: the percentiles against the analytic ones.

    A tenth of the requests falls into a pause and waits for its rest, evenly distributed over 0 to 200 ms.
    """
    with Server("--freeze", "200ms/2s") as server:
        write(folder, server.url)
        # Ten whole pauses fall into the run, when it does not begin in one.
        time.sleep(0.5)
        run, _ = stagegate(folder, "frozen")
    metric = run["stages"]["plain"]["metrics"]["response_time"]
    return {"p95": (metric["p95"], 100.0), "p99": (metric["p99"], 180.0)}


def streams(rounds, folder):
    """256 streams in a closed loop, 128 tokens 5 ms apart after 50 ms: client CPU per million tokens, share of the ideal."""
    found = {}
    ideal = 0.050 + 127 * 0.005
    with Server() as server:
        write(folder, server.url)
        for _ in range(rounds):
            run, cpu = stagegate(folder, "streams")
            stage = run["stages"]["chat"]
            mean = stage["metrics"]["service_time"]["mean"] / 1000
            entry = {"cpu": cpu / stage["tokens"]["output"] * 1e6, "share": ideal / mean, "mb": run["generator"]["peak_rss_mb"]}
            found.setdefault("stagegate", []).append(entry)
            if PEERS["oha"]:
                command = ["oha", "--no-tui", "-n", "4096", "-c", "256", "-m", "POST", "-d", body(128), "--output-format", "json"]
                out, cpu = client([*command, f"{server.url}/v1/chat/completions"])
                mean = json.loads(out)["summary"]["average"]
                entry = {"cpu": cpu / (4096 * 128) * 1e6, "share": ideal / mean}
                found.setdefault("oha", []).append(entry)
    middle = lambda entries: {key: statistics.median(it[key] for it in entries) for key in entries[0]}
    return {name: middle(entries) for name, entries in found.items()}


def flood(folder, load, *flags, **values):
    """Streams in an open loop: the median and the 99th percentile of TTFT and gaps against what the server did."""
    with Server(*flags) as server:
        write(folder, server.url, **values)
        run, cpu = stagegate(folder, load)
    metrics = run["stages"]["chat"]["metrics"]
    pick = lambda name: {stat: metrics[name][stat] for stat in ("p50", "p99", "max")}
    return {"ttft": pick("ttft"), "gap": pick("chunk_gap"), "validity": run["validity"]["verdict"], "ok": run["stages"]["chat"]["ok"]}


def soak(folder):
    """Peak memory at a million and at ten million requests."""
    found = {}
    with Server() as server:
        for requests in (1_000_000, 10_000_000):
            write(folder, server.url, requests=requests)
            run, _ = stagegate(folder, "closed")
            found[requests] = (run["generator"]["peak_rss_mb"], run["stages"]["plain"]["ok"])
    return found


def write(folder, url, requests=100_000, many=2500):
    with open(os.path.join(folder, "stagegate.toml"), "w") as file:
        file.write(MANIFEST.format(url=url, requests=requests, many=many))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--soak", action="store_true", help="also send 11 million requests, to see that memory stays")
    arguments = parser.parse_args()
    rounds = arguments.rounds
    missing = [name for name, path in PEERS.items() if not path]
    if missing:
        print(f"not installed, left out: {', '.join(missing)}", file=sys.stderr)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        print("client CPU s per 100,000 requests, 60 connections")
        for name, value in closed(rounds, 200_000, folder).items():
            print(f"  {name:10} {value:6.3f}")
        print("open loop, 2,000/s for 10 s, as the server saw it")
        for name, value in paced(rounds, folder).items():
            print(f"  {name:10} CV {value['gap_cv']:5.2f}  rate error {100 * value['rate_error']:+.3f} %")
        value = lag(rounds, folder)
        print(f"schedule lag at 10,000/s: p50 {value['p50']:.0f} µs, p99 {value['p99']:.0f} µs")
        print("server frozen for 200 ms every 2 s, 1,000/s")
        for stat, (seen, right) in frozen(folder).items():
            print(f"  {stat} {seen:.1f} ms, analytic {right:.0f} ms: {100 * (seen / right - 1):+.1f} %")
        print("closed loop, 256 streams, 128 tokens 5 ms apart")
        for name, value in streams(rounds, folder).items():
            memory = f", {value['mb']:.0f} MB" if "mb" in value else ""
            print(f"  {name:10} {value['cpu']:6.2f} CPU s per million tokens, {value['share']:.3f} of the ideal load{memory}")
        value = flood(folder, "flood")
        print(f"open loop, 360 streams/s, about 250 open: TTFT {value['ttft']}, right 50; gap {value['gap']}, right 5; {value['validity']}")
        value = flood(folder, "many", "--gap", "50ms", "--tokens", "20", many=2500)
        print(f"2,500 streams at once, 20 tokens/s each: TTFT {value['ttft']}, right 50; gap {value['gap']}, right 50; {value['validity']}")
        if arguments.soak:
            for requests, (memory, ok) in soak(folder).items():
                print(f"{requests:,} requests: {ok:,} ok, {memory:.1f} MB at most")
    print(f"took {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
