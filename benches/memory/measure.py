"""Starts servers on 127.0.0.1 that give large or hostile answers, and measures stagegate against them."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LIMIT_MB = 300
MEGABYTE = b'{"answer": "' + b"The answer is 4. " * 61_681 + b'"}'
NUMBERS = b'{"answer": "4", "pad": [' + b"1," * 31_457_260 + b"1]}"

MANIFEST = """
version = 1
[deployment]
name = "memory"
[stage.api]
kind = "http"
url = "{url}"
{stage}
body = {{ q = "{{{{ input }}}}" }}
output = {{ text = "$.answer" }}
[load.all]
target = ["api"]
arrivals = {{ concurrency = 8 }}
requests = 1000
data = "golden.jsonl"
score_with = "answers"
[load.flood]
target = ["api"]
arrivals = {{ rate = "1/s" }}
duration = "20s"
data = "golden.jsonl"
[eval.answers]
stage = "api"
golden = "golden.jsonl"
concurrency = 16
[[eval.answers.assert]]
kind = "contains"
value = "4"
"""


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = NUMBERS if self.path == "/numbers" else MEGABYTE
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def flood():
    """Speaks as much HTTP/2 as a greeting takes, then sends PINGs and reads nothing."""

    def send(peer):
        frame = lambda kind, payload: len(payload).to_bytes(3, "big") + bytes([kind, 0, 0, 0, 0, 0]) + payload
        pings = frame(6, b"01234567") * 4096
        try:
            peer.sendall(frame(4, b""))
            until = time.monotonic() + 20
            while time.monotonic() < until:
                peer.sendall(pings)
        except OSError:
            pass
        peer.close()

    def accept():
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=send, args=(peer,), daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def project(url, cases, stage=""):
    folder = tempfile.mkdtemp(prefix="stagegate-memory-")
    with open(os.path.join(folder, "stagegate.toml"), "w") as manifest:
        manifest.write(MANIFEST.format(url=url, stage=stage))
    with open(os.path.join(folder, "golden.jsonl"), "w") as golden:
        for number in range(cases):
            golden.write(f'{{"id": "q{number}", "input": "x"}}\n')
    return folder


def run(folder, *arguments):
    """Returns the peak in MB, the exit code, and the seconds it took."""
    command = ["/usr/bin/time", "-v", os.environ["STAGEGATE"], *arguments, "--format", "json"]
    begun = time.monotonic()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    peak = re.search(r"Maximum resident set size \(kbytes\): (\d+)", done.stderr)
    return int(peak.group(1)) / 1024, done.returncode, time.monotonic() - begun


def interrupted(folder, after):
    """Asks so many cases and is killed; the journal holds them then."""
    process = subprocess.Popen([os.environ["STAGEGATE"], "eval"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journals = os.path.join(folder, ".stagegate", "journal")
    lines = 0
    while process.poll() is None and lines <= after:
        time.sleep(0.05)
        for name in os.listdir(journals) if os.path.isdir(journals) else []:
            with open(os.path.join(journals, name), "rb") as journal:
                lines = sum(block.count(b"\n") for block in iter(lambda: journal.read(1 << 20), b""))
    process.send_signal(signal.SIGKILL)
    process.wait()
    return lines - 1


def main():
    answers, worst = serve(), 0.0
    wanted = set(sys.argv[1:])
    rows = {
        "eval": ("3,000 answers of 1 MB in a suite", answers + "/mb", 3000, "", ["eval"]),
        "load": ("a scored load of 1,000 answers of 1 MB", answers + "/mb", 1000, "", ["load", "all"]),
        "resume": ("a resume of 800 answers of 1 MB", answers + "/mb", 810, "", ["eval", "--resume"]),
        "json": ("one answer of 60 MB, an array of numbers", answers + "/numbers", 1, "", ["eval"]),
        "flood": ("an HTTP/2 server that floods PINGs for 20 s", flood(), 1, 'http_version = "2"', ["load", "flood"]),
    }
    print("| what | MB | exit | s |\n| --- | --- | --- | --- |")
    for key, (what, url, cases, stage, arguments) in rows.items():
        if wanted and key not in wanted:
            continue
        folder = project(url, cases, stage)
        if key == "resume":
            what += f" ({interrupted(folder, 800)} were kept)"
        peak, code, seconds = run(folder, *arguments)
        worst = max(worst, peak)
        print(f"| {what} | {peak:.0f} | {code} | {seconds:.1f} |", flush=True)
        shutil.rmtree(folder)
    if worst >= LIMIT_MB:
        sys.exit(f"{worst:.0f} MB are more than {LIMIT_MB}")


main()
