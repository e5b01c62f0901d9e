"""What the benchmarks' pictures share: colours and text."""

INK, PALE, LINE, ACCENT = "#1d2a36", "#44525f", "#c8d0d8", "#c0562b"


def text(x: float, y: float, words: str, size: int, colour: str, anchor: str = "middle") -> str:
    """A text element at a point of the picture."""
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">{words}</text>'
