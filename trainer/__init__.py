"""GRPO training of vision-language models by curriculum, every reward coming from a service over HTTP."""

__version__ = "0.1.0"
