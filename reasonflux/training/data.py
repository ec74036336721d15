"""The rows of a training out of what a recipe names: pairs, a template library, or rows of messages. No torch here.

Data sets are untrusted: a row of another shape is refused with its place, and nothing but role and content is kept.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reasonflux.errors import BadInput
from reasonflux.identity import digest
from reasonflux.inputs import open_input
from reasonflux.library.load import load_library
from reasonflux.reasoning.prompt_set import PromptSet
from reasonflux.training.recipe import TrainingRecipe
from reasonflux.training.released import conversational
from reasonflux.training.rows import SIDES, Length, Row, Unusable, check_left_out, structure_rows, unusable

LINES = (".jsonl", ".jsonl.gz", ".jsonl.xz", ".jsonl.bz2")
PARQUET = ".parquet"
REFERENCE = ("ref_chosen_logps", "ref_rejected_logps")  # TRL's columns: nats, summed over an answer's tokens
REFERENCE_OF = "reference"  # column: digest of the checkpoint that they are of
RELEASED = ("instruction", "conversations")  # what tells LLaMA-Factory's formats
READ = (
    *("messages", "prompt", "completion", "chosen", "rejected", *REFERENCE, REFERENCE_OF),
    *(*RELEASED, "input", "output", "system", "history"),
)


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    """Usable rows, in the order of their source."""

    rows: tuple[Row, ...]
    digest: str  # of the usable rows' texts
    left_out: Mapping[str, int]  # rows by reason

    @property
    def reference(self) -> str | None:
        """Digest of the checkpoint whose log-probabilities every row holds; None where there are none."""
        found = {row.get(REFERENCE_OF) for row in self.rows}
        return next(iter(found)) if len(found) == 1 else None


def usable_rows(recipe: TrainingRecipe, length: Length) -> TrainingData:
    """Reads a recipe's data and leaves out what cannot be trained on; raises `BadInput`, see `check_left_out` too."""
    kept: list[Row] = []
    left_out: Counter[Unusable] = Counter()
    for row in read_rows(recipe):
        reason = unusable(row, length, recipe.cutoff)
        if reason is None:
            kept.append(row)
        else:
            left_out[reason] += 1
    check_left_out(recipe.data, len(kept) + left_out.total(), left_out, recipe.most_over_cutoff)
    texts = ([row[side] for side in ("prompt", *SIDES) if side in row] for row in kept)
    told = {reason.value: count for reason, count in sorted(left_out.items())}
    return TrainingData(rows=tuple(kept), digest=digest("rows", [digest(*text) for text in texts]), left_out=told)


def read_rows(recipe: TrainingRecipe) -> Iterator[Row]:
    """A recipe's rows as they are; raises `BadInput` where the data is missing or of another shape."""
    if recipe.stage == "structure_sft":
        yield from structure_rows(load_library(recipe.data), PromptSet.load(recipe.prompts))
        return
    sides = ("chosen", "rejected") if recipe.stage == "dpo" else ("completion",)
    for place, rows in _sources(recipe):
        for number, row in enumerate(rows, start=1):
            yield _chats(row, sides, f"row {number} of {place}")


def _sources(recipe: TrainingRecipe) -> Iterator[tuple[str, Iterable[Any]]]:
    """Each file's name and its rows: one file, or the Parquet files of the recipe's role in a published data set."""
    for data in (recipe.data, *recipe.replayed):
        if data.endswith(LINES):
            yield data, _json_lines(data)
        elif data.endswith(PARQUET):
            yield data, _parquet_rows(data)
        else:
            for place in _parquet_files(data, recipe.role):
                yield place, _parquet_rows(place)


def _parquet_files(place: str, role: str) -> list[str]:
    import fsspec

    try:
        filesystem, root = fsspec.core.url_to_fs(place.rstrip("/"))
        for directory in (f"{root}/{role}", root):
            found = [str(path) for path in sorted(filesystem.glob(f"{directory}/*{PARQUET}"))]
            if found:
                return [filesystem.unstrip_protocol(path) for path in found]
    except Exception as error:  # each filesystem has errors of its own
        raise BadInput(
            f"{place} cannot be read: {error or type(error).__name__}", "Check data, and its access"
        ) from error
    raise BadInput(
        f"{place} holds no Parquet file, neither itself nor in {role}/",
        "Set data to a published data set of pairs, a .parquet or a .jsonl file",
    )


def _parquet_rows(place: str) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_input(place, "data") as file:
        try:
            source = pq.ParquetFile(file)
            columns = [name for name in READ if name in source.schema_arrow.names]
            for batch in source.iter_batches(columns=columns):
                yield from batch.to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"{place} is no Parquet file that can be read: {error}", "Check data") from error


def _json_lines(place: str) -> Iterator[Any]:
    import json

    with open_input(place, "data") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadInput(f"line {number} of {place} is no JSON: {error}", "Mend the line") from error


def _chats(row: Any, sides: tuple[str, ...], where: str) -> Row:
    """TRL's conversational row; the last message of `messages` is the completion, and a bare text is one message."""
    if isinstance(row, dict) and any(row.get(name) for name in RELEASED):
        row = _released(row, where)
    if isinstance(row, dict) and isinstance(row.get("messages"), list) and "completion" in sides:
        messages = _chat(row["messages"], "user", where)
        if messages and messages[-1]["role"] != "assistant":
            raise BadInput(f"{where}: its last message is not the assistant's", "End each conversation with the answer")
        return {"prompt": messages[:-1], "completion": messages[-1:]}
    if not isinstance(row, dict) or any(row.get(name) is None for name in ("prompt", *sides)):
        wanted = "messages, or prompt and completion" if "completion" in sides else "prompt, chosen and rejected"
        raise BadInput(f"{where} lacks {wanted}", "Check data and stage: they do not fit together")
    chats: dict[str, Any] = {"prompt": _chat(row["prompt"], "user", where)}
    chats |= {side: _chat(row[side], "assistant", where) for side in sides}
    if "chosen" in sides and isinstance(row.get(REFERENCE_OF), str):
        chats |= {name: row[name] for name in (*REFERENCE, REFERENCE_OF)}
    return chats


def _released(row: dict[str, Any], where: str) -> Row:
    try:
        return conversational(row)
    except BadInput as error:
        raise BadInput(f"{where}: {error.what}", error.remedy) from error
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise BadInput(f"{where}: {error}", "Its columns do not hold what their names say") from error


def _chat(value: Any, role: str, where: str) -> list[dict[str, str]]:
    if isinstance(value, str):
        return [{"role": role, "content": value}]
    if isinstance(value, list) and all(isinstance(message, dict) for message in value):
        chat = [{"role": message.get("role"), "content": message.get("content")} for message in value]
        if all(isinstance(text, str) for message in chat for text in message.values()):
            return chat
    raise BadInput(f"{where}: a message is not a role and a content", 'Write [{"role": "user", "content": "…"}]')
