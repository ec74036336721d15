"""The base model's tokenizer, before the model itself is needed: how long rows are, and whether it can be used."""

from pathlib import Path
from typing import Any

from reasonflux.errors import BadInput
from reasonflux.training.rows import Chat, Length


def load_tokenizer(directory: Path, name: str) -> Any:
    """The tokenizer in `directory`; raises `BadInput` that names the base `name` where it cannot be trained with."""
    from transformers import PreTrainedTokenizerFast  # without torch, which AutoTokenizer takes seconds to load

    if not (directory / "tokenizer.json").is_file():
        raise BadInput(f"the tokenizer of {name} has no tokenizer.json", "Save it with a current transformers")
    try:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(directory, local_files_only=True)
    except Exception as error:  # the library raises whatever its parsers do
        raise BadInput(f"the tokenizer of {name} cannot be read: {error}", "Copy the model anew") from error
    if not tokenizer.chat_template:
        raise BadInput(f"the tokenizer of {name} has no chat template", "Add chat_template.jinja beside it")
    if tokenizer.eos_token is None:
        raise BadInput(f"the tokenizer of {name} has no end-of-sequence token", "Set eos_token in its config")
    return tokenizer


def length_by(tokenizer: Any, name: str) -> Length:
    """Tokens of a conversation by the tokenizer's chat template."""

    def length(chat: Chat) -> int:
        try:
            return len(tokenizer.apply_chat_template(list(chat), tokenize=True, return_dict=True)["input_ids"])
        except Exception as error:  # a template is a program of the model's makers
            raise BadInput(f"the chat template of {name} refuses a row: {error}", "Mend data or template") from error

    return length
