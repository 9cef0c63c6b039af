"""PyTorch: training by `torch.optim`, eager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch
from torch.nn import functional

from gateparity.backends.base.training import Operations, evaluate
from gateparity.errors import assert_never

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.network.config import Config
    from gateparity.network.parameters import Array
    from gateparity.protocol.training import Recipe, TrainingState

OPERATIONS: Final = Operations(
    one_hot=lambda codes, size, dtype: functional.one_hot(codes.long(), size).to(
        getattr(torch, dtype)
    ),
    linear=lambda X, W, b: X @ W + b,
    concat=lambda arrays: torch.cat(arrays, -1),
    cross_entropy=lambda Z, codes: functional.cross_entropy(
        Z.flatten(0, 1), codes.flatten().long()
    ),
    squared_error=functional.mse_loss,
)


class Learner:
    """Weights that a PyTorch optimiser updates."""

    compiled = 0

    def __init__(
        self,
        run: Callable[..., Any],
        config: Config,
        recipe: Recipe,
        state: TrainingState,
        frozen: frozenset[str],
    ) -> None:
        self._model = run, config, recipe
        self._params = {name: torch.from_numpy(a.copy()) for name, a in state.params.items()}
        self._trained = [name for name in self._params if name not in frozen]
        self._optimizer = _make_optimizer(
            recipe, [self._params[name].requires_grad_() for name in self._trained]
        )
        if state.slots:
            kept = self._optimizer.state_dict() | {"state": _nest(state.slots)}
            self._optimizer.load_state_dict(kept)

    def step(self, x: Array, target: Array, H: Any, C: Any) -> tuple[Any, Any, Any, Any]:
        """Take one gradient step; return the loss, the norm before clipping, and both states."""
        run, config, recipe = self._model
        given = torch.tensor(x), torch.tensor(target), H, C
        loss, H, C = evaluate(OPERATIONS, run, config, recipe, self._params, *given)
        trained = [self._params[name] for name in self._trained]
        gradients = torch.autograd.grad(loss, trained)
        norm = torch.sqrt(sum((g * g).sum() for g in gradients))
        scale = 1 if recipe.clip is None else torch.clamp(recipe.clip / norm, max=1)
        for param, gradient in zip(trained, gradients, strict=True):
            param.grad = gradient * scale
        self._optimizer.step()
        return loss.detach(), norm, H.detach(), C.detach()

    def read(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return the weights and the optimiser's state as NumPy arrays by name."""
        params = {name: tensor.detach().numpy() for name, tensor in self._params.items()}
        slots = {
            f"{k} {name}": value.numpy()
            for k, kept in self._optimizer.state_dict()["state"].items()
            for name, value in kept.items()
            if value is not None
        }
        return params, slots


def _make_optimizer(recipe: Recipe, params: list[Any]) -> Any:
    if recipe.optimizer == "adam":
        betas = recipe.beta_1, recipe.beta_2
        return torch.optim.Adam(params, lr=recipe.rate, betas=betas, eps=recipe.epsilon)
    if recipe.optimizer == "momentum":
        return torch.optim.SGD(params, lr=recipe.rate, momentum=recipe.momentum)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(params, lr=recipe.rate)
    assert_never(recipe.optimizer)


def _nest(slots: Any) -> dict[int, dict[str, Any]]:
    """Nest slots named `"0 exp_avg"` and so on as PyTorch's optimiser state has them."""
    nested: dict[int, dict[str, Any]] = {}
    for key, array in slots.items():
        k, name = key.split(" ")
        nested.setdefault(int(k), {})[name] = torch.from_numpy(array.copy())
    return nested
