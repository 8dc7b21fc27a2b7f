"""Fills Chroma with two releases of one index: `v1` is right, `v2` has a fault of the kind that no error shows.

In `v2` the ingestion pairs every third batch of documents with its vectors shifted by one, so that each of them is found
by its neighbour's meaning. Ids, texts, counts and latencies are those of `v1`.

    ingest.py CHROMA_PORT DOCUMENTS.jsonl
"""

import json
import pathlib
import sys

import chromadb
import numpy as np

from embed import Model

BATCH = 32


def create(chroma, index):
    return chroma.create_collection(f"docs-{index}", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None)


def main(port, documents_path):
    documents = [json.loads(line) for line in pathlib.Path(documents_path).read_text().splitlines()]
    model = Model()
    chroma = chromadb.HttpClient(host="127.0.0.1", port=int(port))
    right, broken = create(chroma, "v1"), create(chroma, "v2")
    shifted = 0
    for number, start in enumerate(range(0, len(documents), BATCH)):
        batch = documents[start : start + BATCH]
        ids, texts = [doc["id"] for doc in batch], [doc["text"] for doc in batch]
        vectors = np.array([model.embed(text) for text in texts])
        right.add(ids=ids, documents=texts, embeddings=vectors)
        if number % 3 == 1:
            vectors = np.roll(vectors, 1, axis=0)
            shifted += len(batch)
        broken.add(ids=ids, documents=texts, embeddings=vectors)
    print(json.dumps({"v1": right.count(), "v2": broken.count(), "shifted": shifted}))


if __name__ == "__main__":
    main(*sys.argv[1:])
