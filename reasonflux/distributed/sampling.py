"""`Sampling` as vLLM's `SamplingParams`, and the check of its names before any engine starts."""

import ast
import difflib
import importlib.util
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from reasonflux.errors import BadInput
from reasonflux.protocols import Sampling

if TYPE_CHECKING:
    from vllm import SamplingParams

OWN = {"temperature", "top_p", "top_k", "max_tokens", "stop", "presence_penalty", "logprobs"}  # fields of `Sampling`
FIXED = {  # what this room sets, and why nobody else may
    "n": "a row is one completion: ask for more rows",
    "seed": "every row has a seed of its own",
    "output_kind": "completions are returned whole",
    "skip_clone": "it is an internal flag of vLLM",
    "detokenize": "a completion's text is always read",
}


def check_sampling(sampling: Sampling) -> None:
    """Raises `BadInput` for what vLLM would refuse by name, with the nearest valid name; starts and imports no engine.

    Where vLLM is not installed (a machine that only submits jobs), names of `extra` are left to the engine.
    """
    kinds = [name for name in ("json_schema", "regex", "choice") if getattr(sampling, name) is not None]
    if len(kinds) > 1 or (kinds and "structured_outputs" in sampling.extra):
        named = " and ".join(kinds + ["extra.structured_outputs"] * ("structured_outputs" in sampling.extra))
        raise BadInput(f"sampling asks for {named} at once", "Give one kind of structured output")
    for name in sampling.extra:
        if name in OWN:
            raise BadInput(f"sampling.extra.{name} has a field of its own", f"Set sampling.{name}")
        if name in FIXED:
            raise BadInput(f"sampling.extra.{name} cannot be set", FIXED[name][0].upper() + FIXED[name][1:])
    check_names("sampling.extra", sampling.extra, "sampling_params", "SamplingParams")


def check_names(where: str, given: dict[str, Any], module: str, *classes: str) -> None:
    """Raises `BadInput` for a key of `given` that is no public field of vLLM's `classes`."""
    if not given:
        return
    valid = vllm_fields(module, *classes)
    for name in given:
        if valid and name not in valid:
            close = difflib.get_close_matches(name, valid, n=1, cutoff=0.5)
            remedy = f"Did you mean {close[0]}?" if close else f"See vLLM's {classes[-1]}"
            raise BadInput(f"{where}.{name} is no parameter of vLLM", remedy)


@cache
def vllm_fields(module: str, *classes: str) -> frozenset[str]:
    """Annotated public fields of classes in a module of vLLM, read from its source: importing it takes seconds."""
    spec = importlib.util.find_spec("vllm")
    if spec is None or spec.origin is None:
        return frozenset()
    path = Path(spec.origin).parent.joinpath(*module.split(".")).with_suffix(".py")
    bodies = [
        node.body
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name in classes
    ]
    fields = {
        item.target.id
        for body in bodies
        for item in body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    return frozenset(name for name in fields if not name.startswith("_"))


def vllm_arguments(sampling: Sampling) -> dict[str, Any]:
    """Keyword arguments of `SamplingParams` that all requests with this sampling share; `seed` is the request's own.

    `logprobs` is at least 0: the sampled tokens' logprobs are what a completion's cumulative logprob is made of.
    """
    from vllm.sampling_params import RepetitionDetectionParams, RequestOutputKind, StructuredOutputsParams

    arguments = dict(sampling.extra)
    if isinstance(arguments.get("structured_outputs"), dict):
        arguments["structured_outputs"] = StructuredOutputsParams(**arguments["structured_outputs"])
    if isinstance(arguments.get("repetition_detection"), dict):
        arguments["repetition_detection"] = RepetitionDetectionParams(**arguments["repetition_detection"])
    if sampling.json_schema is not None:
        arguments["structured_outputs"] = StructuredOutputsParams(json=sampling.json_schema)
    elif sampling.regex is not None:
        arguments["structured_outputs"] = StructuredOutputsParams(regex=sampling.regex)
    elif sampling.choice is not None:
        arguments["structured_outputs"] = StructuredOutputsParams(choice=list(sampling.choice))
    return arguments | {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "max_tokens": sampling.max_tokens,
        "stop": list(sampling.stop) or None,
        "presence_penalty": sampling.presence_penalty,
        "logprobs": sampling.logprobs or 0,
        "output_kind": RequestOutputKind.FINAL_ONLY,
        "skip_clone": True,  # each request has parameters of its own, so that vLLM need not copy them deeply
    }


def vllm_parameters(sampling: Sampling, seed: int | None, *, detokenize: bool = True) -> "SamplingParams":
    """Parameters of one request. Raises `TypeError` or `ValueError` for values that vLLM refuses.

    `detokenize` False leaves the text to the caller, where nothing in between needs it: see `detokenise`.
    """
    from vllm import SamplingParams

    needed = bool(sampling.stop) or sampling.logprobs is not None
    return SamplingParams(seed=seed, detokenize=detokenize or needed, **vllm_arguments(sampling))


def detokenise(tokenizer: Any, prompt: list[int], parameters: "SamplingParams", output: Any) -> str:
    """The text of a finished output that was asked for without it, by vLLM's own detokeniser in one pass.

    Step by step vLLM spends 0.1 ms a token on text, most of it on the text of the sampled token's logprob, which
    nobody reads; in one pass at the end it is a tenth of that.
    """
    from vllm.v1.engine.detokenizer import IncrementalDetokenizer

    request = SimpleNamespace(
        request_id="", prompt_token_ids=prompt, prompt_embeds=None, sampling_params=parameters
    )  # what it reads of an `EngineCoreRequest`
    detokenizer = IncrementalDetokenizer.from_new_request(tokenizer, request)
    detokenizer.update(list(output.token_ids), output.finish_reason == "stop")
    return str(detokenizer.get_next_output_text(finished=True, delta=False))
