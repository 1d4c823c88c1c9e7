"""Making the demo's base model: tokenizer, architecture, and the supervised training before any reward."""
