"""Asks the service every question of the golden set itself, and counts recall and MRR a second time, in plain Python.

    oracle.py URL GOLDEN.jsonl
"""

import json
import pathlib
import sys
import urllib.request
from collections import defaultdict


def rank(url, case):
    """The place of the right document among ten, from 1; 0 when it is not there."""
    body = json.dumps({"question": case["input"]["question"], "k": 10}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/search", body), timeout=30) as answer:
        ids = [hit["id"] for hit in json.load(answer)["hits"]]
    [right] = case["expected"]["ids"]
    return ids.index(right) + 1 if right in ids else 0


def mean(values):
    return sum(values) / len(values)


def main(url, golden_path):
    cases = [json.loads(line) for line in pathlib.Path(golden_path).read_text().splitlines()]
    ranks = {case["id"]: rank(url, case) for case in cases}
    found = {id: 1 <= place <= 5 for id, place in ranks.items()}
    modules = defaultdict(list)
    for case in cases:
        modules[case["tags"]["module"]].append(found[case["id"]])
    print(
        json.dumps(
            {
                "cases": len(cases),
                "recall": mean(list(found.values())),
                "mrr": mean([1 / place if place else 0 for place in ranks.values()]),
                "ranks": ranks,
                "passed": sorted(id for id in found if found[id]),
                "slices": {f"module={module}": mean(hits) for module, hits in modules.items()},
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
