"""Judges one expression over the JSON documents in a folder: exit 0 when it holds.

Each NAME.json is a variable, its keys are attributes (`eval_v1.release.tag`) or items. The functions below recount, from
their published formulas, what stagegate computes.

    assert.py FOLDER EXPRESSION
"""

import json
import math
import pathlib
import sys
from statistics import NormalDist

Z = NormalDist().inv_cdf(0.975)


class Document(dict):
    __getattr__ = dict.__getitem__


def close(a, b, tolerance=1e-9):
    if isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(close(*pair, tolerance) for pair in zip(a, b))
    if isinstance(b, dict):
        return a.keys() == b.keys() and all(close(a[key], b[key], tolerance) for key in b)
    return a is not None and abs(a - b) <= tolerance


def wilson(passed, n):
    centre = (passed + Z * Z / 2) / (n + Z * Z)
    half = Z / (n + Z * Z) * math.sqrt(passed * (n - passed) / n + Z * Z / 4)
    return centre - half, centre + half


def mid_p(broke, fixed):
    """The two-sided mid-p of so many changes for the worse and for the better."""
    n, fewer = broke + fixed, min(broke, fixed)
    below = sum(math.comb(n, i) for i in range(fewer))
    return min(1.0, 2 * (below + math.comb(n, fewer) / 2) / 2**n)


def score(broke, fixed, n, drop):
    """Tango's statistic for a drop of a paired share."""
    b = (2 * n - broke + fixed) * drop - broke - fixed
    c = -fixed * drop * (1 - drop)
    q = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    return (broke - fixed - n * drop) / math.sqrt(n * (2 * q + drop - drop * drop))


def lowest_change(broke, fixed, n):
    """The change at which Tango's statistic reaches the lower 2.5 %."""
    low, high = (broke - fixed) / n, 1.0
    for _ in range(100):
        drop = (low + high) / 2
        low, high = (low, drop) if score(broke, fixed, n, drop) < -Z else (drop, high)
    return -high


def tango(broke, fixed, n):
    """The 95 % interval of the change of a paired share."""
    return lowest_change(broke, fixed, n), -lowest_change(fixed, broke, n)


def comparison(diff, metric):
    [found] = [c for c in diff["comparisons"] if c["metric"] == metric]
    return found


def passed(run):
    return sorted(case["id"] for case in run["eval"]["cases"] if case["passed"])


def scores(run, assertion):
    return {case["id"]: case["assertions"][assertion] for case in run["eval"]["cases"]}


def reciprocal_ranks(oracle):
    return {id: 1 / rank if rank else 0.0 for id, rank in oracle["ranks"].items()}


def load(folder):
    documents = {}
    for path in pathlib.Path(folder).glob("*.json"):
        try:
            documents[path.stem] = json.loads(path.read_text(), object_hook=Document)
        except ValueError:
            pass  # a command that failed left no document; whatever asks for it fails by name
    return documents


def sides(expression, names):
    """What was compared, to show why it does not hold."""
    if expression.startswith("close("):
        return eval(expression, {**names, "close": lambda *compared: compared})[:2]
    return [eval(side, names) for side in expression.split(" == ")] if expression.count(" == ") == 1 else []


def main(folder, expression):
    names = {**globals(), **load(folder)}
    try:
        if eval(expression, names):
            return 0
        print(f"      false: {expression}")
        for side in sides(expression, names):
            print(f"        {str(side)[:400]}")
    except Exception as error:
        print(f"      {type(error).__name__}: {error}, in {expression}")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
