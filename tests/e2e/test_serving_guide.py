"""The code of docs/serving.md, as it is written there."""

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from pie.config.config import Config
from pie.config.home import Home

pytestmark = pytest.mark.slow

GUIDE = Path(__file__).parents[2] / "docs" / "serving.md"


async def test_the_embedded_server_of_the_guide_answers(home: Home, tiny_config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIE_HOME", str(home.root))
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(f"async def main():\n{textwrap.indent(code, '    ')}", names)
    await names["main"]()
