from pidnet.report import write_report


def test_names_are_shown_not_run(tmp_path):
    rows = [{"layer": "<script>alert(1)</script>", "synergy": 0.25, "pairs": 12345}]
    (tmp_path / "map.png").write_bytes(b"picture")
    page = write_report(tmp_path / "report.html", rows, rows, [tmp_path / "map.png"], {"seed": "<b>"})
    text = page.read_text()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<td>12,345</td>" in text
    assert "data:image/png;base64,cGljdHVyZQ==" in text
