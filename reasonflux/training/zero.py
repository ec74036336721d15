"""DeepSpeed's settings of a recipe, as transformers takes them: "auto" is filled in from the trainer's arguments."""

from typing import Any

from reasonflux.training.recipe import TrainingRecipe


def zero_config(recipe: TrainingRecipe) -> dict[str, Any]:
    """ZeRO-2 or ZeRO-3, with or without offload to the host's memory; AdamW, in torch where there is no GPU."""
    zero, cpu = recipe.zero, recipe.workers.device == "cpu"
    assert zero is not None
    stage: dict[str, Any] = {"stage": zero.stage, "overlap_comm": not cpu, "contiguous_gradients": True}
    host = {"device": "cpu", "pin_memory": not cpu}
    if zero.offload and not cpu:
        stage["offload_optimizer"] = host
    if zero.stage == 3:
        stage["stage3_gather_16bit_weights_on_model_save"] = True  # in one piece, as engines read them
        if zero.offload and not cpu:
            stage["offload_param"] = host
    adam = {"lr": "auto", "betas": "auto", "eps": "auto", "weight_decay": "auto", "torch_adam": cpu}
    return {
        "zero_optimization": stage,
        "optimizer": {"type": "AdamW", "params": adam},
        "bf16": {"enabled": "auto"},
        "gradient_clipping": "auto",
        "gradient_accumulation_steps": "auto",
        "train_batch_size": "auto",
        "train_micro_batch_size_per_gpu": "auto",
    }


def start_on_cpu() -> None:
    """DeepSpeed on the process group that is there, which accelerate leaves to others where there is no GPU.

    It then sends by gloo; else it compiles a C++ extension first, for half a minute, on every machine.
    """
    import deepspeed
    import deepspeed.ops

    deepspeed.ops.__dict__["__compatible_ops__"] = {}
    deepspeed.init_distributed(dist_backend="gloo", auto_mpi_discovery=False)
