#!/usr/bin/env python3
"""What a package and a release say in words, made from the checkout.

papers.py copyright TARGET   licences of the program and of every crate in it, with their texts
papers.py changelog          CHANGELOG.md as a Debian changelog
papers.py notes              the changes of the version in Cargo.toml; fails where CHANGELOG.md does not have it
papers.py sbom TARGET        the crates in the program as CycloneDX 1.5
"""

import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
# Apache's own text is the same everywhere, and on every Debian.
APACHE = re.compile(
    r"Apache License\s+Version 2\.0, January 2004.*?END OF TERMS AND CONDITIONS"
    r"(\s+APPENDIX: How to apply.*?limitations under the License\.)?",
    re.DOTALL,
)
TEXTS = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)
# Crates without a text of their own, under a licence that asks for one: each is published from the repository of another
# crate in the program, whose text at its root is theirs as well.
TEXT_OF = {"nom-language": "nom", "v4l2-sys-mit": "v4l"}


def crates(target):
    """The program's own entry, and that of each crate linked into the board's program, in order of name."""
    command = ["cargo", "metadata", "--locked", "--format-version=1", "--no-default-features", "--features=board"]
    told = subprocess.run([*command, f"--filter-platform={target}"], cwd=HERE, check=True, capture_output=True)
    told = json.loads(told.stdout)
    packages = {package["id"]: package for package in told["packages"]}
    nodes = {node["id"]: node for node in told["resolve"]["nodes"]}
    seen, todo = set(), [told["resolve"]["root"]]
    while todo:
        one = todo.pop()
        # A macro runs while the program is built; nothing of it is in the program but what it wrote.
        macro = any("proc-macro" in made["kind"] for made in packages[one]["targets"])
        if one in seen or macro:
            continue
        seen.add(one)
        linked = (dep for dep in nodes[one]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"]))
        todo += [dep["pkg"] for dep in linked]
    root = packages[told["resolve"]["root"]]
    others = [packages[one] for one in seen if one != root["id"]]
    return root, sorted(others, key=lambda package: (package["name"], package["version"]))


def copyright(target):
    root, others = crates(target)
    print(f"{root['name']} {root['version']}: {root['description']}\n")
    print((HERE / "LICENSE-MIT").read_text())
    print("Or, as you like, under the Apache License, Version 2.0: /usr/share/common-licenses/Apache-2.0\n")
    print("What the models were trained on stands in /usr/share/pilah/models/*/README.md.")
    print("Sources of the place names and postal codes in the program:\n")
    print(textwrap.indent((HERE / "data/README.md").read_text(), "    "))
    print("The program contains the following crates; the texts of their licences follow. Those without a text below")
    print("are used under the Apache License, Version 2.0.\n")
    texts, without = {}, []
    for package in others:
        name = package["name"]
        print(f"  {name} {package['version']}: {package['license'] or 'see its text'}")
        whose = next((other for other in others if other["name"] == TEXT_OF.get(name)), package)
        folder = Path(whose["manifest_path"]).parent
        files = [file for file in folder.iterdir() if file.is_file() and TEXTS.match(file.name)]
        own = [file.read_text(errors="replace").strip() for file in sorted(files)]
        own = [APACHE.sub("/usr/share/common-licenses/Apache-2.0", text) for text in own]
        own = [text for text in own if "Copyright" in text or len(text) > 100]
        for text in own:
            texts.setdefault(" ".join(text.split()), (text, []))[1].append(name)
        if not own and "Apache-2.0" not in (package["license"] or ""):
            without.append(f"{name} {package['version']}: {package['license']}")
    if without:
        sys.exit("these crates ship no text of their licence; say in TEXT_OF whose is theirs: " + ", ".join(without))
    for text, names in texts.values():
        print("\n" + "-" * 100 + "\n" + textwrap.fill("Of " + ", ".join(names) + ":", 100) + f"\n\n{text}")


def sections():
    """(version, date or None, lines) of each version in CHANGELOG.md, the newest first."""
    found = []
    for line in (HERE / "CHANGELOG.md").read_text().splitlines():
        head = re.match(r"## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", line)
        if head:
            found.append((head[1], head[2], []))
        elif found:
            found[-1][2].append(line)
    return found


def version():
    return re.search(r'^version = "(.+)"$', (HERE / "Cargo.toml").read_text(), re.MULTILINE)[1]


def changelog():
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or (HERE / "CHANGELOG.md").stat().st_mtime)
    for name, date, lines in sections():
        text = "\n".join(line for line in lines if not line.startswith("#")).strip()
        if name == "Unreleased":
            if not text:
                continue
            name = version()
        when = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        if date:
            when = datetime.datetime.fromisoformat(date + "T00:00:00+00:00")
        print(f"pilah ({name}) stable; urgency=medium\n")
        for point in re.split(r"\n(?=- )", text):
            words = " ".join(point.removeprefix("- ").split())
            print(textwrap.fill(words, 78, initial_indent="  * ", subsequent_indent="    "))
        print(f"\n -- The pilah developers <pilah@localhost>  {when:%a, %d %b %Y %H:%M:%S +0000}\n")


def notes():
    for name, date, lines in sections():
        if name == version() and date:
            return print("\n".join(lines).strip())
    sys.exit(f"CHANGELOG.md has no section [{version()}] with a date: name the version and the day that it is released")


def sbom(target):
    root, others = crates(target)
    lock = (HERE / "Cargo.lock").read_text()
    sums = re.findall(r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"', lock)
    sums = {(name, number): digest for name, number, digest in sums}

    def component(package, kind):
        purl = f"pkg:cargo/{package['name']}@{package['version']}"
        made = {"type": kind, "bom-ref": purl, "name": package["name"], "version": package["version"], "purl": purl}
        if package["license"]:
            made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        if (package["name"], package["version"]) in sums:
            made["hashes"] = [{"alg": "SHA-256", "content": sums[package["name"], package["version"]]}]
        return made

    models = []
    for net in sorted((HERE / "models").glob("*/model.onnx")):
        digest = hashlib.sha256(net.read_bytes()).hexdigest()
        number = re.search(r'^version = "(.+)"$', net.with_name("model.toml").read_text(), re.MULTILINE)[1]
        model = {"type": "machine-learning-model", "bom-ref": f"model:{net.parent.name}", "name": net.parent.name}
        models.append({**model, "version": number, "hashes": [{"alg": "SHA-256", "content": digest}]})
    components = [component(package, "library") for package in others] + models
    told = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1}
    told["metadata"] = {"component": component(root, "application")}
    print(json.dumps({**told, "components": components}, indent=1))


def main():
    commands = {"copyright": copyright, "changelog": changelog, "notes": notes, "sbom": sbom}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__.strip())
    commands[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
