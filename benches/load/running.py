"""What compare.py and starved.py share: the reference server on core 1, clients on core 0, and what these use."""

import glob
import json
import os
import re
import resource
import signal
import subprocess
import threading
import urllib.request
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
STAGEGATE = os.path.abspath(os.environ.get("STAGEGATE", f"{HERE}/../../target/release/stagegate"))

Run = namedtuple("Run", "out cpu mb code")


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


class Memory(threading.Thread):
    """The peak of a process tree's memory in MB, looked at every 50 ms; pages that its processes share count in each."""

    def __init__(self, root):
        super().__init__()
        self.root = root
        self.peak = 0.0
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.05):
            self.peak = max(self.peak, sum(map(resident, tree(self.root))) / 1e6)

    def stop(self):
        self.over.set()
        self.join()
        return self.peak


def tree(root):
    """Returns a process and all that it started."""
    found = [root]
    for process in found:
        for file in glob.glob(f"/proc/{process}/task/*/children"):
            found.extend(map(int, text_of(file).split()))
    return found


def resident(process):
    """Returns how many bytes of a process are in memory; none when it has gone."""
    pages = text_of(f"/proc/{process}/statm").split()
    return int(pages[1]) * resource.getpagesize() if pages else 0


def text_of(file):
    try:
        with open(file) as opened:
            return opened.read()
    except OSError:
        return ""


def client(command, folder=".", watch=False, limit=600, before_start=None):
    """Runs a client on core 0; returns its output, the CPU seconds of it and all that it started, and, watched, their memory."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["taskset", "-c", "0", *command]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    process = subprocess.Popen(command, cwd=folder, preexec_fn=before_start, **quiet)
    memory = Memory(process.pid) if watch else None
    try:
        out, _ = process.communicate(timeout=limit)
    except BaseException:
        # The last first, so that none is left without a parent that is known.
        for each in reversed(tree(process.pid)):
            os.kill(each, signal.SIGKILL)
        process.wait()
        raise
    finally:
        peak = memory.stop() if memory else None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return Run(out, cpu, peak, process.returncode)
