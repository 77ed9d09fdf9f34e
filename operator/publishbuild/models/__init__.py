"""The PublishBuild resource as pydantic models; `crd` makes the CustomResourceDefinition from them."""
