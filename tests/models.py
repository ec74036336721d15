"""A model directory that has all that is checked before an engine starts, and nothing that could answer."""

from pathlib import Path

EMPTY_SAFETENSORS = (2).to_bytes(8, "little") + b"{}"  # a valid file without a tensor


def write_model(path: Path, weights: bytes = EMPTY_SAFETENSORS) -> Path:
    """Weights, config, tokenizer and chat template under `path`, which is returned."""
    path.mkdir(parents=True)
    (path / "model.safetensors").write_bytes(weights)
    (path / "config.json").write_text('{"model_type": "qwen2"}')
    (path / "tokenizer.json").write_text("{}")
    (path / "chat_template.jinja").write_text("{{ messages }}")
    (path / "README.md").write_text("not part of it")
    return path
