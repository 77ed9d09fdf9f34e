"""PublishBuild: publishes Expo apps in the background, one Kubernetes Job per build."""

__version__ = "0.1.0"
