"""The manifest of model packs; weights land in ``weights/`` beside it and are never committed."""
