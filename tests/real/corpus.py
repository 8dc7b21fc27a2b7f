"""Documents and questions out of the docstrings of the Python standard library.

A question is the first sentence of a docstring; the document that answers it holds the signature and what the docstring
says after that sentence. So the right document of every question is known, and it does not repeat the question.
Docstrings of a single sentence, or that repeat their first one, become documents that nobody asks for. The same Python
gives the same corpus, to the byte.

    corpus.py DOCUMENTS.jsonl GOLDEN.jsonl
"""

import importlib
import inspect
import json
import pathlib
import re
import sys

# In every CPython, harmless to import, and rich enough in docstrings for a slice each.
MODULES = """
    argparse ast base64 calendar codecs collections configparser difflib email.message http.cookiejar inspect io
    ipaddress itertools json logging math mimetypes os pickle platform queue re shutil statistics sys tarfile unittest
    urllib.parse zipfile
""".split()
MAX_PER_MODULE = 16  # so that no module outweighs the others
MAX_CHARS = 600
MIN_WORDS = 8  # in a question, and in the text that answers it


def words(text):
    return re.findall(r"[a-z]{2,}", text.lower())


def members(module):
    """The functions, classes and methods that a module calls its own, by qualified name."""
    public = getattr(module, "__all__", None)
    for name, thing in sorted(vars(module).items()):
        own = name in public if public else belongs_to(module, thing) and not name.startswith("_")
        if own and inspect.isclass(thing):
            yield name, thing
            for method, function in sorted(vars(thing).items()):
                if inspect.isroutine(function) and not method.startswith("_"):
                    yield f"{name}.{method}", function
        elif own and inspect.isroutine(thing):
            yield name, thing


def belongs_to(module, thing):
    return getattr(thing, "__module__", None) == module.__name__


def signature(name, thing):
    try:
        arguments = str(inspect.signature(thing))
    except (TypeError, ValueError):
        arguments = "(...)"
    return name + re.sub(r" at 0x[0-9a-f]+", "", arguments)  # an address would differ from run to run


def split(docstring):
    """The first sentence of a docstring, and all that follows."""
    first = re.match(r".*?(?:[.!?](?=\s)|\n\s*\n|\Z)", docstring.strip(), re.DOTALL).group()
    return " ".join(first.split()), docstring.strip()[len(first) :].strip()


def document(module, name, thing):
    docstring = inspect.getdoc(thing) or ""
    question, answer = split(docstring)
    repeated = " ".join(words(question)) in " ".join(words(answer))
    asked = len(words(question)) >= MIN_WORDS <= len(words(answer)) and not repeated
    text = f"{signature(name, thing)}\n{answer if asked else docstring}"
    return {"id": f"{module}.{name}", "module": module, "text": text[:MAX_CHARS], "question": question if asked else None}


def collect():
    documents, seen = [], set()
    for module in MODULES:
        taken = 0
        for name, thing in members(importlib.import_module(module)):
            docstring = inspect.getdoc(thing) or ""
            if taken < MAX_PER_MODULE and docstring not in seen and len(words(docstring)) >= 2 * MIN_WORDS:
                documents.append(document(module, name, thing))
                seen.add(docstring)
                taken += 1
    return documents


def golden(doc):
    return {
        "id": f"q-{doc['id']}",
        "input": {"question": doc["question"]},
        "expected": {"ids": [doc["id"]]},
        "tags": {"module": doc["module"]},
    }


def write_jsonl(path, rows):
    pathlib.Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))


def main(documents_path, golden_path):
    documents = collect()
    cases = [golden(doc) for doc in documents if doc["question"]]
    write_jsonl(documents_path, documents)
    write_jsonl(golden_path, cases)
    print(json.dumps({"documents": len(documents), "questions": len(cases)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
