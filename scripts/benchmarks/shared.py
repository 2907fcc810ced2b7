"""What the benchmarks share: a content picture, the painting, and contenders that take turns in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

SCRIPTS = Path(__file__).resolve().parent.parent
PAINTING = SCRIPTS / "assets" / "painting.jpg"


def content_picture(path: Path, width: int, height: int) -> None:
    """Write a content picture with shapes of all sizes: the demo's painting, mirrored and blurred, so that no other file is needed."""
    import cv2

    painting = cv2.imread(str(PAINTING))
    assert painting is not None
    image = cv2.flip(painting, 1)
    image = cv2.GaussianBlur(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), (0, 0), 3)
    cv2.imwrite(str(path), image)


def read(path: Path) -> Any:
    """Return a picture as ``1×3×H×W`` float32 on [0, 1]."""
    from lwsw.jobs.frame_reader import image_to_tensor
    from lwsw.media.images import read_image

    return image_to_tensor(read_image(path))


class Contender:
    """A process of its own, as a contender has for its users: ``run_benchmark.py contend NAME …``. It answers one line for each line."""

    def __init__(self, name: str, words: list[object]) -> None:
        command = [sys.executable, str(SCRIPTS / "run_benchmark.py"), "contend", name, *(str(word) for word in words)]
        self.name = name
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._expect("ready")

    def ask(self, line: str) -> str:
        """Send a line and return the answer to it."""
        stdin: IO[str] | None = self._process.stdin
        assert stdin is not None
        stdin.write(line + "\n")
        stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().strip()
        if not answer:
            raise RuntimeError(f"The contender {self.name} ended early; what it said stands above.")
        return answer

    def _expect(self, line: str) -> None:
        if self._answer() != line:
            raise RuntimeError(f"The contender {self.name} did not start.")


def serve(answer: Callable[[str], object]) -> None:
    """Be a contender: say that it is ready, then answer every line of standard input."""
    print("ready", flush=True)
    for line in sys.stdin:
        print(answer(line.strip()), flush=True)
