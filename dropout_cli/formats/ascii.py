"""Mathematical signs in ASCII, for terminals without Unicode."""

from typing import Any

ASCII = str.maketrans({
    "∂": "d", "Σ": "sum", "·": "*", "×": "x", "−": "-", "⊙": "*", "≠": "!=", "≤": "<=", "≈": "~",
    "…": "...", "∎": "QED", "²": "^2", "ᵀ": "^T", "ᵢ": "i", "ⱼ": "j", "ₙ": "n",
    **{chr(0x2080 + digit): str(digit) for digit in range(10)},
    "✓": "+", "✗": "x", "–": "-", "⋮": ":", "─": "-", "═": "=", "—": "-", "→": ">",
    "█": "#", "▒": "+", "╌": ".", "▏": "'", "│": "|",
    **dict.fromkeys("⎡⎢⎣", "["), **dict.fromkeys("⎤⎥⎦", "]"), **dict.fromkeys("⎧⎨⎩", "{"),
})  # fmt: skip
WIDER = {sign: written for sign, written in ASCII.items() if len(written) > 1}


def to_ascii(text: str) -> str:
    """Write mathematical signs in ASCII, and ? for any other character."""
    return text.translate(ASCII).encode("ascii", "replace").decode("ascii")


def widen(block: Any) -> Any:
    """Write the signs of a block that take several characters in ASCII, before it is laid out."""
    if isinstance(block, str):
        return block.translate(WIDER)
    if isinstance(block, tuple | list):
        parts = map(widen, block)
        return type(block)(*parts) if hasattr(block, "_fields") else list(parts)
    return block
