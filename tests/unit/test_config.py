from __future__ import annotations

from pathlib import Path

import pytest
from sqlstrictd.config import Config, default_cache_folder, default_data_folder, load_config
from sqlstrictd.errors import CannotStart, ConfigError

ENVIRON = {"HOME": "/home/ann", "XDG_RUNTIME_DIR": "/run/user/7"}


def test_the_defaults() -> None:
    assert load_config([], ENVIRON) == Config(
        socket_path=Path("/run/user/7/sqlstrict/sqlstrict.sock"),
        data_folder=Path("/home/ann/.local/share/sqlstrict"),
        cache_folder=Path("/home/ann/.cache/sqlstrict"),
    )


def test_a_flag_wins_over_its_variable_and_that_over_the_default() -> None:
    environ = {**ENVIRON, "SQLSTRICT_SLOTS": "2", "SQLSTRICT_QUEUE_LIMIT": "9"}
    config = load_config(["--slots", "3"], environ)
    assert (config.slots, config.queue_limit, config.grace_s) == (3, 9, 10.0)
    assert config.origins == (("slots", "--slots"), ("queue_limit", "SQLSTRICT_QUEUE_LIMIT"))
    assert "queue_limit=9 (SQLSTRICT_QUEUE_LIMIT)" in config.describe()


def test_every_flag_has_its_variable() -> None:
    flags = load_config(
        ["--address", "unix:///a/b", "--model", "/m.gguf", "--threads=2", "--log-level=DEBUG"]
        + ["--data-dir", "/d", "--max-deadline", "5", "--grace", "1.5", "--log-content"]
        + ["--reflection", "--context-tokens", "4096"]
        + ["--cache-dir", "/c", "--prefix-cache-mb", "0"],
        ENVIRON,
    )
    variables = load_config(
        [],
        {
            **ENVIRON,
            "SQLSTRICT_ADDRESS": "unix:///a/b",
            "SQLSTRICT_MODEL": "/m.gguf",
            "SQLSTRICT_THREADS": "2",
            "SQLSTRICT_LOG_LEVEL": "debug",
            "SQLSTRICT_DATA_DIR": "/d",
            "SQLSTRICT_MAX_DEADLINE": "5",
            "SQLSTRICT_GRACE": "1.5",
            "SQLSTRICT_LOG_CONTENT": "yes",
            "SQLSTRICT_REFLECTION": "1",
            "SQLSTRICT_CONTEXT_TOKENS": "4096",
            "SQLSTRICT_CACHE_DIR": "/c",
            "SQLSTRICT_PREFIX_CACHE_MB": "0",
        },
    )
    names = [name for name in Config.__dataclass_fields__ if name != "origins"]
    assert [getattr(flags, name) for name in names] == [getattr(variables, name) for name in names]
    assert flags.socket_path == Path("/a/b")
    assert flags.log_content and flags.reflection
    assert (flags.cache_folder, flags.prefix_cache_mb) == (Path("/c"), 0)


@pytest.mark.parametrize(
    ("argv", "environ", "words"),
    [
        (["--slot", "3"], {}, "--slots"),
        (["--model", ""], {}, "--model: it is empty"),
        (["--slots", "0"], {}, "from 1 to 16"),
        (["--slots", "x"], {}, "from 1 to 16"),
        (["--queue-limit", "-1"], {}, "queue-limit"),
        (["--grace", "nan"], {}, "seconds"),
        (["--log-level", "loud"], {}, "debug, info"),
        (["--address", "localhost:50051"], {}, "unix:///"),
        (["extra"], {}, "extra"),
        ([], {"SQLSTRICT_QUEUE_LIMITS": "1"}, "SQLSTRICT_QUEUE_LIMIT"),
        ([], {"SQLSTRICT_LOG_CONTENT": "perhaps"}, "SQLSTRICT_LOG_CONTENT"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(
    argv: list[str], environ: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        load_config(argv, {**ENVIRON, **environ})


def test_a_path_that_no_socket_takes_is_not_a_matter_of_usage() -> None:
    with pytest.raises(CannotStart, match="bytes"):
        load_config(["--address", "unix:///" + "x" * 200], ENVIRON)


def test_the_data_folder_follows_xdg_where_the_path_is_absolute() -> None:
    environ = {"HOME": "/home/ann", "XDG_DATA_HOME": "/data"}
    assert default_data_folder(environ, "linux") == Path("/data/sqlstrict")
    environ["XDG_DATA_HOME"] = "relative"
    assert default_data_folder(environ, "linux") == Path("/home/ann/.local/share/sqlstrict")
    mac = Path("/home/ann/Library/Application Support/sqlstrict")
    assert default_data_folder(environ, "darwin") == mac


def test_the_cache_folder_follows_xdg_and_a_data_folder_that_is_given() -> None:
    environ = {"HOME": "/home/ann", "XDG_CACHE_HOME": "/caches"}
    assert default_cache_folder(environ, "linux") == Path("/caches/sqlstrict")
    environ["XDG_CACHE_HOME"] = "relative"
    assert default_cache_folder(environ, "linux") == Path("/home/ann/.cache/sqlstrict")
    mac = Path("/home/ann/Library/Caches/sqlstrict")
    assert default_cache_folder(environ, "darwin") == mac
    assert load_config(["--data-dir", "/d"], ENVIRON).cache_folder == Path("/d/cache")
