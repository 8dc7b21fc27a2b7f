// Counts the tokens of every word of src/plan/words.txt in real vocabularies; each must be one behind a space.
// Usage: node tokens.mjs WORDS. Needs the packages that `tests/real/tokens` installs.
import { readFileSync } from "node:fs";
import * as r50k from "gpt-tokenizer/encoding/r50k_base";
import * as cl100k from "gpt-tokenizer/encoding/cl100k_base";
import * as o200k from "gpt-tokenizer/encoding/o200k_base";
import llama2 from "llama-tokenizer-js";
import llama3 from "llama3-tokenizer-js";
import mistral from "mistral-tokenizer-js";

const count = {
  "r50k (GPT-2)": (text) => r50k.encode(text).length,
  "cl100k (GPT-4)": (text) => cl100k.encode(text).length,
  "o200k (GPT-4o)": (text) => o200k.encode(text).length,
  "Llama 2": (text) => llama2.encode(text, false, false).length,
  "Llama 3": (text) => llama3.encode(text, { bos: false, eos: false }).length,
  Mistral: (text) => mistral.encode(text, false, false).length,
};

const words = readFileSync(process.argv[2], "utf8").trim().split(/\s+/);
let failed = 0;
for (const [name, tokens] of Object.entries(count)) {
  const wrong = words.filter((word) => tokens(`the ${word} the`) !== 3);
  const all = tokens(words.join(" "));
  failed += wrong.length + (all === words.length ? 0 : 1);
  console.log(`${name}: ${words.length} words, ${all} tokens${wrong.length ? `; not one each: ${wrong.join(" ")}` : ""}`);
}
process.exit(failed ? 1 : 0);
