"""How the threads of the optimizer behave beside other programs."""

from __future__ import annotations

import os


def let_threads_sleep() -> None:
    """Let OpenMP's threads sleep while they wait for each other, instead of spinning. Call it before torch is loaded.

    A spinning thread holds a core that Blender, or the thread it waits for, needs: with one of two cores busy elsewhere an
    iteration at 64×36 took 12 times longer, one at 384×216 1.7 times. The environment's own ``OMP_WAIT_POLICY`` wins.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
