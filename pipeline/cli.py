"""The command line: verbs, nothing else. Data goes to stdout, messages to stderr."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence

from pipeline.errors import (
    DONE,
    SHORT,
    USAGE,
    DiskFullError,
    InputError,
    RefusedError,
    ShortError,
    UnreachableError,
    UsageError,
)
from pipeline.terminal import harmless
from pipeline.verbs.arguments import parser


def main(arguments: Sequence[str] | None = None) -> int:
    if not (sys.argv[1:] if arguments is None else arguments):
        parser().print_help(sys.stderr)
        return USAGE
    options = parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)  # a stopped job leaves as tidily as Ctrl-C
    try:
        return int(options.verb(options))
    except UsageError as error:
        return _complain(error, USAGE)
    except (InputError, ShortError, RefusedError, UnreachableError, DiskFullError) as error:
        return _complain(error, SHORT)
    except BrokenPipeError:  # `seimai filters | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        return _complain(f"{error.filename or 'a file'}: {error.strerror or error}", SHORT)
    except KeyboardInterrupt:
        return _complain("interrupted; what was committed counts, the same command goes on from there", 130)
    except Exception as error:
        # A filter that is not fully declared stops the import of its package, so its class cannot be imported here.
        if type(error).__name__ == "FilterError":
            return _complain(error, USAGE)
        raise


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _complain(error: object, code: int) -> int:
    print(harmless(f"seimai: {error}"), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
