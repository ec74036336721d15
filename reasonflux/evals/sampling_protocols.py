"""How benchmarks are sampled, by name: the reference's protocols, those that are usual since, and greedy."""

from collections.abc import Mapping

from pydantic import Field

from reasonflux.config import Model
from reasonflux.protocols import Sampling


class SamplingProtocol(Model):
    """How many solutions a problem gets, and how navigator and reasoner sample."""

    samples: int = Field(1, gt=0)
    navigator: Sampling
    reasoner: Sampling


_V2 = {"temperature": 0.7, "top_p": 0.8, "top_k": 20, "presence_penalty": 1.5}
_LONG = Sampling(temperature=0.6, top_p=0.95, max_tokens=32_768)
_PLAN = Sampling(temperature=0.6, top_p=0.95, max_tokens=3_072)

# paper_v1: arXiv 2502.06772, as published. paper_v2: the released scripts of v2, the proposer without thinking, the
# reasoner with it. f1: 32,768 tokens, as released; its temperature is not stated, that of its base model is taken.
# All three report one sample a problem, without an interval; avg@16 and avg@64 are what AIME's 30 problems need.
PROTOCOLS: Mapping[str, SamplingProtocol] = {
    "paper_v1": SamplingProtocol(samples=1, navigator=_PLAN, reasoner=_PLAN),
    "paper_v2": SamplingProtocol(
        samples=1,
        navigator=Sampling(**_V2, max_tokens=16_384),
        reasoner=Sampling(**_V2, max_tokens=32_768),
    ),
    "f1": SamplingProtocol(samples=1, navigator=_PLAN, reasoner=_LONG),
    "avg@16": SamplingProtocol(samples=16, navigator=_PLAN, reasoner=_LONG),
    "avg@64": SamplingProtocol(samples=64, navigator=_PLAN, reasoner=_LONG),
    "greedy": SamplingProtocol(
        samples=1,
        navigator=Sampling(temperature=0, max_tokens=3_072),
        reasoner=Sampling(temperature=0, max_tokens=32_768),
    ),
}
