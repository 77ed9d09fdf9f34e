"""A CycloneDX bill of materials for an image: the same image gives the same text."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from packageurl import PackageURL

from hack.images.archive_files import read
from hack.images.packages import Package, is_record, packages
from hack.images.progress import BuildError

_LICENSES = LicenseFactory()
_NO_TIME = datetime(1980, 1, 1, tzinfo=UTC)


def write(archive: Path, name: str, version: str, target: Path) -> int:
    """Write what the image of an archive holds to ``target``; how many packages that is.

    Raises:
        BuildError: where the text is not what CycloneDX's own schema asks for.
    """
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415  # two seconds, and only needed here

    contents = read(archive, is_record)
    held = packages(contents.files)
    text = bill(name, version, contents.image, held)
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        raise BuildError(f"{target.name} is not valid CycloneDX: {wrong}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return len(held)


def bill(name: str, version: str, image: str, held: Iterable[Package]) -> str:
    """The bill as JSON; ``image`` is the digest (hex) of the image's configuration."""
    bom = Bom(serial_number=uuid5(NAMESPACE_OID, image))
    bom.metadata.timestamp = _NO_TIME
    bom.metadata.component = Component(
        type=ComponentType.CONTAINER, name=name, version=version, bom_ref=f"sha256:{image}"
    )
    components = [_component(package) for package in held]
    bom.components.update(components)
    bom.register_dependency(bom.metadata.component, components)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(package: Package) -> Component:
    namespace, _, short = package.name.rpartition("/")
    url = PackageURL(
        package.kind,
        "debian" if package.kind == "deb" else namespace or None,
        short,
        package.version,
        {"arch": package.architecture} if package.architecture else None,
    )
    return Component(
        type=ComponentType.LIBRARY,
        name=short,
        group=namespace or None,
        version=package.version,
        purl=url,
        bom_ref=str(url),
        licenses=[_LICENSES.make_from_string(package.license)] if package.license else [],
    )
