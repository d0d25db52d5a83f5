"""Mathematical signs in ASCII, for terminals without Unicode."""

ASCII = str.maketrans({
    "∂": "d", "Σ": "sum", "·": "*", "×": "x", "−": "-", "⊙": "*", "≠": "!=", "≤": "<=", "≈": "~",
    "…": "...", "∎": "QED", "²": "^2", "ᵀ": "^T", "ᵢ": "i", "ⱼ": "j", "ₙ": "n",
    **{chr(0x2080 + digit): str(digit) for digit in range(10)},
    "✓": "+", "✗": "x", "–": "-", "⋮": ":", "─": "-", "═": "=", "—": "-", "→": ">",
    "█": "#", "▒": "+", "╌": ".", "▏": "'", "│": "|",
    **dict.fromkeys("⎡⎢⎣", "["), **dict.fromkeys("⎤⎥⎦", "]"), **dict.fromkeys("⎧⎨⎩", "{"),
})  # fmt: skip


def to_ascii(text: str) -> str:
    """Write mathematical signs in ASCII, and ? for any other character."""
    return text.translate(ASCII).encode("ascii", "replace").decode("ascii")
