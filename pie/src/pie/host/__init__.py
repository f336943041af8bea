"""The inferlet-facing interfaces of `wit/`: what a guest can do with models, contexts, passes and its session."""
