"""Takes down and puts back the state of every random number generator that a training step draws from."""

import random
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, slots=True)
class RandomState:
    """The generators' states at one moment; `cuda` has one entry per device."""

    python: tuple[object, ...]
    numpy: tuple[object, ...]
    torch: torch.Tensor
    cuda: tuple[torch.Tensor, ...]


def take_random_state() -> RandomState:
    """Return the present states; the generators are left as they are."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return RandomState(random.getstate(), np.random.get_state(), torch.get_rng_state(), tuple(cuda))


def put_random_state(state: RandomState) -> None:
    """Put all generators back to `state`."""
    random.setstate(state.python)
    np.random.set_state(state.numpy)
    torch.set_rng_state(state.torch)
    if state.cuda:
        torch.cuda.set_rng_state_all(list(state.cuda))
