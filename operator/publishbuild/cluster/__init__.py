"""The only room that talks to the Kubernetes API: `api` sends, `store` remembers, `resync` compares."""
