"""What others may see of the environment that the platform itself was started in."""

import os
from collections.abc import Mapping

FOR_CONTAINERS = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")
"""Everything else stays behind: keys, tokens, our own settings."""

FOR_INSTALLING = ("PATH", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "NETRC")
"""What pip needs besides, and every variable that begins with `PIP_`."""


def inherited_by_containers(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    return {name: environment[name] for name in FOR_CONTAINERS if name in environment}


def inherited_by_installers(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    chosen = {name: environment[name] for name in FOR_INSTALLING if name in environment}
    chosen |= {name: value for name, value in environment.items() if name.startswith("PIP_")}
    return chosen | inherited_by_containers(environment)
