"""The load engine beside its peers: server on core 1, client on core 0, rounds interleaved, medians shown.

Peers that are not installed are left out: benches/load/peers installs them. Each figure names its command in
docs/performance.md.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from running import HERE, STAGEGATE, Server, client

INSTALLED = os.path.abspath(os.environ.get("PEERS", os.path.join(HERE, "../../target/peers")))
os.environ["PATH"] += f":{INSTALLED}/bin:{INSTALLED}/venv/bin"
PEERS = {name: shutil.which(name) for name in ("wrk", "oha", "hey")}
SLOW_PEERS = [name for name in ("aiperf", "guidellm") if shutil.which(name)]
# The two load the tokenizer that `peers` made, and ask no hub for one.
os.environ.update(HF_HUB_CACHE=f"{INSTALLED}/hub", HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
TOKENIZER = f"{INSTALLED}/hub/models--local--words/snapshots/{'0' * 40}"

# The closed loop of streams: how many at once, and how long each takes where nothing comes late.
STREAMS = 256
STREAM_S = 0.050 + 127 * 0.005

# About 250 streams at once, 5 ms apart; and 2,600 at once, 20 tokens a second each.
OPEN_STREAMS = [("flood", 360, 128, []), ("many", 2500, 20, ["--gap", "50ms", "--tokens", "20"])]

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
arrivals = {{ rate = "200.025/s" }}
duration = "40s"
[load.frozen_few]
target = "plain"
arrivals = {{ rate = "200.025/s" }}
duration = "40s"
connections = 16
[load.streams]
target = "chat"
arrivals = {{ concurrency = 256 }}
requests = {streams}
"""


def stagegate(folder, load, watch=False):
    run = client([STAGEGATE, "load", load, "--format", "json"], folder, watch)
    return json.loads(run.out), run


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
                    _, run = stagegate(folder, "closed")
                elif name == "wrk":
                    run = client(["wrk", "-t1", "-c60", "-d3s", server.url])
                elif name == "oha":
                    run = client(["oha", "--no-tui", "-n", str(requests), "-c", "60", server.url])
                else:
                    run = client(["hey", "-n", str(requests), "-c", "60", server.url])
                # What the server counted, less the request for the count itself, which it does not count.
                count = server.stats()["requests"]
                found.setdefault(name, []).append(run.cpu / count * 100_000)
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
                entry = {"gap_cv": seen["gap_cv"], "rate_error": seen["rate"] / 2000 - 1}
                found.setdefault(name, []).append(entry)
    return medians(found)


def lag(rounds, folder):
    """Schedule lag at 10,000 a second, in µs."""
    with Server() as server:
        write(folder, server.url)
        lags = [stagegate(folder, "fast")[0]["generator"]["schedule_lag_ms"] for _ in range(rounds)]
    return {stat: statistics.median(it[stat] for it in lags) * 1000 for stat in ("p50", "p99")}


def frozen(folder, load):
    """A server that stands still for 200 ms every 2 s, 200 requests a second: the percentiles against the analytic ones.

    A tenth of the requests falls into a pause and waits for its rest, evenly distributed over 0 to 200 ms, and then for the
    0.1 ms of any request. At 200 a second sharp, each pause would begin at the same point between two requests, and all
    waits be off by up to 5 ms; 200.025 goes once through all points in the 20 pauses.
    """
    # A server of its own, whose pauses are counted from its start: 20 whole ones fall into the run, which begins between two.
    with Server("--freeze", "200ms/2s") as server:
        write(folder, server.url)
        time.sleep(0.5)
        result, _ = stagegate(folder, load)
    metric = result["stages"]["plain"]["metrics"]["response_time"]
    return {
        stat: {"seen": metric[stat], "right": right, "error": metric[stat] / right - 1}
        for stat, right in (("p95", 100.1), ("p99", 180.1))
    }


