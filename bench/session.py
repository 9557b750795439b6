"""A reader's session of the app without a browser: what the server does for one click."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, app_test, local_script_runner

APP = Path(__file__).parents[1] / "app.py"


@contextmanager
def session(page: str, **state: Any) -> Iterator[AppTest]:
    """A session that has opened a page with this in its state, as in a server in which the app has run before.

    Streamlit's tests begin each run as a server begins: they look for components, compile the scripts and do not know
    the pages. None of that belongs to a click.
    """
    made = PagesManager.__init__

    def make(self: PagesManager, *args: Any, **options: Any) -> None:
        made(self, *args, **options)
        PagesManager.uses_pages_directory = False

    kept = cache(ScriptCache)
    with (
        patch.object(PagesManager, "__init__", make),
        patch.object(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests)),
        patch.object(app_test, "ScriptCache", kept),
        patch.object(local_script_runner, "ScriptCache", kept),
    ):
        app = AppTest.from_file(str(APP), default_timeout=300)
        app.run()
        app.switch_page(f"pages/{page}.py")
        click(app, **state)
        yield app


def click(app: AppTest, **state: Any) -> None:
    """One run of the page with this in the session's state; raises RuntimeError for a page that fails."""
    for name, value in state.items():
        app.session_state[name] = value
    app.run()
    if app.exception:
        raise RuntimeError(app.exception[0].message)
