"""The testbed's tokenizer: byte-pair encoding in which every digit is a token of its own, and the chat template."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reasonflux.records import Message

if TYPE_CHECKING:  # seconds to import, which those who only write prompts do not need
    from transformers import PreTrainedTokenizerFast

CONTEXT = 512  # tokens
START, END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# words with their leading blank, single digits, line ends, runs of signs, other blanks
_PIECES = r" ?\p{L}+|\p{N}|\n| ?[^\s\p{L}\p{N}]+|\s+"


def chat_prompt(messages: Sequence[Message]) -> str:
    """What the chat template makes of the messages, with the turn of the assistant opened; a test holds them equal."""
    turns = "".join(f"{START}{message.role}\n{message.content}{END}\n" for message in messages)
    return f"{turns}{START}assistant\n"


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> "PreTrainedTokenizerFast":
    """Learn the merges of `texts`, up to `vocabulary` tokens; the same texts give the same tokenizer."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=PAD, model_max_length=CONTEXT)
    fast.chat_template = CHAT_TEMPLATE
    return fast


def load_tokenizer(directory: Path) -> "PreTrainedTokenizerFast":
    """The tokenizer files of a model directory."""
    from transformers import PreTrainedTokenizerFast

    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(directory)
    return tokenizer
