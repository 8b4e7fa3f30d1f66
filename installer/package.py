#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes what users install, of a built ldplayerd.exe: the MSI, the portable zip, the manifests for
winget and their checksums. `./run package` builds the program and calls this.

The same program, texts and version give the same files: times are that of the last commit (or
SOURCE_DATE_EPOCH), codes are made of the version."""
import argparse
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile

import winget

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

# Never to be changed: Windows knows by it that two versions are the same program.
UPGRADE_CODE = uuid.UUID("923E80CF-1C1A-474D-809E-AB5E2DE38867")

# Name in the package: source. What an operator needs, nothing for developers.
TEXTS = {
    "LICENSE.txt": "LICENSE",
    "README.md": "README.md",
    "config.example.json": "installer/config.example.json",
    "docs/install.md": "docs/install.md",
    "docs/config.md": "docs/config.md",
    "docs/api.md": "docs/api.md",
    "docs/session-agent.md": "docs/session-agent.md",
    "docs/windows-service.md": "docs/windows-service.md",
    "docs/workstations.md": "docs/workstations.md",
}

def project_version():
    with open(os.path.join(ROOT, "meson.build"), encoding="utf-8") as file:
        return re.search(r"version: '(\d+\.\d+\.\d+)'", file.read()).group(1)

def code(kind, version):
    """A GUID of its own for each version, the same each time."""
    return "{" + str(uuid.uuid5(UPGRADE_CODE, f"{kind} {version}")).upper() + "}"

def source_time():
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    done = subprocess.run(
        ["git", "-C", ROOT, "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False
    )
    return int(done.stdout) if done.returncode == 0 else 1_600_000_000

def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    # wixl ends with 0 for some of what it could not do, but never silently.
    if done.returncode != 0 or done.stderr:
        sys.exit(f"package: {command[0]} failed ({done.returncode}):\n{done.stdout}{done.stderr}")

def stage(exe, folder, when):
    """Fills FOLDER with the files of the package, all as old as the source."""
    os.mkdir(os.path.join(folder, "docs"))
    shutil.copyfile(exe, os.path.join(folder, "ldplayerd.exe"))
    for name, source in TEXTS.items():
        shutil.copyfile(os.path.join(ROOT, source), os.path.join(folder, name))
    for name in ["ldplayerd.exe", *TEXTS]:
        os.utime(os.path.join(folder, name), (when, when))

def statements():
    """The statements of tables.sql, each in one line."""
    with open(os.path.join(HERE, "tables.sql"), encoding="utf-8") as file:
        lines = [line for line in file.read().split("\n") if not line.startswith("--")]
    paragraphs = "\n".join(lines).split("\n\n")
    return [" ".join(text.split()) for text in paragraphs if text.strip()]

def file_version(exe):
    """That of the program's version resource, as a statement for the database, which wixl leaves
    without: Windows Installer replaces a file by its version, and else by its hash."""
    with open(exe, "rb") as file:
        data = file.read()
    at = data.find(struct.pack("<I", 0xFEEF04BD))  # VS_FIXEDFILEINFO
    if at < 0:
        return []
    high, low = struct.unpack_from("<II", data, at + 8)
    version = f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
    return [
        f"UPDATE `File` SET `Version` = '{version}' WHERE `File` = 'ldplayerd.exe'",
        "UPDATE `File` SET `Language` = '1033' WHERE `File` = 'ldplayerd.exe'",
        "DELETE FROM `MsiFileHash` WHERE `File_` = 'ldplayerd.exe'",
    ]


def set_times(path, when):
    """wixl writes the time of the build into the summary, as the only one to do so: two FILETIMEs
    that stand apart from each other by no more than a second or so."""
    now = (int(time.time()) + 11_644_473_600) * 10_000_000
    then = struct.pack("<Q", (when + 11_644_473_600) * 10_000_000)
    with open(path, "rb") as file:
        data = bytearray(file.read())
    # VT_FILETIME, then the value.
    for match in re.finditer(rb"\x40\x00\x00\x00(.{8})", bytes(data), re.DOTALL):
        (value,) = struct.unpack("<Q", match.group(1))
        if 0 <= now - value < 600 * 10_000_000:
            data[match.start(1) : match.end(1)] = then
    with open(path, "wb") as file:
        file.write(data)

def make_msi(folder, version, help_link, when, path):
    subprocess.run([sys.executable, os.path.join(HERE, "icon.py"), "ldplayerd.ico"], cwd=folder,
                   check=True)
    defines = {
        "Version": version,
        "ProductCode": code("product", version),
        "UpgradeCode": "{" + str(UPGRADE_CODE).upper() + "}",
        "HelpLink": help_link,
    }
    flags = [part for key, value in defines.items() for part in ("-D", f"{key}={value}")]
    run(["wixl", "-a", "x64", *flags, "-o", path, os.path.join(HERE, "ldplayerd.wxs")], cwd=folder)
    for statement in statements() + file_version(os.path.join(folder, "ldplayerd.exe")):
        run(["msibuild", path, "-q", statement])
    # The package code, which differs as soon as the content does.
    with open(os.path.join(folder, "ldplayerd.exe"), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    run(["msibuild", path, "-s", "ldplayerd", "the ldplayerd authors", "x64;1033",
         code(f"package {digest}", version)])
    set_times(path, when)

def make_zip(folder, version, when, path):
    name = f"ldplayerd-{version}"
    with open(os.path.join(HERE, "portable.txt"), encoding="utf-8") as file:
        how = file.read()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside in ["ldplayerd.exe", *sorted(TEXTS)]:
            with open(os.path.join(folder, inside), "rb") as file:
                add_to_zip(archive, f"{name}/{inside}", file.read(), when)
        add_to_zip(archive, f"{name}/portable.txt", how.replace("\n", "\r\n").encode(), when)

def add_to_zip(archive, name, data, when):
    info = zipfile.ZipInfo(name, time.gmtime(when)[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 0
    archive.writestr(info, data)

def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()

def write_sums(out, names):
    with open(os.path.join(out, "SHA256SUMS"), "w", encoding="utf-8") as file:
        for name in names:
            file.write(f"{sha256(os.path.join(out, name))}  {name}\n")

def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--exe", required=True, help="the ldplayerd.exe to pack")
    parser.add_argument("--out", required=True, help="folder for what is made")
    parser.add_argument("--version", default=project_version(), help="X.Y.Z, else the project's")
    parser.add_argument("--url", default="https://ldplayerd.invalid/releases",
                        help="where the files will be published; goes into the winget manifests")
    parser.add_argument("--msi-only", action="store_true", help="for tests of the installation")
    args = parser.parse_args()
    # What Windows Installer compares: bytes, and the third of two.
    parts = [int(part) for part in re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", args.version).groups()] \
        if re.fullmatch(r"\d+\.\d+\.\d+", args.version) else None
    if not parts or parts[0] > 255 or parts[1] > 255 or parts[2] > 65535:
        parser.error("--version: must be X.Y.Z, up to 255.255.65535")
    return args

def main():
    args = parse_args()
    when = source_time()
    out = os.path.abspath(args.out)
    os.makedirs(out, exist_ok=True)
    msi = f"ldplayerd-{args.version}-x64.msi"
    archive = f"ldplayerd-{args.version}-x64.zip"
    with tempfile.TemporaryDirectory(prefix="ldp-package-") as folder:
        stage(args.exe, folder, when)
        make_msi(folder, args.version, args.url, when, os.path.join(out, msi))
        if args.msi_only:
            return
        make_zip(folder, args.version, when, os.path.join(out, archive))
    winget.write(
        os.path.join(out, "winget"),
        version=args.version,
        url=f"{args.url}/{msi}",
        sha256=sha256(os.path.join(out, msi)).upper(),
        product_code=code("product", args.version),
        upgrade_code="{" + str(UPGRADE_CODE).upper() + "}",
        home=args.url,
        date=time.strftime("%Y-%m-%d", time.gmtime(when)),
    )
    write_sums(out, [msi, archive])
    print(f"Made {msi}, {archive}, winget/ and SHA256SUMS in {args.out}")

if __name__ == "__main__":
    main()
