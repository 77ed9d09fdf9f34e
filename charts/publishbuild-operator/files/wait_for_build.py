"""Wait until a PublishBuild has ended: 0 where it succeeded, 1 with its condition where not. For `helm test`."""

import json
import pathlib
import ssl
import sys
import time
import urllib.error
import urllib.request

ACCOUNT = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
PAUSE_SECONDS = 0.5


def main(namespace: str, name: str, seconds: float) -> str:
    """What is wrong; an empty text where the build succeeded."""
    url = f"https://kubernetes.default.svc/apis/publishbuild.dev/v1alpha1/namespaces/{namespace}/publishbuilds/{name}"
    trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    deadline, said = time.monotonic() + seconds, "the operator has not looked at it: see its log"
    while time.monotonic() < deadline:
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"})
        try:
            with urllib.request.urlopen(request, timeout=10, context=trust) as answer:
                conditions = json.load(answer).get("status", {}).get("conditions", ())
        except (urllib.error.URLError, TimeoutError) as error:
            said, conditions = f"the API server says {error}", ()
        for condition in conditions:
            if condition["type"] == "Succeeded":
                said = f"{condition['reason']}: {condition['message']}"
                if condition["status"] == "True":
                    return ""
                if condition["status"] == "False":
                    return said
        time.sleep(PAUSE_SECONDS)
    return f"not within {seconds:.0f} s; the last that was said: {said}"


def printable(text: str) -> str:
    """``text`` on one line, without what a terminal would act on: `helm test --logs` shows it as it is."""
    return "".join(character if character.isprintable() else " " for character in text)


def told(namespace: str, name: str, seconds: str) -> int:
    """Say what is wrong, or that nothing is: the exit code."""
    wrong = main(namespace, name, float(seconds))
    print(printable(wrong) or "the build has succeeded")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(told(*sys.argv[1:4]))
