"""What runs inside the Job's pod: ``execute_build_and_submit``."""
