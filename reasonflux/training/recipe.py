"""What a training run is: model, data, objective, optimisation, and what it may use of a cluster. No torch here."""

from typing import Literal

from pydantic import Field, model_validator

from reasonflux.config import Model


class DpoObjective(Model):
    """DPO (arXiv 2502.06772, Eq. 4), and how much of the chosen's likelihood is added to it.

    The loss of a device's batch is `dpo_weight` × its mean over pairs + `sft_weight` × the mean negative log-likelihood
    of all tokens of its chosen answers together. So `sft_weight` is in nats a token; a chosen answer counts by its
    length within the batch of a device, and the batches of one optimizer step (accumulation, workers) count alike.
    Where lengths differ little, that is the mean over answers of their mean over tokens.
    """

    beta: float = Field(0.5, gt=0)
    loss: Literal["sigmoid", "ipo", "hinge"] = "sigmoid"
    sft_weight: float = Field(0.0, ge=0)
    dpo_weight: float = Field(1.0, ge=0)  # 0 leaves the likelihood alone: rejection sampling
    stored_reference: bool = False  # reference log-probabilities computed once; no reference model while training

    @model_validator(mode="after")
    def _some_loss(self) -> "DpoObjective":
        if not (self.dpo_weight or self.sft_weight):
            raise ValueError("dpo_weight and sft_weight are both 0: nothing would be learnt")
        return self

    @property
    def losses(self) -> dict[str, float]:
        """Weight by TRL's name of each loss that counts."""
        weights = {self.loss: self.dpo_weight, "sft": self.sft_weight}
        return {name: weight for name, weight in weights.items() if weight}


class Lora(Model):
    """Low-rank adapters instead of all weights."""

    rank: int = Field(16, gt=0)
    alpha: int = Field(32, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    merge: bool = True  # into the base's weights, so that any engine serves the result


class Zero(Model):
    """DeepSpeed's partitioning of optimizer state and gradients (2), and of weights too (3)."""

    stage: Literal[2, 3] = 3
    offload: bool = True  # to the host's memory: optimizer state, and at stage 3 the weights


class Watch(Model):
    """What stops a training that goes wrong; the parent is kept then."""

    chosen_logprob_drop: float | None = Field(None, gt=0)  # nats a token that chosen answers may lose on the start's
    least_in_library: float | None = Field(None, ge=0, le=1)  # share of names in sampled plans, as written
    every_steps: int = Field(20, gt=0)  # between two samples of plans
    library: str = "testbed"  # whose names count
    prompts: int = Field(16, gt=0)  # plans sampled at a time, each for another prompt of the data
    max_tokens: int = Field(96, gt=0)  # of a plan


class Workers(Model):
    """Data-parallel processes of one training."""

    count: int = Field(1, gt=0)
    gpus: float = Field(1.0, ge=0)  # each
    cpus: float = Field(1.0, gt=0)  # each
    device: Literal["cuda", "cpu"] = "cuda"


class TrainingRecipe(Model):
    """Config of one training. Step counts and batches are of optimizer steps."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    stage: Literal["structure_sft", "trajectory_sft", "dpo"]
    role: Literal["navigator", "reasoner"]
    base: str  # model directory, URI or Hub id; "testbed:navigator" and the like
    base_digest: str | None = None  # refuse any other
    data: str  # a published data set of pairs, a template library, or rows of `messages`
    replayed: tuple[str, ...] = ()  # more of the same kind, read after it: the pairs of earlier rounds
    prompts: str = "plain"  # structure_sft: the prompt set that asks for a template's description
    seed: int = 0

    cutoff: int = Field(2048, gt=0)  # tokens of prompt and answer together
    most_over_cutoff: float = Field(0.05, ge=0, le=1)  # share of rows that may be left out for it
    learning_rate: float = Field(gt=0)
    epochs: float = Field(1.0, gt=0)
    per_device_batch: int = Field(4, gt=0)
    accumulation: int = Field(8, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_steps: int = Field(0, ge=0)
    weight_decay: float = Field(0.0, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    precision: Literal["bf16", "float32"] = "bf16"
    gradient_checkpointing: bool = True

    dpo: DpoObjective | None = None
    lora: Lora | None = None
    zero: Zero | None = None
    watch: Watch = Watch()
    workers: Workers = Workers()
    save_steps: int = Field(100, gt=0)  # between two checkpoints to resume from
    log_steps: int = Field(5, gt=0)
    restarts: int = Field(3, ge=0)  # of all workers, after one of them died
    deadline_s: float = Field(7 * 86_400, gt=0)  # of the whole training
    report_to: Literal["tensorboard", "mlflow", "wandb", "none"] = "tensorboard"
    output_root: str = "runs"  # directory or URI that holds run directories

    @model_validator(mode="after")
    def _objective_fits(self) -> "TrainingRecipe":
        if (self.stage == "dpo") != (self.dpo is not None):
            raise ValueError("stage dpo needs a section dpo, and no other stage has one")
        if self.stage == "structure_sft" and self.role != "navigator":
            raise ValueError("structure_sft trains the navigator")
        if self.stage == "structure_sft" and self.replayed:
            raise ValueError("structure_sft trains on one template library: replayed is for rows")
        if self.workers.device == "cpu" and self.workers.gpus:
            raise ValueError("workers on device cpu take no GPUs: set workers.gpus to 0")
        if self.watch.least_in_library is not None and (self.stage == "structure_sft" or self.role != "navigator"):
            raise ValueError("watch.least_in_library is for trainings on plans: only those sample plans")
        return self

    @property
    def batch(self) -> int:
        """Rows of one optimizer step, over all workers."""
        return self.per_device_batch * self.accumulation * self.workers.count
