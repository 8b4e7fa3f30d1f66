# SPDX-License-Identifier: MIT
"""The three manifests that winget wants of a version, in schema 1.6.
https://learn.microsoft.com/windows/package-manager/package/manifest"""
import os

IDENTIFIER = "ldplayerd.ldplayerd"
SCHEMA = "1.6.0"
SCHEMAS = "https://aka.ms/winget-manifest"

VERSION = """\
# yaml-language-server: $schema={SCHEMAS}.version.{SCHEMA}.schema.json
PackageIdentifier: {IDENTIFIER}
PackageVersion: {version}
DefaultLocale: en-US
ManifestType: version
ManifestVersion: {SCHEMA}
"""

INSTALLER = """\
# yaml-language-server: $schema={SCHEMAS}.installer.{SCHEMA}.schema.json
PackageIdentifier: {IDENTIFIER}
PackageVersion: {version}
Platform:
- Windows.Desktop
MinimumOSVersion: 10.0.0.0
InstallerType: wix
Scope: machine
InstallModes:
- silent
- silentWithProgress
UpgradeBehavior: install
ElevationRequirement: elevationRequired
Commands:
- ldplayerd
ReleaseDate: {date}
AppsAndFeaturesEntries:
- DisplayName: ldplayerd
  Publisher: the ldplayerd authors
  ProductCode: '{product_code}'
  UpgradeCode: '{upgrade_code}'
  InstallerType: wix
Installers:
- Architecture: x64
  InstallerUrl: {url}
  InstallerSha256: {sha256}
  ProductCode: '{product_code}'
ManifestType: installer
ManifestVersion: {SCHEMA}
"""

LOCALE = """\
# yaml-language-server: $schema={SCHEMAS}.defaultLocale.{SCHEMA}.schema.json
PackageIdentifier: {IDENTIFIER}
PackageVersion: {version}
PackageLocale: en-US
Publisher: the ldplayerd authors
PackageName: ldplayerd
PackageUrl: {home}
License: MIT
ShortDescription: Runs and watches LDPlayer instances as a Windows service.
Description: >-
  A service that owns the LDPlayer Android emulators of a workstation: it drives ldconsole, looks at
  what really happened, and serves that over HTTP on loopback and a named pipe.
Moniker: ldplayerd
Tags:
- android
- emulator
- ldplayer
- service
ManifestType: defaultLocale
ManifestVersion: {SCHEMA}
"""


def write(folder, **facts):
    """Writes the manifests to FOLDER. FACTS: version, url, sha256, product_code, upgrade_code,
    home, date."""
    names = {"": VERSION, ".installer": INSTALLER, ".locale.en-US": LOCALE}
    values = {"IDENTIFIER": IDENTIFIER, "SCHEMA": SCHEMA, "SCHEMAS": SCHEMAS, **facts}
    os.makedirs(folder, exist_ok=True)
    for name, text in names.items():
        path = os.path.join(folder, f"{IDENTIFIER}{name}.yaml")
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text.format(**values))
