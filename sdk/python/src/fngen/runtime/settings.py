"""What the agent tells the runtime, read from the environment once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from fngen.runtime.failure import StartError
from fngen.runtime.limits import Limits


@dataclass(frozen=True)
class Settings:
    """The function to serve, where, and how."""

    function: str
    file: str
    framework: str
    release: str
    allocation: str
    host: str
    port: int
    health: str
    # Answers of that path with a lower status mean that the function is well.
    well_below: int
    drain_seconds: float
    proxies: str
    static: str
    # How many processes serve, and how many requests of WSGI each at the same time; 0
    # where nobody says.
    processes: int
    threads: int
    limits: Limits
    # What all of them may take together, or 0.
    memory_bytes: int


def read(env: Mapping[str, str]) -> Settings:
    """Read the settings, or raise a StartError that names the variable at fault."""
    power = env.get("FNGEN_POWER", "webapp")
    if power != "webapp":
        raise StartError(f"this runtime serves the Power webapp, not {power!r} (FNGEN_POWER)")
    health = env.get("FNGEN_HEALTH", "").partition("?")[0]
    return Settings(
        function=_required(env, "FNGEN_FUNCTION"),
        file=_required(env, "FNGEN_FILE"),
        framework=env.get("FNGEN_FRAMEWORK", ""),
        release=env.get("FNGEN_RELEASE", ""),
        allocation=env.get("NOMAD_ALLOC_ID", ""),
        host=env.get("FNGEN_HOST", "127.0.0.1"),
        port=int(_number(env, "FNGEN_PORT", None)),
        health=unquote(health) or "/",
        # A path that the person chose is there for this; that / is, nobody has said.
        well_below=400 if health else 500,
        drain_seconds=_number(env, "FNGEN_DRAIN_SECONDS", "25"),
        # An instance is reached only through the platform's router, which
        # replaces what a client claims in X-Forwarded-*.
        proxies=env.get("FNGEN_TRUSTED_PROXIES", "*"),
        # Where the static files are that the push collected; empty when it did not.
        static=env.get("FNGEN_STATIC", ""),
        processes=int(_number(env, "FNGEN_PROCESSES", "1")),
        threads=int(_number(env, "FNGEN_THREADS", "0")),
        limits=_limits(env),
        memory_bytes=_memory(env),
    )


def _limits(env: Mapping[str, str]) -> Limits:
    usual = Limits()
    return Limits(
        body_bytes=int(_number(env, "FNGEN_MAX_BODY_MB", "0")) << 20,
        head_bytes=int(_number(env, "FNGEN_MAX_HEADER_KB", "0")) << 10 or usual.head_bytes,
        keep_alive_seconds=_number(env, "FNGEN_KEEP_ALIVE", "0") or usual.keep_alive_seconds,
        pace_seconds=_number(env, "FNGEN_PACE_SECONDS", "0") or usual.pace_seconds,
    )


def _memory(env: Mapping[str, str]) -> int:
    """Return what Nomad lets the task take: the most, where it may borrow, else its share."""
    name = "NOMAD_MEMORY_MAX_LIMIT" if env.get("NOMAD_MEMORY_MAX_LIMIT") else "NOMAD_MEMORY_LIMIT"
    return int(_number(env, name, "0")) << 20


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name)
    if not value:
        raise StartError(f"{name} is not set")
    return value


def _number(env: Mapping[str, str], name: str, default: str | None) -> float:
    text = env.get(name) or default or _required(env, name)
    try:
        value = float(text)
    except ValueError:
        raise StartError(f"{name} is not a number: {text!r}") from None
    if not 0 <= value < 1e9:
        raise StartError(f"{name} is out of range: {text!r}")
    return value
