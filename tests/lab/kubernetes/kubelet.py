"""What runs the Pods of the lab, in place of a scheduler and of the kubelets of its nodes.

    kubelet.py --server http://172.27.115.241:8082 --token FILE --namespace LAB-control --lab LAB --run DIRECTORY --node compute1=172.27.115.242 --node ...

It lists and watches Pods. One without a node is bound to the node that has the fewest. For one that is bound to a node of the lab, it makes a
network namespace LAB-pod-N with the address 10.233.65.N, wired to the node and routed to from the others. Where a container's image is nginx,
it starts nginx there; any other image is a namespace that answers to ping. Then it reports the address by pods/status. When the Pod is gone,
so is the namespace.
"""

import argparse
import ctypes
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


class Server:
    """The API, whose port is in another network namespace than this process: only the sockets are made there."""

    def __init__(self, url, token, namespace):
        self.host, self.namespace = urllib.parse.urlsplit(url).netloc, "/run/netns/" + namespace
        with open(token, encoding="ascii") as file:
            self.token = file.read().strip()

    def open(self, method, path, body=None, kind="application/json", patience=10):
        connection = http.client.HTTPConnection(self.host, timeout=patience)
        with open("/proc/self/ns/net", "rb") as home, open(self.namespace, "rb") as away:
            set_namespace(away)
            try:
                connection.connect()
            finally:
                set_namespace(home)
        headers = {"Content-Type": kind, "Accept": "application/json", "Authorization": "Bearer " + self.token}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        return connection.getresponse()

    def ask(self, method, path, body=None, kind="application/json"):
        """The answer as JSON; an error is an exception with the server's own words."""
        answer = self.open(method, path, body, kind)
        text = answer.read()
        if answer.status >= 300:
            raise OSError(f"{method} {path} answered {answer.status}: {text.decode(errors='replace')}")
        return json.loads(text)

    def watch(self, path):
        """The events of a watch, until the server ends it."""
        answer = self.open("GET", path, patience=90)
        if answer.status != 200:
            raise OSError(f"GET {path} answered {answer.status}: {answer.read().decode(errors='replace')}")
        for line in answer:
            yield json.loads(line)


