"""A reader's session of the app without a browser: what the server does for one click."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from time import process_time, thread_time
from typing import Any
from unittest.mock import patch

from streamlit.components.v2 import manifest_scanner
from streamlit.runtime import context
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, app_test, local_script_runner
from streamlit.testing.v1.local_script_runner import LocalScriptRunner
from streamlit.testing.v1.util import patch_config_options

APP = Path(__file__).parents[1] / "app.py"


@contextmanager
def as_in_a_server() -> Iterator[None]:
    """Lets AppTest look for components and compile the scripts once, as a server does, instead of in every run.

    And lets it wait for the end of a run, where it looked for it a thousand times a second, and find no cookies sooner
    than in a mock of a server, whose making takes as long as a table of the page. And note nothing for those who make
    Streamlit, as .streamlit/config.toml says.
    """
    kept = cache(ScriptCache)
    look = local_script_runner.require_widgets_deltas

    def wait(runner: LocalScriptRunner, timeout: float) -> None:
        if runner._script_thread is not None:
            runner._script_thread.join(timeout)
        look(runner)

    with (
        patch.object(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests)),
        patch.object(app_test, "ScriptCache", kept),
        patch.object(local_script_runner, "ScriptCache", kept),
        patch.object(local_script_runner, "require_widgets_deltas", wait),
        patch.object(context, "_get_client_context", lambda: None),
        patch_config_options({"browser.gatherUsageStats": False}),
    ):
        yield


@contextmanager
def in_the_frame() -> Iterator[None]:
    """Begins each run with app.py, as in a server in which it has run before.

    AppTest makes a PagesManager for each run, as if the server had just started: the run would begin with the page
    without its frame, and start over, which loses the click.
    """
    made = PagesManager.__init__

    def make(self: PagesManager, *args: Any, **options: Any) -> None:
        made(self, *args, **options)
        PagesManager.uses_pages_directory = False

    with patch.object(PagesManager, "__init__", make):
        yield


@contextmanager
def session(page: str, **state: Any) -> Iterator[AppTest]:
    """A session that has opened a page with this in its state."""
    with as_in_a_server(), in_the_frame():
        app = AppTest.from_file(str(APP), default_timeout=300)
        app.run()
        app.switch_page(f"pages/{page}.py")
        click(app, **state)
        yield app


def server_seconds() -> float:
    """Seconds of a processor in all threads but this one, in which AppTest plays the browser: it reads what was sent.

    Pages run in threads of their own; anything else that is measured by this clock must, too.
    """
    return process_time() - thread_time()


def click(app: AppTest, **state: Any) -> None:
    """One run of the page with this in the session's state; raises RuntimeError for a page that fails."""
    for name, value in state.items():
        app.session_state[name] = value
    app.run()
    if app.exception:
        raise RuntimeError(app.exception[0].message)
