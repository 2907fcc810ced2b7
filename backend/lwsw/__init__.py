"""LWSW: layer-wise style weighting for rendered animations."""

__version__ = "0.1.0"
API_VERSION = 1