def streams(rounds, requests, slow_requests, folder):
    """256 streams in a closed loop, 128 tokens 5 ms apart after 50 ms: client CPU per million tokens, share of the ideal."""
    found = {}
    reader = build_reader(folder)
    names = ["stagegate"] + ["oha"] * bool(PEERS["oha"]) + ["reader"] * bool(reader)
    plan = [(name, requests) for _ in range(rounds) for name in names]
    if slow_requests:
        plan += [(name, slow_requests) for name in SLOW_PEERS]
    with Server() as server:
        write(folder, server.url, streams=requests)
        port = server.url.rpartition(":")[2]
        for name, count in plan:
            server.stats()
            if name == "stagegate":
                result, run = stagegate(folder, "streams", watch=True)
                stage = result["stages"]["chat"]
                said = stage["metrics"]["ttft"]["p99"]
                share = STREAM_S / (stage["metrics"]["service_time"]["mean"] / 1000)
            elif name == "oha":
                command = ["oha", "--no-tui", "-n", str(count), "-c", str(STREAMS), "-m", "POST", "-d", body(128)]
                run = client([*command, "--output-format", "json", f"{server.url}/v1/chat/completions"], watch=True)
                said, share = None, STREAM_S / json.loads(run.out)["summary"]["average"]
            elif name == "reader":
                run = client([reader, "closed", port, str(STREAMS), str(count)], watch=True)
                said, share = None, count / json.loads(run.out)["wall_s"] / (STREAMS / STREAM_S)
            else:
                run, said = {"aiperf": aiperf, "guidellm": guidellm}[name](server.url, count, folder)
                share = None
            seen = server.stats()
            # The server's own view, for all alike: from the first request to the end of the last one's answer.
            served = seen["requests"] / (seen["span_s"] + STREAM_S) / (STREAMS / STREAM_S)
            entry = {"cpu": run.cpu / (seen["requests"] * 128) * 1e6, "mb": run.mb, "requests": seen["requests"]}
            # A client that lags behind cannot be asked for its share.
            entry.update(share=served if share is None else share, served=served, ttft_p99_ms=said)
            found.setdefault(name, []).append(entry)
    return medians(found)


def build_reader(folder):
    """Builds the bare reader; None without a C compiler."""
    if not shutil.which("cc"):
        return None
    reader = os.path.join(folder, "reader")
    subprocess.run(["cc", "-O2", "-o", reader, f"{HERE}/reader.c", "-lm"], check=True)
    return reader


def aiperf(url, requests, folder):
    """Runs aiperf; returns the run, and the 99th percentile of TTFT that it says, in ms."""
    load = ["--concurrency", str(STREAMS), "--request-count", str(requests), "--isl", "16", "--osl", "128"]
    quiet = ["--ui", "none", "--no-gpu-telemetry", "--no-server-metrics", "--export-level", "summary"]
    command = ["aiperf", "profile", "--model", "reference", "--url", url, "--endpoint-type", "chat", "--streaming"]
    command += ["--tokenizer", "local/words", "--artifact-dir", f"{folder}/aiperf"]
    run = client([*command, *load, *quiet], folder, watch=True, limit=300)
    with open(f"{folder}/aiperf/profile_export_aiperf.json") as file:
        return run, json.load(file)["time_to_first_token"]["p99"]


def guidellm(url, requests, folder):
    """Runs guidellm; returns the run, and the 99th percentile of TTFT that it says, in ms."""
    command = ["guidellm", "run", "--disable-console", "--profile", f"kind=concurrent,streams={STREAMS}"]
    # Without validation: its look at the server's health would count as a request.
    command += ["--backend", f"kind=openai_http,target={url},model=reference,validate_backend=false"]
    command += ["--constraint", f"kind=max_requests,count={requests}", "--tokenizer", f"kind=hf_auto,model={TOKENIZER}"]
    command += ["--data", "kind=synthetic_text,prompt_tokens=16,output_tokens=128"]
    command += ["--output", f"kind=json,path={folder}/guidellm.json"]
    run = client(command, folder, watch=True, limit=300)
    with open(f"{folder}/guidellm.json") as file:
        metrics = json.load(file)["benchmarks"][0]["metrics"]
    return run, metrics["time_to_first_token_ms"]["successful"]["percentiles"]["p99"]


def errors(rounds, rate, tokens, flags, folder):
    """Streams in an open loop: how far the read times are from the server's, in ms; the bare reader alternates with stagegate."""
    reader = build_reader(folder)
    found = {}
    with Server(*flags) as server:
        for _ in range(rounds):
            command = [STAGEGATE, "calibrate", "--against", server.url, "--rate", f"{rate}/s", "--duration", "10s"]
            run = client([*command, "--format", "json"], folder)
            entry = {"code": run.code, **spread(json.loads(run.out))}
            found.setdefault("stagegate", []).append(entry)
            if reader:
                run = client([reader, "open", server.url.rpartition(":")[2], str(rate), "10", "2", str(tokens)])
                found.setdefault("reader", []).append({"code": run.code, **spread(json.loads(run.out))})
    return medians(found)


def spread(said):
    return {f"{what} {stat}": said[f"{what}_error_ms"][stat] for what in ("ttft", "gap") for stat in ("p50", "p99", "max")}


