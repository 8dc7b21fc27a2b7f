"""A small orchestrator: searches, then asks the model with what was found.

    POST /ask {"question": "…"}  ->  {"answer": "…", "sources": ["id", …], "model": "…"}
    GET  /stats                  ->  {"asked": 0}

    orchestrator.py PORT SEARCH_URL MODEL_URL
"""

import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def post(url, document):
    request = urllib.request.Request(url, json.dumps(document).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    search = model = ""
    lock = threading.Lock()
    asked = 0

    def do_GET(self):
        with self.lock:
            self.reply(200, {"asked": Handler.asked})

    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))["question"]
        hits = post(self.search + "/search", {"question": question, "k": 3})["hits"]
        said = post(
            self.model + "/v1/chat/completions",
            {
                "messages": [{"role": "user", "content": question}],
                "max_tokens": 8,
                "temperature": 0,
            },
        )
        with self.lock:
            Handler.asked += 1
        answer = said["choices"][0]["message"]["content"]
        self.reply(200, {"answer": answer, "sources": [hit["id"] for hit in hits], "model": said["model"]})

    def reply(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    port, Handler.search, Handler.model = sys.argv[1:]
    Server(("127.0.0.1", int(port)), Handler).serve_forever()
