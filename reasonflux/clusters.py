"""Descriptions of clusters (`cluster/shapes/*.yaml`): what a job may plan with, and where it is submitted to."""

from pathlib import Path

from pydantic import Field

from reasonflux.config import Model
from reasonflux.configuring import load_config
from reasonflux.errors import BadInput

SHAPES = Path(__file__).parents[1] / "cluster" / "shapes"


class Gpu(Model):
    """One kind of GPU, by its maker's figures; how much of them is reached is the planner's assumption."""

    name: str
    memory_gib: float = Field(gt=0)  # what CUDA reports, less than what is printed on the box
    bandwidth_gb_s: float = Field(gt=0)  # of its memory, 10⁹ bytes a second
    tflops: float = Field(gt=0)  # dense, bfloat16


class NodeKind(Model):
    """Machines of one kind."""

    kind: str
    count: int = Field(gt=0)  # at most, where the cluster scales
    cpus: int = Field(gt=0)
    memory_gib: float = Field(gt=0)
    gpus: int = Field(0, ge=0)
    gpu: Gpu | None = None
    network_gbit_s: float = Field(10, gt=0)
    dollars_per_hour: float = Field(0, ge=0)  # of one machine; put what you pay


class Cluster(Model):
    """A cluster as its owner describes it."""

    name: str
    dashboard: str | None = None  # of its head, for `ray job submit`; http://127.0.0.1:8265 through a port-forward
    nodes: tuple[NodeKind, ...] = Field(min_length=1)

    @property
    def dollars_per_hour(self) -> float:
        """Of the whole cluster, all its machines running."""
        return sum(node.count * node.dollars_per_hour for node in self.nodes)


def load_cluster(name: str) -> Cluster:
    """The cluster of a shipped name or of a YAML file; raises `BadInput` that names the shipped ones."""
    shipped = sorted(path.stem for path in SHAPES.glob("*.yaml"))
    if name in shipped:
        return load_config(Cluster, SHAPES / f"{name}.yaml")
    if not name.endswith((".yaml", ".yml")):
        raise BadInput(f"there is no cluster {name!r}", f"Name one of {', '.join(shipped)}, or a YAML file like them")
    return load_config(Cluster, name)
