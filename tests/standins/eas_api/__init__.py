"""STAND-IN for Expo's EAS API, for tests and the demo: it builds nothing and publishes nothing.

The real ``eas-cli`` talks to it under ``EXPO_LOCAL=1``, so what runs in tests is the program that users run. It
answers the fixed GraphQL operations of that program, by name, with more fields than any one of them asks for.
"""