def set_namespace(file):
    if LIBC.setns(file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def say(text):
    print(text, flush=True)


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Sandbox:
    """A Pod that runs: its network namespace, and its nginx."""

    def __init__(self, lab, directory, number, node, nodes):
        self.name, self.node, self.nodes = f"{lab}-pod-{number}", node, nodes
        self.lab, self.directory, self.device = lab, os.path.join(directory, f"pod-{number}"), f"pod{number}"
        self.address, self.nginx, self.reported = f"10.233.65.{number}", None, False

    def begin(self, pod):
        inside, outside = ("ip", "-n", self.name), ("ip", "-n", f"{self.lab}-{self.node}")
        run("ip", "netns", "add", self.name)
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "link", "add", "eth0", "type", "veth", "peer", "name", self.device, "netns", f"{self.lab}-{self.node}")
        run(*inside, "link", "set", "eth0", "up")
        run(*outside, "link", "set", self.device, "up")
        run(*inside, "address", "add", self.address + "/32", "dev", "eth0")
        run(*outside, "address", "add", "10.233.64.1/32", "dev", self.device)
        run(*outside, "route", "replace", self.address + "/32", "dev", self.device)
        run(*inside, "route", "replace", "default", "via", "10.233.64.1", "dev", "eth0", "onlink")
        for node in self.nodes:
            if node != self.node:
                run("ip", "-n", f"{self.lab}-{node}", "route", "replace", self.address + "/32", "via", self.nodes[self.node])
        if any(container["image"].split("/")[-1].split(":")[0] == "nginx" for container in pod["spec"]["containers"]):
            self.start_nginx(pod["metadata"]["name"])

    def start_nginx(self, name):
        os.makedirs(self.directory, exist_ok=True)
        with open(os.path.join(os.path.dirname(__file__), "nginx.conf"), encoding="utf-8") as file:
            text = file.read().replace("@DIR@", self.directory).replace("@POD@", name)
        configuration = os.path.join(self.directory, "nginx.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(text)
        self.nginx = subprocess.Popen(["ip", "netns", "exec", self.name, "nginx", "-e", "stderr", "-c", configuration], stdin=subprocess.DEVNULL)

    def end(self):
        if self.nginx is not None:
            self.nginx.terminate()
            self.nginx.wait()
        for node in self.nodes:
            subprocess.run(["ip", "-n", f"{self.lab}-{node}", "route", "del", self.address + "/32"], stderr=subprocess.DEVNULL, check=False)
        run("ip", "netns", "delete", self.name)

    def status(self, pod):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        conditions = [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")]
        containers = [{
            "name": container["name"], "image": container["image"], "imageID": "", "ready": True, "started": True, "restartCount": 0,
            "state": {"running": {"startedAt": now}}} for container in pod["spec"]["containers"]]
        return {
            "phase": "Running", "podIP": self.address, "podIPs": [{"ip": self.address}], "hostIP": self.nodes[self.node], "startTime": now,
            "conditions": conditions, "containerStatuses": containers}


class Kubelet:
    def __init__(self, server, lab, directory, nodes):
        self.server, self.lab, self.directory, self.nodes = server, lab, directory, nodes
        self.sandboxes, self.numbers = {}, 10

    def path(self, pod, subresource):
        return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}/{subresource}"

    def see(self, pod):
        """A Pod that is there. Its namespace stays until it is gone, also while its deletion waits for its routes."""
        uid, node = pod["metadata"]["uid"], pod.get("spec", {}).get("nodeName")
        if uid in self.sandboxes:
            self.report(pod, self.sandboxes[uid])
        if uid in self.sandboxes or "deletionTimestamp" in pod["metadata"]:
            return
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        if not node:
            node = min(self.nodes, key=lambda n: sum(s.node == n for s in self.sandboxes.values()))
            self.server.ask("POST", self.path(pod, "binding"), {
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod["metadata"]["name"]},
                "target": {"apiVersion": "v1", "kind": "Node", "name": node}})
            say(f"{name} is bound to {node}")
            # The binding comes back as a change of the Pod.
        elif node in self.nodes:
            self.numbers += 1
            sandbox = self.sandboxes[uid] = Sandbox(self.lab, self.directory, self.numbers, node, self.nodes)
            sandbox.begin(pod)
            say(f"{name} runs on {node}, {sandbox.address}")
            self.report(pod, sandbox)

    def report(self, pod, sandbox):
        if not sandbox.reported:
            self.server.ask("PATCH", self.path(pod, "status"), {"status": sandbox.status(pod)}, "application/strategic-merge-patch+json")
            sandbox.reported = True

    def forget(self, uid):
        sandbox = self.sandboxes.pop(uid, None)
        if sandbox is not None:
            sandbox.end()
            say(f"{sandbox.address} is gone")

    def turn(self):
        """Lists, then follows the changes for as long as the server lets it."""
        listed = self.server.ask("GET", "/api/v1/pods")
        present = {pod["metadata"]["uid"] for pod in listed["items"]}
        for uid in [uid for uid in self.sandboxes if uid not in present]:
            self.forget(uid)
        for pod in listed["items"]:
            self.see(pod)
        version = listed["metadata"]["resourceVersion"]
        say(f"watching from {version}")
        for event in self.server.watch(f"/api/v1/pods?watch=true&allowWatchBookmarks=true&timeoutSeconds=60&resourceVersion={version}"):
            if event["type"] == "ERROR":
                say(f"the watch has ended: {event['object'].get('message')}")
                return
            if event["type"] == "DELETED":
                self.forget(event["object"]["metadata"]["uid"])
            elif event["type"] != "BOOKMARK":
                self.see(event["object"])


def main():
    arguments = argparse.ArgumentParser()
    for name in ("server", "token", "namespace", "lab", "run"):
        arguments.add_argument("--" + name, required=True)
    arguments.add_argument("--node", action="append", required=True)
    arguments = arguments.parse_args()
    nodes = dict(node.split("=") for node in arguments.node)
    kubelet = Kubelet(Server(arguments.server, arguments.token, arguments.namespace), arguments.lab, arguments.run, nodes)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            try:
                kubelet.turn()
            except (OSError, http.client.HTTPException) as error:
                say(f"{error}")
                time.sleep(0.5)
    finally:
        for uid in list(kubelet.sandboxes):
            kubelet.forget(uid)


if __name__ == "__main__":
    main()
