"""How often a starved client is told so, and how often one that is not: `validity.verdict` of `stagegate load`.

Each load runs unstarved and then starved, in turn by busy processes of a higher priority on the client's core and by a CPU
quota of 20 to 60 % of what the unstarved run took (a quota above what a run needs would not starve it). Server on core 1,
client on core 0. Ends with 1 where fewer than 99 % of the starved runs were told, or more than 1 % of the others.
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter

from running import STAGEGATE, Server, client

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
[load.open]
target = "plain"
arrivals = {{ rate = "2000/s" }}
duration = "3s"
[load.closed]
target = "plain"
arrivals = {{ concurrency = 60 }}
duration = "3s"
[load.streams]
target = "chat"
arrivals = {{ concurrency = 256 }}
duration = "4s"
"""
LOADS = ["open", "closed", "streams"]
SHARES = [0.2, 0.3, 0.4, 0.5, 0.6]
PERIOD_US = 100_000
# It ends by itself, should nobody end it.
SPIN = "import time\nend = time.monotonic() + 180\nwhile time.monotonic() < end: pass"


@contextlib.contextmanager
def busy(processes):
    """Keeps core 0 busy meanwhile."""
    priority = ["nice", "-n", "-15"] if os.geteuid() == 0 else []
    command = ["taskset", "-c", "0", *priority, sys.executable, "-c", SPIN]
    spinning = [subprocess.Popen(command) for _ in range(processes)]
    try:
        # Until they spin.
        time.sleep(0.3)
        yield
    finally:
        for each in spinning:
            each.kill()
            each.wait()


class Quota:
    """A control group with a CPU quota, of version 1 or 2; `make` returns None where there can be none."""

    def __init__(self, folder, version):
        self.folder, self.version = folder, version

    @classmethod
    def make(cls):
        with open("/proc/mounts") as file:
            mounts = [line.split()[1:4] for line in file]
        for path, kind, options in mounts:
            version = {"cgroup": 1, "cgroup2": 2}.get(kind)
            if version == 1 and "cpu" not in options.split(","):
                continue
            folder = f"{path}/stagegate-starved-{os.getpid()}"
            with contextlib.suppress(OSError):
                if version == 2:
                    put(f"{path}/cgroup.subtree_control", "+cpu")
                if version:
                    os.mkdir(folder)
                    return cls(folder, version)
        return None

    def set(self, share):
        quota = max(1000, int(share * PERIOD_US))
        if self.version == 2:
            put(f"{self.folder}/cpu.max", f"{quota} {PERIOD_US}")
        else:
            put(f"{self.folder}/cpu.cfs_period_us", PERIOD_US)
            put(f"{self.folder}/cpu.cfs_quota_us", quota)

    def enter(self):
        put(f"{self.folder}/cgroup.procs", os.getpid())

    def throttled(self):
        """Returns for how many ms the group was throttled so far."""
        with open(f"{self.folder}/cpu.stat") as file:
            words = dict(line.split() for line in file)
        return int(words["throttled_usec"]) / 1e3 if self.version == 2 else int(words["throttled_time"]) / 1e6

    def remove(self):
        os.rmdir(self.folder)


def put(file, value):
    with open(file, "w") as opened:
        opened.write(str(value))


def judged(folder, load, before_start=None):
    """Runs a load; returns its verdict, the reasons, and which share of a core it took."""
    began = time.monotonic()
    run = client([STAGEGATE, "load", load, "--format", "json"], folder, limit=150, before_start=before_start)
    share = run.cpu / (time.monotonic() - began)
    try:
        validity = json.loads(run.out)["validity"]
    except (ValueError, KeyError):
        return {"verdict": f"none, exit code {run.code}", "reasons": [], "share": share}
    return {"verdict": validity["verdict"], "reasons": validity["reasons"], "share": share}


def starve(folder, load, way, need, processes, quota, share):
    if way == "busy":
        with busy(processes):
            return judged(folder, load)
    quota.set(share * need)
    before = quota.throttled()
    found = judged(folder, load, quota.enter)
    return found | {"quota": share, "throttled_ms": quota.throttled() - before}


def show(runs):
    """Prints verdicts and reasons by load, with the numbers taken out of the reasons."""
    for key in sorted({(run["load"], run["way"]) for run in runs}):
        those = [run for run in runs if (run["load"], run["way"]) == key]
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in Counter(run["verdict"] for run in those).items())
        print(f"  {key[0]:8} {key[1]:9} {verdicts}")
        for reason, count in Counter(re.sub(r"[\d.]*\d", "N", why) for run in those for why in run["reasons"]).items():
            print(f"    {count} × {reason}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=100, help="runs of each sort")
    parser.add_argument("--load", nargs="+", choices=LOADS, default=LOADS, help="in turn")
    parser.add_argument("--way", nargs="+", choices=["busy", "quota"], default=["busy", "quota"], help="how to starve, in turn")
    parser.add_argument("--busy", type=int, default=3, metavar="K", help="busy processes")
    parser.add_argument("--json", metavar="PATH", help="write every run to this file")
    arguments = parser.parse_args()
    ways = arguments.way
    quota = Quota.make() if "quota" in ways else None
    if "quota" in ways and not quota:
        print("no control group can be made here: quotas are left out", file=sys.stderr)
        ways = ["busy"]
    free, starved = [], []
    try:
        with tempfile.TemporaryDirectory() as folder, Server() as server:
            with open(f"{folder}/stagegate.toml", "w") as file:
                file.write(MANIFEST.format(url=server.url))
            for number in range(arguments.n):
                # All loads one way, then the other way; each time around with the next share.
                load = arguments.load[number % len(arguments.load)]
                around = number // len(arguments.load)
                way = ways[around % len(ways)]
                share = SHARES[around // len(ways) % len(SHARES)]
                found = judged(folder, load)
                free.append({"load": load, "way": "unstarved"} | found)
                found = starve(folder, load, way, found["share"], arguments.busy, quota, share)
                starved.append({"load": load, "way": way} | found)
    finally:
        if quota:
            quota.remove()
        if arguments.json:
            put(arguments.json, json.dumps({"unstarved": free, "starved": starved}, indent=1))
    told = sum(run["verdict"] in ("degraded", "invalid") for run in starved)
    alarms = sum(run["verdict"] != "valid" for run in free)
    print(f"starved: {told} of {len(starved)} told")
    show(starved)
    for run in starved:
        if run["verdict"] not in ("degraded", "invalid"):
            print(f"  not told: {run}")
    print(f"not starved: {alarms} of {len(free)} told")
    show(free)
    return told < 0.99 * len(starved) or alarms > 0.01 * len(free)


if __name__ == "__main__":
    sys.exit(main())
