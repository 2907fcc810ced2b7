"""What went wrong in an installation, in words for an artist. Knows nothing of Blender."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import LwswError

_RETRY = "Then press Install Backend again: what has been fetched already is kept."

#: The known causes, those that hide behind others first: (pattern in pip's output, code, sentence, way out).
_CAUSES: tuple[tuple[str, str, str, str], ...] = (
    (
        r"No space left on device|not enough space on the disk|\[Errno 28\]|WinError 112|Disk quota exceeded",
        "disk_full",
        "The disk is full: the backend could not be unpacked.",
        "Free some space, then press Install Backend again.",
    ),
    (
        r"WinError 206|[Ll]ong [Pp]ath|File name too long",
        "output_not_writable",
        "A file name of the backend is too long for this system.",
        "Turn on long paths in Windows (search for 'Enable Win32 long paths'), then press Install Backend again.",
    ),
    (
        r"407 Proxy|ProxyError|Cannot connect to proxy|Tunnel connection failed|Missing dependencies for SOCKS",
        "no_network",
        "The proxy of this network did not let the download through.",
        "Check the proxy's address and password in the environment variable HTTPS_PROXY, or install on another network.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError|certificate verify failed|WRONG_VERSION_NUMBER",
        "no_network",
        "The download's server could not be verified: something between this machine and the internet (a proxy, a virus scanner) "
        "replaces its certificate, or this machine's clock is wrong.",
        "Check the clock; in a company's network ask for its certificate file and name it in the environment variable PIP_CERT.",
    ),
    (
        r"Name or service not known|getaddrinfo failed|name resolution|nodename nor servname|NameResolutionError|NewConnectionError"
        r"|Network is unreachable|No route to host|Connection refused|ConnectTimeoutError|ReadTimeoutError|ConnectionResetError"
        r"|Connection aborted|RemoteDisconnected|Connection broken|IncompleteRead|timed out|Max retries exceeded|[Cc]onnection reset"
        r"|Failed to establish a new connection|Could not fetch URL",
        "no_network",
        "The download did not come through: this machine could not reach {host}.",
        f"Check the connection to the internet. {_RETRY}",
    ),
    (
        r"DO NOT MATCH THE HASHES|BadZipFile|is invalid\.|InvalidWheel",
        "no_network",
        "A file arrived damaged.",
        "Press Install Backend again; if it happens again, a proxy changes downloads on their way.",
    ),
    (
        r"Permission denied|Access is denied|\[Errno 13\]|WinError 5\b|WinError 32\b|Read-only file system|Operation not permitted",
        "output_not_writable",
        "The backend's folder cannot be written to, or another program (a virus scanner) holds a file in it.",
        "Close other programs that use it, check the folder's permissions, and press Install Backend again.",
    ),
    (
        r"No matching distribution found|Could not find a version|is not a supported wheel on this platform|requires a different Python",
        "no_package",
        "The package index has no {package} for Python {python} on this system.",
        "Install Python 3.11, 3.12 or 3.13 from python.org and press Install Backend again; if LWSW_TORCH_INDEX or pip's configuration "
        "names another package index, check it.",
    ),
)


def explain(output: Sequence[str], doing: str, python: str = "") -> LwswError:
    """Return what an installation failed from.

    Args:
        output: the lines that the failed command wrote.
        doing: what it was to do, as the end of "… failed while …".
        python: version of the Python it ran with.
    """
    text = "\n".join(output)
    for pattern, code, message, hint in _CAUSES:
        if re.search(pattern, text):
            filled = message.format(host=_host(text), package=_package(text), python=python or "this version")
            return LwswError(code, filled, hint)
    return LwswError(
        "install_failed",
        f"The installation failed while {doing}: {_last_error(output)}.",
        "Press Install Backend to try again; install.log in the extension's folder has the whole story.",
    )


def _host(text: str) -> str:
    found = re.search(r"host='([^']+)'|https?://([^/\s'\"]+)", text)
    return (found[1] or found[2]) if found else "the package index"


def _package(text: str) -> str:
    found = re.search(r"No matching distribution found for ([A-Za-z0-9_.-]+)", text)
    return found[1] if found else "package that fits"


def _last_error(output: Sequence[str]) -> str:
    said = [line.strip() for line in output if line.strip() and not line.startswith(("WARNING", "[notice]"))]
    errors = [line for line in said if line.startswith("ERROR")]
    last = (errors or said or ["it ended without a word"])[-1]
    return last.removeprefix("ERROR:").strip().rstrip(".")[:300]