def soak(folder):
    """Peak memory at a million and at ten million requests."""
    found = {}
    with Server() as server:
        for requests in (1_000_000, 10_000_000):
            write(folder, server.url, requests=requests)
            result, _ = stagegate(folder, "closed")
            found[requests] = {"mb": result["generator"]["peak_rss_mb"], "ok": result["stages"]["plain"]["ok"]}
    return found


def medians(found):
    """Returns the median of each figure over a client's rounds."""
    middle = lambda values: None if None in values else statistics.median(values)
    return {name: {key: middle([it[key] for it in entries]) for key in entries[0]} for name, entries in found.items()}


def write(folder, url, requests=100_000, streams=4096):
    with open(os.path.join(folder, "stagegate.toml"), "w") as file:
        file.write(MANIFEST.format(url=url, requests=requests, streams=streams))


def main():
    tests = ["closed", "paced", "lag", "frozen", "streams", "flood", "many"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=tests, default=tests, metavar="TEST", help=f"of {', '.join(tests)}")
    parser.add_argument("--requests", type=int, default=200_000, metavar="N", help="plain requests of a round and client")
    parser.add_argument("--streams", type=int, default=4096, metavar="N", help="streams of a round and client")
    parser.add_argument("--slow-peers", action="store_true", help="also run aiperf and guidellm, once each, about a minute")
    parser.add_argument("--slow-streams", type=int, default=2048, metavar="N", help="streams of each of these two")
    parser.add_argument("--soak", action="store_true", help="also send 11 million requests, to see that memory stays")
    parser.add_argument("--json", metavar="PATH", help="write all figures to this file")
    arguments = parser.parse_args()
    rounds, only = arguments.rounds, arguments.only
    wanted = [*PEERS, *(["aiperf", "guidellm"] if arguments.slow_peers else [])]
    missing = [name for name in wanted if not PEERS.get(name) and name not in SLOW_PEERS]
    if missing:
        print(f"not installed, left out: {', '.join(missing)}", file=sys.stderr)
    began = time.monotonic()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        if "closed" in only:
            print("client CPU s per 100,000 requests, 60 connections")
            found["closed"] = closed(rounds, arguments.requests, folder)
            for name, value in found["closed"].items():
                print(f"  {name:10} {value:6.3f}")
        if "paced" in only:
            print("open loop, 2,000/s for 10 s, as the server saw it")
            found["paced"] = paced(rounds, folder)
            for name, value in found["paced"].items():
                print(f"  {name:10} CV {value['gap_cv']:5.2f}  rate error {100 * value['rate_error']:+.3f} %")
        if "lag" in only:
            found["lag_us"] = value = lag(rounds, folder)
            print(f"schedule lag at 10,000/s: p50 {value['p50']:.0f} µs, p99 {value['p99']:.0f} µs")
        if "frozen" in only:
            print("server frozen for 200 ms every 2 s, 200/s for 40 s")
            found["frozen"] = {"pooled": frozen(folder, "frozen"), "16 connections": frozen(folder, "frozen_few")}
            for name, stats in found["frozen"].items():
                for stat, value in stats.items():
                    print(f"  {name:15} {stat} {value['seen']:.1f} ms, analytic {value['right']:.1f} ms: {100 * value['error']:+.1f} %")
        if "streams" in only:
            print("closed loop, 256 streams, 128 tokens 5 ms apart")
            slow = arguments.slow_streams if arguments.slow_peers else 0
            found["streams"] = streams(rounds, arguments.streams, slow, folder)
            for name, value in found["streams"].items():
                said = f", says TTFT p99 {value['ttft_p99_ms']:.1f} ms" if value["ttft_p99_ms"] else ""
                share = f"{value['share']:.3f} of the ideal load, {value['served']:.3f} as the server saw it"
                print(f"  {name:10} {value['cpu']:6.2f} CPU s per million tokens, {share}, {value['mb']:.0f} MB{said}")
        for name, rate, tokens, flags in OPEN_STREAMS:
            if name in only:
                print(f"open loop, {rate} streams/s: ms between the client's reads and the server's record")
                found[name] = errors(rounds, rate, tokens, flags, folder)
                for client_name, value in found[name].items():
                    shown = ", ".join(f"{what} {value[what]:.3f}" for what in value if what != "code")
                    print(f"  {client_name:10} {shown}" + (" (NOT VALID)" if value["code"] else ""))
        if arguments.soak:
            found["soak"] = soak(folder)
            for requests, value in found["soak"].items():
                print(f"{requests:,} requests: {value['ok']:,} ok, {value['mb']:.1f} MB at most")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(found, file, indent=1)
    print(f"took {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
