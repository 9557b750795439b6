"""What the files of deploy/ say of the app: settings, options and paths that exist, and pages that a container has."""

import re
from pathlib import Path

import pytest

from inception.cli.main import main
from inception.settings import PREFIX, Settings

from ..browser.server import ROOT

DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
SECRETS = {"INCEPTION_PASSWORD", "INCEPTION_COOKIE_SECRET"}  # of compose.yaml, which are no settings


def test_settings_exist() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | SECRETS
    for path in [*FILES, ROOT / "docs" / "deploy.md"]:
        assert set(re.findall(rf"\b{PREFIX}[A-Z_]+", path.read_text())) <= known, path


@pytest.mark.parametrize("command", ["app", "serve"])
def test_options_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    used = {
        option
        for path in FILES
        for line in path.read_text().splitlines()
        if re.search(rf"(\[|\"|inception(-explorer)? ){command}\b", line)
        for option in re.findall(r"--(?:host|port|replicas|most|queue|device|dtype|address)\b", line)
    }
    assert used
    assert used <= known


def test_the_container_has_all_that_the_app_needs() -> None:
    container, ignored = ((DEPLOY / name).read_text() for name in ("Containerfile", "Containerfile.dockerignore"))
    packed = re.findall(r'^"(\S+)" = "inception/', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)  # in the wheel
    assert len(packed) == 5
    for name in [*packed, "inception"]:
        assert re.search(rf"^COPY {re.escape(name)} /opt/inception/", container, re.MULTILINE), name
        assert f"!{name}\n" in ignored
    for path in re.findall(r"-r (requirements\S*\.txt)", container):
        assert Path(ROOT, path).is_file()
