"""Writes a tokenizer of one word into the folder named, laid out as a model hub's cache: aiperf takes a tokenizer by a hub's
name only, and guidellm a path. Every word is a token, which is all that they need to know about the reference server.
"""

import os
import sys

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

repository = os.path.join(sys.argv[1], "models--local--words")
commit = "0" * 40

# Every word is unknown and stands as "word", so that prompts made up from tokens are not empty.
vocabulary = {"word": 0, "<s>": 1, "</s>": 2, "<pad>": 3}
tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="word"))
tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
fast.save_pretrained(os.path.join(repository, "snapshots", commit))

os.makedirs(os.path.join(repository, "refs"), exist_ok=True)
with open(os.path.join(repository, "refs", "main"), "w") as file:
    file.write(commit)
