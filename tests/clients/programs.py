"""Evaluations of what is served by programs of others, as their users run them."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.clients import HERE, installed
from tests.served import KEY, PROBLEMS, Served

DEADLINE_S = 360.0


@dataclass(frozen=True)
class Program:
    """One that runs, given its own environment and nothing of ours."""

    process: "subprocess.Popen[bytes]"
    said: Path

    @classmethod
    def start(cls, command: list[Any], environment: dict[str, str], cwd: Path, said: Path) -> "Program":
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with said.open("wb") as output:
            process = subprocess.Popen(
                list(map(str, command)), cwd=cwd, env=kept | environment, stdout=output, stderr=output
            )
        return cls(process, said)

    def finish(self) -> None:
        """Waits for its end, which has to be a good one."""
        try:
            status = self.process.wait(DEADLINE_S)
        finally:
            self.process.kill()  # nothing, where it has ended
        assert status == 0, self.said.read_text(errors="replace")[-3000:]


def write_problems(served: Served) -> Path:
    """Problems as both programs read them."""
    path = served.directory / "problems.jsonl"
    rows = [{"text": each.text, "gold": each.gold, "boxed": rf"\boxed{{{each.gold}}}"} for each in PROBLEMS]
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def lm_eval(served: Served, name: str) -> Program:
    """lm-evaluation-harness on one application; results in `results_*.json`."""
    directory = served.directory / "lm_eval"
    directory.mkdir()
    (directory / "testbed.yaml").write_text(yaml.safe_dump(_lm_eval_task(write_problems(served))))
    url = f"{served.url(name)}/v1/chat/completions"
    arguments = f"model={name},base_url={url},num_concurrent=4,max_retries=2,tokenized_requests=False"
    command = [installed("lm_eval") / "lm_eval", "--model", "local-chat-completions", "--model_args", arguments]
    command += ["--tasks", "testbed", "--include_path", directory, "--apply_chat_template", "--output_path", directory]
    environment = {"OPENAI_API_KEY": KEY, "HF_HUB_OFFLINE": "1", "HF_HOME": str(directory / "hf")}
    return Program.start(command, environment, directory, directory / "lm_eval.log")


def inspect_ai(served: Served, *names: str) -> Program:
    """inspect_ai on applications; a log of each."""
    directory = served.directory / "inspect"
    directory.mkdir()
    environment = {f"{name.upper()}_BASE_URL": f"{served.url(name)}/v1" for name in names}
    environment |= {f"{name.upper()}_API_KEY": KEY for name in names}
    models = ",".join(f"openai-api/{name}/{name}" for name in names)
    command = [installed("inspect") / "inspect", "eval", "inspect_task.py", "--model", models]
    command += ["-T", f"path={write_problems(served)}", "--max-connections", "4"]
    command += ["--log-dir", directory, "--log-format", "json", "--display", "plain"]
    return Program.start(command, environment, HERE, directory / "inspect.log")


def _lm_eval_task(problems: Path) -> dict[str, Any]:
    return {
        "task": "testbed",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(problems)}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "{{text}}",
        "doc_to_target": "{{gold}}",
        "generation_kwargs": {"until": ["<|im_end|>"], "max_gen_toks": 160, "temperature": 0},
        "filter_list": [
            {
                "name": "boxed",
                "filter": [
                    {"function": "regex", "regex_pattern": r"\\boxed\{([^}]*)\}"},
                    {"function": "take_first"},
                ],
            }
        ],
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
        "metadata": {"version": 1},
    }
