"""Starts the emulator. Runs under the emulator's own interpreter: imports nothing but the standard library and ministack."""

from ministack.app import main

if __name__ == "__main__":
    main()
