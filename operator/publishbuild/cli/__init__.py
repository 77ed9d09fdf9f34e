"""The ``publishbuild`` command, also installed as ``kubectl-publishbuild``."""
