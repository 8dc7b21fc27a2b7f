"""Asks the model by itself, without stagegate: client.py MODEL_URL GOLDEN OUT

Writes into OUT what the first questions of the golden set are answered with (`expected.jsonl`, a golden set of its own), and prints
as JSON how many chunks of a stream hold content, the median time to the first of them, and the median gap, in ms.
"""

import json
import statistics
import sys
import time
import urllib.request

ASKED, TOKENS = 20, 16


def ask(url, question, stream):
    body = {
        "messages": [{"role": "user", "content": question}],
        "max_tokens": TOKENS,
        "temperature": 0,
        "stream": stream,
    }
    request = urllib.request.Request(
        url + "/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    return urllib.request.urlopen(request, timeout=60)


def main(url, golden, out):
    questions = [json.loads(line)["input"]["question"] for line in open(golden)][:ASKED]
    firsts, gaps, chunks = [], [], []
    with open(out, "w") as written:
        for number, question in enumerate(questions):
            began = time.perf_counter()
            text, last, count = "", None, 0
            with ask(url, question, True) as answer:
                for line in answer:
                    if not line.startswith(b"data: ") or line.strip() == b"data: [DONE]":
                        continue
                    now = time.perf_counter()
                    piece = json.loads(line[6:])["choices"][0]["delta"].get("content")
                    if not piece:
                        continue
                    if last is None:
                        firsts.append((now - began) * 1e3)
                    else:
                        gaps.append((now - last) * 1e3)
                    text, last, count = text + piece, now, count + 1
            chunks.append(count)
            with ask(url, question, False) as answer:
                whole = json.load(answer)["choices"][0]["message"]["content"]
            case = {"id": f"m{number}", "input": {"question": question}, "expected": {"stream": text, "whole": whole}}
            written.write(json.dumps(case) + "\n")
    print(json.dumps({
        "chunks": sum(chunks), "ttft": statistics.median(firsts), "gap": statistics.median(gaps), "asked": len(questions),
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
