"""Every reason that a status can show, with its meaning and what to do: for `publishbuild why` and docs/reasons.md."""
