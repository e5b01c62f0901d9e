import json

import pytest

from benchmarks.reliability.__main__ import main


def test_the_last_line_is_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--kills", "1"])
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report.keys() == {"kills", "confirmed", "stored", "lost", "doubled"}
    assert (report["kills"], report["lost"]) == (1, 0)
