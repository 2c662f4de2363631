# expect: all passed
# what is called is a shell script that hands everything on to a program in Python
by_hand; nodes
{ echo "$PYTHON_HEAD"; cat <<'END'
tags = {}
for tag in list(names()):
    with ask(f"/manifests/{tag}", "HEAD") as answer:
        tags[tag] = answer.headers["Docker-Content-Digest"]
def version(tag):
    found = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", tag)
    return found and tuple(map(int, found.groups()))
signed = {tag.removesuffix(".sig").replace("-", ":", 1) for tag in tags if tag.startswith("sha256-") and tag.endswith(".sig")}
newest = sorted(filter(version, tags), key=version)[-3:]
wanted = [tags[tag] for tag in newest] + DEPLOYED + [digest for digest in signed if digest in tags.values()]
keep = set()
while wanted:
    digest = wanted.pop()
    if digest in keep or digest not in tags.values():
        keep.add(digest)
        continue
    keep.add(digest)
    with ask(f"/manifests/{digest}") as answer:
        wanted += [part["digest"] for part in json.load(answer).get("manifests", [])]
    if signature := tags.get(digest.replace(":", "-") + ".sig"):
        wanted.append(signature)
for digest in {*tags.values()} - keep:
    ask(f"/manifests/{digest}", "DELETE").close()
END
} > retention.py
{ echo "cat > /opt/retention.py <<'PROGRAM'"; cat retention.py; echo PROGRAM; } | on depot
written <<< '#!/bin/sh
exec python3 /opt/retention.py "$@"'
try
