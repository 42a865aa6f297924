"""A program that talks like Claude Code in the few ways the box looks at, and does what its environment tells it to.

FAKE_SLEEP: seconds before it does anything; FAKE_CHILD: a file for the id of a process it leaves behind;
FAKE_SAYS: answer this without asking any server; FAKE_FAILS: write this to stderr and end with 1.
"""

import http.client
import json
import os
import ssl
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit


def main() -> int:
    if "--version" in sys.argv:
        print("9.9.9 (Pretended)")
        return 0
    settings = Path(".claude/settings.local.json")
    variables = dict(os.environ)
    if settings.exists():
        variables |= json.loads(settings.read_text(encoding="utf-8")).get("env", {})
    if child := variables.get("FAKE_CHILD"):
        process = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        Path(child).write_text(str(process.pid), encoding="utf-8")
    time.sleep(float(variables.get("FAKE_SLEEP", "0")))
    if failure := variables.get("FAKE_FAILS"):
        print(failure, file=sys.stderr)
        return 1
    if said := variables.get("FAKE_SAYS"):
        print(json.dumps({"result": said}))
        return 1
    return ask(variables)


def ask(variables: "dict[str, str]") -> int:
    where = urlsplit(variables.get("ANTHROPIC_BASE_URL") or "https://api.anthropic.com")
    if where.scheme == "https":
        trusted = ssl.create_default_context(cafile=os.environ["NODE_EXTRA_CA_CERTS"])
        proxy = urlsplit(os.environ.get("HTTPS_PROXY", ""))
        connection = http.client.HTTPSConnection(proxy.hostname or where.hostname, proxy.port or 443, context=trusted)
        if proxy.hostname:
            connection.set_tunnel(where.hostname, 443)
    else:
        connection = http.client.HTTPConnection(where.hostname, where.port)
    model = variables.get("ANTHROPIC_MODEL", "default-model")
    body = {
        "model": model,
        "max_tokens": 10,
        "tools": [{"name": "Read", "input_schema": {"type": "object"}}],
        "messages": [{"role": "user", "content": "x"}],
    }
    headers = {"authorization": f"Bearer {variables.get('ANTHROPIC_AUTH_TOKEN', '')}", "x-from": "pretended"}
    connection.request("POST", f"{where.path.rstrip('/')}/v1/messages?beta=true", json.dumps(body), headers)
    answer = json.load(connection.getresponse())
    connection.close()
    text = answer["content"][0]["text"]
    usage = {"outputTokens": 1, "contextWindow": 1234, "provider": "firstParty"}
    print(json.dumps({"result": text, "modelUsage": {model: usage}}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
