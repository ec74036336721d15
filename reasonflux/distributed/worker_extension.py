"""What vLLM's workers can do beside what vLLM brings: take the weights of another checkpoint while they run."""

from typing import Any


class WorkerExtension:
    """Mixed into vLLM's worker by the engine argument `worker_extension_cls`; called by `collective_rpc`."""

    vllm_config: Any
    model_runner: Any
    reload_weights: Any

    def swap_checkpoint(self, path: str) -> None:
        """From here on the worker computes with the weights at `path`, a model of the same architecture.

        Nothing may be running. vLLM's own reload copies the weights into the modules; on CPU these compute with packed
        copies made when the model was first loaded, and the reload is silently wrong there. So on CPU the model is
        loaded as on start-up, and its layers are given the caches of those that they replace.
        """
        if self.vllm_config.device_config.device_type == "cpu":
            self._load_anew(path)
        else:
            self.reload_weights(weights_path=path)

    def _load_anew(self, path: str) -> None:
        from vllm.config import set_current_vllm_config

        config = self.vllm_config
        layers = config.compilation_config.static_forward_context  # by name; a new model enters its own
        replaced = dict(layers)
        layers.clear()
        config.model_config.model = path
        with set_current_vllm_config(config):
            self.model_runner.load_model()
        for name, layer in replaced.items():
            if hasattr(layer, "kv_cache"):
                layers[name].bind_kv_cache(layer.kv_cache)
            if hasattr(layer, "isa"):  # the instructions that its attention was given when the cache was made
                layers[name].isa = layer.isa
