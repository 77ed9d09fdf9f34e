"""Records the statuses anew: `make record-statuses`."""

from __future__ import annotations

from tests.gitops import recordings, states


def main() -> None:
    """Write one file a state."""
    recorded = states.record()
    recordings.write(recorded)
    print(
        f"record-statuses: {len(recorded)} states in {recordings.STATUSES.relative_to(recordings.STATUSES.parents[2])}"
    )


if __name__ == "__main__":
    main()
