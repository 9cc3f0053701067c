"""`python -m supply.write`: writes `NOTICE` and `dist/sbom.cdx.json` (CycloneDX 1.6), the same bytes for the same lock."""

import sys
import tomllib
import uuid
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from supply.locked import LOCK, OURS, ROOT, Locked, read_licences, read_lock

SBOM, NOTICE = ROOT / "dist" / "sbom.cdx.json", ROOT / "NOTICE"
_NAMESPACE = uuid.UUID("8d0ddf2c-7a53-5e0c-9d6f-1f2f6f0f0b8e")
"""Serial numbers are made of it and of what is listed."""
MARKER = "pip:environment-marker"
_ABOUT = """\
HCC registry
Copyright 2026 The authors of the HCC registry
Licensed under the Apache License, Version 2.0 (LICENSE).

The registry's wheel holds its own code and data alone. What it needs at run time is installed beside it, as requirements.txt locks it, and is listed below
with version, licence (SPDX) and home; each package brings its licence's text in its folder *.dist-info. Compiled packages
(numpy, scipy, pandas, pyarrow, lxml, duckdb, ...) contain libraries of others, whose licences stand there too. Whoever passes on an environment or a
container image passes on these packages, and with them these duties:

python-stdnum is under the GNU Lesser General Public License, version 2.1 or later. The registry imports it unchanged, from a folder in which anybody can
put another version of it; its source is what is installed. Who passes it on adds the licence's text (it is in its *.dist-info), names the library as this
file does, and forbids neither to change it nor to look into the registry as it works with a changed one. If it is changed, the changed source is passed on too.
certifi and parts of tqdm are under the Mozilla Public License 2.0: changed files of theirs are passed on as source.
xlrd: This product includes software developed by David Giffin <david@giffin.org>.

None of these licences reaches the registry's own code, a hospital's data or what is computed from them.

"""


def make_sbom(locked: list[Locked]) -> str:
    """Return the bill of materials of what is locked: names, versions, file hashes, licences, and who needs what."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    licences, licence = read_licences(), LicenseFactory()
    ours = Component(
        name=OURS, version=project["version"], type=ComponentType.APPLICATION, bom_ref=OURS,
        licenses=[licence.make_from_string(project["license"])],
    )  # fmt: skip
    serial = uuid.uuid5(_NAMESPACE, f"{OURS}=={project['version']}\n{LOCK.read_text(encoding='utf-8')}")
    bom = Bom(serial_number=serial, metadata=BomMetaData(component=ours))
    bom.metadata.timestamp = None  # else no two of them would be the same
    parts: dict[str, list[Component]] = {OURS: [ours]}
    for item in locked:
        known = licences[item.name]
        part = _describe(item, licence.make_from_string(known.licence), known.home)
        bom.components.add(part)
        parts.setdefault(item.name, []).append(part)
    for name, owners in parts.items():
        needed = [part for item in locked if name in item.wanted_by for part in parts[item.name]]
        for owner in owners:
            bom.register_dependency(owner, dict.fromkeys(needed))
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _describe(item: Locked, licence, home: str) -> Component:
    page = f"https://pypi.org/project/{item.name}/{item.version}/"
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION, url=XsUri(page), comment="its files by their hashes, as requirements.txt locks them",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in item.hashes],
    )  # fmt: skip
    purl = PackageURL("pypi", None, item.name, item.version)
    return Component(
        name=item.name, version=item.version, type=ComponentType.LIBRARY, bom_ref=purl.to_string(), purl=purl, licenses=[licence],
        external_references=[files, ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(home))],
        properties=[Property(name=MARKER, value=item.marker)] if item.marker else [],
    )  # fmt: skip


def make_notice(locked: list[Locked]) -> str:
    """Return NOTICE: what follows from the licences, and every package that is locked with its licence."""
    licences = read_licences()
    rows = [(item.name, item.version, licences[item.name].licence, licences[item.name].home) for item in locked]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows
    ]
    return _ABOUT + "\n".join(lines) + "\n"


def main(target: Path = SBOM) -> None:
    """Write both files."""
    locked = read_lock()
    NOTICE.write_text(make_notice(locked), encoding="utf-8")
    target.parent.mkdir(exist_ok=True)
    target.write_text(make_sbom(locked), encoding="utf-8")
    sys.stdout.write(f"{NOTICE}\n{target}: {len(locked)} components\n")


if __name__ == "__main__":
    main()
