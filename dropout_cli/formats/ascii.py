"""The signs of mathematics in ASCII, for terminals that have no others."""

ASCII = str.maketrans({
    "∂": "d", "Σ": "sum", "·": "*", "×": "x", "−": "-", "⊙": "*", "≠": "!=", "≤": "<=", "≈": "~",
    "…": "...", "∎": "QED", "²": "^2", "ᵀ": "^T", "ᵢ": "i", "ⱼ": "j", "ₙ": "n",
    **{chr(0x2080 + digit): str(digit) for digit in range(10)},
    "✓": "+", "✗": "x", "–": "-", "⋮": ":", "─": "-", "═": "=", "—": "-", "→": ">",
    "█": "#", "▒": "+", "╌": ".", "▏": "'", "│": "|",
    **dict.fromkeys("⎡⎢⎣", "["), **dict.fromkeys("⎤⎥⎦", "]"), **dict.fromkeys("⎧⎨⎩", "{"),
})  # fmt: skip


def to_ascii(text: str) -> str:
    """Spell the signs of mathematics in ASCII, ? for anything else."""
    return text.translate(ASCII).encode("ascii", "replace").decode("ascii")
