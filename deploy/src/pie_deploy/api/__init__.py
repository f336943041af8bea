"""The control plane's REST interface."""
