"""Installing the backend into the extension's own folder: what it would take, each step, and removing it. Knows nothing of Blender."""
