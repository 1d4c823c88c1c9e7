"""Keeps the libraries' own bars and notices off the terminal, where the run's progress is shown."""

import warnings

import datasets
import transformers


def quiet_libraries() -> None:
    """Turn off progress bars of datasets and transformers, and what the latter says about its own future."""
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
