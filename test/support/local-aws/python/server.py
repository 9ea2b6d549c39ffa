"""
server.py STATE: starts LocalEmu, with Lambda functions in Node processes of their own instead of containers, and ends
with the parent. Its settings are environment variables: see ../index.ts.
"""

import sys

from parent import end_with_parent


def main():
    end_with_parent(sys.argv[1])
    import node_functions
    from localemu.runtime.main import main as run

    node_functions.install()
    run()


if __name__ == "__main__":
    main()
