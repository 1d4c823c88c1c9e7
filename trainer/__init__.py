"""GRPO training of vision-language models by curriculum, with every reward from a reward service over HTTP."""

__version__ = "0.1.0"
