"""The deployment under test: embeds a question and asks Chroma for the nearest documents of one index.

    POST /search {"question": "…", "k": 10}  ->  {"hits": [{"id", "text", "score"}], "index": "v1"}
    GET  /stats                              ->  {"searches": 0, "busy_ms": 0.0, "index": "v1"}

    service.py PORT CHROMA_PORT INDEX
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import chromadb

from embed import Model


class Search:
    """What the service does, and the count it keeps of it: the test holds stagegate's count against this one."""

    def __init__(self, chroma_port, index):
        self.index = index
        self.model = Model()
        self.collection = chromadb.HttpClient(host="127.0.0.1", port=chroma_port).get_collection(
            f"docs-{index}", embedding_function=None
        )
        self.lock = threading.Lock()
        self.searches = 0
        self.busy_ms = 0.0

    def answer(self, request):
        began = time.perf_counter()
        vector = self.model.embed(request["question"])
        found = self.collection.query(query_embeddings=[vector], n_results=int(request.get("k", 5)))
        columns = zip(found["ids"][0], found["documents"][0], found["distances"][0])
        hits = [{"id": id, "text": text, "score": 1 - distance} for id, text, distance in columns]
        with self.lock:
            self.searches += 1
            self.busy_ms += (time.perf_counter() - began) * 1e3
        return {"hits": hits, "index": self.index}

    def stats(self):
        with self.lock:
            return {"searches": self.searches, "busy_ms": self.busy_ms, "index": self.index}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one write
    search: Search

    def do_GET(self):
        self.reply(200, self.search.stats()) if self.path == "/stats" else self.reply(404, {"error": self.path})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/search":
            return self.reply(404, {"error": self.path})
        try:
            request = json.loads(body)
            request["question"]
        except (ValueError, KeyError, TypeError) as error:
            return self.reply(400, {"error": repr(error)})
        self.reply(200, self.search.answer(request))

    def reply(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-index-version", self.search.index)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main(port, chroma_port, index):
    Handler.search = Search(int(chroma_port), index)
    Server(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
