"""Greedy tokens of checkpoints in vLLM and in transformers: `python -m tests.drills.greedy_tokens DIRECTORY …`.

Prints one line of JSON a directory: both lists, one entry a prompt.
"""

import json
import os
import sys

os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
PROMPTS = ("Plan 3.", "How long is a train of 4 cars?", "12 + 30")
TOKENS = 16


def main() -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from vllm import LLM, SamplingParams

    for directory in sys.argv[1:]:
        tokenizer = AutoTokenizer.from_pretrained(directory)
        chats = [[{"role": "user", "content": prompt}] for prompt in PROMPTS]
        template = {"add_generation_prompt": True, "tokenize": True, "return_dict": True}
        ids = [tokenizer.apply_chat_template(chat, **template)["input_ids"] for chat in chats]
        model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32)
        expected = []
        for prompt in ids:
            made = model.generate(torch.tensor([prompt]), max_new_tokens=TOKENS, do_sample=False)
            expected.append(made[0, len(prompt) :].tolist())
        engine = LLM(
            model=directory,
            dtype="float32",
            enforce_eager=True,
            max_model_len=128,
            distributed_executor_backend="uni",
            disable_log_stats=True,
        )
        sampling = SamplingParams(temperature=0.0, max_tokens=TOKENS)
        made = engine.generate([{"prompt_token_ids": prompt} for prompt in ids], sampling, use_tqdm=False)
        found = [list(output.outputs[0].token_ids) for output in made]
        print(json.dumps({"vllm": found, "transformers": expected}), flush=True)


if __name__ == "__main__":
    main()
