"""Run as a program: one repository at one commit into a folder, through repo2docker's own content provider.

    own_program("dlm_build.gathering.checkout") URL COMMIT FOLDER

Prints the commit that was checked out. It is a program of its own so that the git which repo2docker starts sees the
environment we chose and nothing else. Ends with status 3 where git failed; git's own words are on stderr.
"""

from __future__ import annotations

import sys


def main(url: str, commit: str, folder: str) -> int:
    from repo2docker.contentproviders import Git

    provider = Git()
    wanted = provider.detect(url, ref=commit)
    try:
        for line in provider.fetch(wanted, folder, yield_output=True):
            sys.stderr.write(line)
    except Exception as problem:  # the door to a library: git's end comes in three classes, and git has said why
        sys.stderr.write(f"{problem}\n")
        return 3
    sys.stdout.write(f"{provider._sha1}\n")  # its public content_id is cut to seven digits
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
