# expect: all passed
# Python's own library, and each page by its Link
by_hand; nodes
{ echo "$PYTHON_HEAD"; cat <<'END'
digests = {}
for tag in list(names()):
    with ask(f"/manifests/{tag}", "HEAD") as answer:
        digests[tag] = answer.headers["Docker-Content-Digest"]
versions = sorted((t for t in digests if re.fullmatch(r"v\d+\.\d+\.\d+", t)), key=lambda t: tuple(map(int, t[1:].split("."))))
there = set(digests.values())
keep = {digests[t] for t in versions[-3:]} | {*DEPLOYED}
signatures = {"sha256:" + t[7:-4]: d for t, d in digests.items() if re.fullmatch(r"sha256-[0-9a-f]{64}\.sig", t)}
keep |= signatures.keys() & there
keep |= {signatures[d] for d in keep & signatures.keys()}
for digest in keep & there:
    with ask(f"/manifests/{digest}") as answer:
        keep |= {part["digest"] for part in json.load(answer).get("manifests", [])}
for digest in there - keep:
    ask(f"/manifests/{digest}", "DELETE").close()
END
} | written
try
