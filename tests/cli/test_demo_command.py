"""The demo as a command: what it is told wrongly it says before it begins."""

from pathlib import Path

import pytest

from gate.cli import main


@pytest.mark.parametrize("option", ["--json", "--keep"])
def test_a_place_where_nothing_can_be_written_is_said_at_once(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--keep", str(tmp_path / "kept"), option, str(tmp_path / "file" / "below" / "x")])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert "cannot be made: Not a directory; name another one" in said.err
    assert said.out == ""
