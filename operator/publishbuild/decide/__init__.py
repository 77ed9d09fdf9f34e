"""What should happen, decided from Facts alone: no Kubernetes, no Redis, no clock, no randomness.

Start at `next_actions`: it reads as the life of a build. Everything it is told is in `facts`, everything that it may
ask for is in `actions`.
"""
