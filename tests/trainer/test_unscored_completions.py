"""What TRL makes of a completion without a reward: nothing, neither a step of the weights nor a baseline."""

from pathlib import Path

import pytest
import torch
from trl import GRPOTrainer

from tests.trainer.tiny_vlm import save_rows, save_tiny_vlm
from trainer.config import DataSource, ModelConfig
from trainer.data.dataset import make_dataset
from trainer.data.rows import load_rows
from trainer.grpo import make_arguments
from trainer.models import load_model

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:transformers.*")

GROUP = 4


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_vlm(tmp_path_factory.mktemp("tiny") / "model")


def moved(tiny: Path, folder: Path, rewards: list[float | None]) -> bool:
    """Train one step on `rewards`, the same for each group; tell whether a weight changed."""
    settings = ModelConfig(path=str(tiny))
    model, processor = load_model(settings)
    rows = load_rows([DataSource(path=save_rows(folder, count=2))], "binary", 0)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    fields = {
        "learning_rate": 1e-2,
        "per_device_train_batch_size": 2 * GROUP,
        "num_generations": GROUP,
        "max_completion_length": 3,
    }
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=[lambda completions, **_: rewards * (len(completions) // GROUP)],
        args=make_arguments(fields, folder, 0, 1, 1),
        train_dataset=make_dataset(rows, settings, processor),
        processing_class=processor,
    )
    trainer.train()
    return any(not torch.equal(before[name], weight.cpu()) for name, weight in model.state_dict().items())


@pytest.mark.parametrize(
    ("rewards", "teaches"),
    [
        ([1.0, 0.0, 0.0, 0.0], True),
        ([1.0, None, 0.0, None], True),
        ([1.0, None, None, None], False),
        ([1.0, 1.0, 1.0, None], False),
        ([None, None, None, None], False),
    ],
)
def test_a_completion_without_a_reward_teaches_nothing(
    tiny: Path, tmp_path: Path, rewards: list[float | None], teaches: bool
) -> None:
    assert moved(tiny, tmp_path, rewards) is teaches
