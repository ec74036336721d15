"""Random-weight Qwen2 models with a small tokenizer: what tests and benchmarks run on when the answer does not matter.

The tokenizer has one token a byte, and filler words up to the vocabulary's size, so that every id that a random model
samples can be read as text. The chat template is ChatML.
"""

from dataclasses import dataclass
from pathlib import Path

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Sizes of a Qwen2 decoder with tied embeddings."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int = 2048


TINY = Shape(hidden=192, layers=5, heads=6, intermediate=512, vocabulary=1024)  # 2.4M parameters
MEDIUM = Shape(hidden=768, layers=14, heads=12, intermediate=2560, vocabulary=32_768)  # 148M parameters


def write_random_model(directory: Path, shape: Shape = TINY, *, seed: int = 0, scale: float = 0.05) -> Path:
    """Weights (float32 safetensors), config, tokenizer and chat template under `directory`, which is returned.

    `scale` is the standard deviation of the weights: larger makes the next-token distribution sharper.
    """
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(seed)
    config = Qwen2Config(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        intermediate_size=shape.intermediate,
        vocab_size=shape.vocabulary,
        max_position_embeddings=shape.positions,
        tie_word_embeddings=True,
        initializer_range=scale,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=0,
        torch_dtype="float32",
    )
    Qwen2ForCausalLM(config).save_pretrained(directory, safe_serialization=True)
    _write_tokenizer(directory, shape.vocabulary)
    return directory


def _write_tokenizer(directory: Path, vocabulary: int) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = [*SPECIAL_TOKENS, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    words += [f"Ġw{number}" for number in range(vocabulary - len(words))]  # Ġ is a blank in the byte-level alphabet
    tokenizer = Tokenizer(models.BPE(vocab={word: index for index, word in enumerate(words)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(directory)
