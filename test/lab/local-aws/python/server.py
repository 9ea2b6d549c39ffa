"""
server.py STATE: starts LocalEmu, with Lambda functions in Node processes of their own instead of containers and dead
letters as SQS moves them, and ends with the parent. Its settings are environment variables: see ../index.ts.
"""

import sys

from parent import end_with_parent


def main():
    end_with_parent(sys.argv[1])
    import dead_letters
    import node_functions
    from localemu.runtime.main import main as run

    dead_letters.install()
    node_functions.install()
    run()


if __name__ == "__main__":
    main()
