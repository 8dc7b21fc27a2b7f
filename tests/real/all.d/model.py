"""Writes a tiny chat model with random weights: model.py OUT.gguf

A llama of two layers over bytes. What it says is nonsense, but the same nonsense each time, token by token, at the pace and
in the shape of a real server.
"""

import sys

import gguf
import numpy as np

LAYERS, WIDTH, HEADS, INNER, CONTEXT = 2, 64, 4, 128, 4096


def vocabulary():
    """The special tokens, every byte, and a few words so that the text has letters in it."""
    special = [("<unk>", gguf.TokenType.UNKNOWN), ("<s>", gguf.TokenType.CONTROL), ("</s>", gguf.TokenType.CONTROL)]
    bytes_ = [(f"<0x{byte:02X}>", gguf.TokenType.BYTE) for byte in range(256)]
    words = ["▁" + word for word in "the a of to and in is that it for was on are as with they at be this from".split()]
    letters = [chr(code) for code in range(33, 127)] + ["▁"]
    return special + bytes_ + [(word, gguf.TokenType.NORMAL) for word in words + letters]


def main(path):
    random = np.random.default_rng(7)
    tokens = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("random-bytes")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([text for text, _ in tokens])
    writer.add_token_scores([0.0 if kind != gguf.TokenType.NORMAL else float(len(text)) for text, kind in tokens])
    writer.add_token_types([int(kind) for _, kind in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)

    def tensor(name, *shape):
        writer.add_tensor(name, (random.standard_normal(shape) * 0.5).astype(np.float32))

    def ones(name):
        writer.add_tensor(name, np.ones(WIDTH, dtype=np.float32))

    tensor("token_embd.weight", len(tokens), WIDTH)
    ones("output_norm.weight")
    output = (random.standard_normal((len(tokens), WIDTH)) * 0.5).astype(np.float32)
    output[:3] = 0.0  # special tokens are never the likeliest, so that an answer has its full length
    writer.add_tensor("output.weight", output)
    for layer in range(LAYERS):
        ones(f"blk.{layer}.attn_norm.weight")
        ones(f"blk.{layer}.ffn_norm.weight")
        for part in "qkv":
            tensor(f"blk.{layer}.attn_{part}.weight", WIDTH, WIDTH)
        tensor(f"blk.{layer}.attn_output.weight", WIDTH, WIDTH)
        tensor(f"blk.{layer}.ffn_gate.weight", INNER, WIDTH)
        tensor(f"blk.{layer}.ffn_up.weight", INNER, WIDTH)
        tensor(f"blk.{layer}.ffn_down.weight", WIDTH, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1])
