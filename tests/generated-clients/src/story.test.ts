// The story of README.md with the typed client, on a server that has nothing yet. It removes what it made.
import assert from "node:assert/strict";
import { test } from "node:test";
import { api, type Problem } from "./client.js";

const ns = { path: { ns: "ns1" } };
const merge = { headers: { "Content-Type": "application/merge-patch+json" } };

function found<T>(answer: { data?: T; error?: Problem }): T {
  if (answer.data === undefined) assert.fail(`the answer is a problem: ${answer.error?.code}: ${answer.error?.detail}`);
  return answer.data;
}

function refused(answer: { data?: unknown; error?: Problem }): Problem {
  assert.ok(answer.error, "the answer should be a problem");
  return answer.error;
}

async function gone(read: () => Promise<{ response: Response }>): Promise<void> {
  const end = Date.now() + 15_000;
  while ((await read()).response.status !== 404) assert.ok(Date.now() < end, "it is still there after 15 s");
}

test("a namespace is created", async () => {
  const answer = await api.POST("/v1/namespaces", { body: { name: "ns1", labels: { ns: "ns1" } } });
  assert.equal(answer.response.headers.get("location"), "/v1/namespaces/ns1");
  assert.deepEqual(found(answer).labels, { ns: "ns1" });
});

test("an external network is created", async () => {
  const network = found(await api.POST("/v1/namespaces/{ns}/external-networks", {
    params: ns,
    body: {
      name: "vn-external1",
      labels: { "service.contrail.juniper.net/externalNetwork": "default-external" },
      subnets: [{ cidr: "100.0.0.0/24" }],
      fabricForwarding: true,
    },
  }));
  assert.equal(network.subnets[0]?.gateway, "100.0.0.1");
  assert.equal(network.status.subnets[0]?.available, "253");
});

test("a selector is replaced", async () => {
  const selector = found(await api.PUT("/v1/external-network-selectors/{name}", {
    params: { path: { name: "default-external" } },
    body: {
      name: "default-external",
      networkSelector: { matchLabels: { "service.contrail.juniper.net/externalNetwork": "default-external" } },
      namespaceSelector: { matchLabels: { ns: "ns1" } },
    },
  }));
  assert.deepEqual(selector.namespaceSelector?.matchLabels, { ns: "ns1" });
});

test("a router is created", async () => {
  const router = found(await api.POST("/v1/bgp-routers", { body: { name: "vmx1", address: "172.27.115.245", autonomousSystem: 4200000000 } }));
  assert.equal(router.autonomousSystem, 4200000000);
});

test("an endpoint is created", async () => {
  const endpoint = found(await api.POST("/v1/namespaces/{ns}/virtual-machine-interfaces", {
    params: ns,
    body: { name: "nginx-1-eth0", labels: { app: "web" }, addresses: ["10.233.64.11"], virtualRouter: "compute1" },
  }));
  assert.equal(endpoint.status.health, "Unknown");
});

test("a Service is created and has its address", async () => {
  const service = found(await api.POST("/v1/namespaces/{ns}/services", {
    params: ns,
    body: { name: "my-service", selector: { app: "web" }, ports: [{ port: 8080, targetPort: 80 }] },
  }));
  assert.deepEqual(service.status.externalIPs, ["100.0.0.2"]);
});

test("the status of the Service says what is missing", async () => {
  const service = found(await api.GET("/v1/namespaces/{ns}/services/{name}", { params: { path: { ns: "ns1", name: "my-service" } } }));
  assert.equal(service.status.externalNetwork, "ns1/vn-external1");
  assert.deepEqual(service.status.conditions.map((c) => c.type), ["Allocated", "Programmed", "Advertised", "Ready"]);
});

test("the FloatingIPs of the Service are listed", async () => {
  const { items } = found(await api.GET("/v1/namespaces/{ns}/floating-ips", { params: { ...ns, query: { limit: 10 } } }));
  assert.deepEqual(items.map((f) => f.kind).sort(), ["ClusterIP", "External"]);
  assert.ok(items.every((f) => f.portMapping === "TCP/8080->80"));
});

test("another Service takes its address from a network that it names", async () => {
  found(await api.POST("/v1/namespaces/{ns}/external-networks", {
    params: ns,
    body: { name: "vn-external2", subnets: [{ cidr: "200.0.0.0/24" }], fabricForwarding: true },
  }));
  const service = found(await api.POST("/v1/namespaces/{ns}/services", {
    params: ns,
    body: { name: "my-service-2", selector: { app: "web" }, externalNetwork: "ns1/vn-external2", ports: [{ port: 8080, targetPort: 80 }] },
  }));
  assert.deepEqual(service.status.externalIPs, ["200.0.0.2"]);
});

test("PUT sends a resource back as it was read, changed in one member", async () => {
  const one = { params: { path: { ns: "ns1", name: "my-service" } } };
  const { externalNetwork, externalNetworkSelector, status, ...service } = found(await api.GET("/v1/namespaces/{ns}/services/{name}", one));
  const answer = await api.PUT("/v1/namespaces/{ns}/services/{name}", { ...one, body: { ...service, sessionAffinity: "ClientIP" } });
  assert.equal(found(answer).generation, service.generation + 1);
  assert.equal(answer.response.headers.get("etag"), `"${service.generation + 1}"`);
  assert.deepEqual(found(answer).status.externalIPs, status.externalIPs);
  assert.deepEqual([externalNetwork, externalNetworkSelector], [null, null]);
});

test("PATCH changes one member, and null restores its default", async () => {
  const one = { params: { path: { ns: "ns1", name: "my-service" } }, ...merge };
  const changed = found(await api.PATCH("/v1/namespaces/{ns}/services/{name}", { ...one, body: { labels: { tier: "web", old: null } } }));
  assert.deepEqual([changed.labels, changed.sessionAffinity], [{ tier: "web" }, "ClientIP"]);
  const restored = found(await api.PATCH("/v1/namespaces/{ns}/services/{name}", { ...one, body: { sessionAffinity: null } }));
  assert.equal(restored.sessionAffinity, "None");
});

test("a write with an old If-Match is refused", async () => {
  const answer = await api.PATCH("/v1/namespaces/{ns}/services/{name}", {
    params: { path: { ns: "ns1", name: "my-service" }, header: { "If-Match": '"1"' } },
    ...merge,
    body: { sessionAffinity: "ClientIP" },
  });
  assert.equal(refused(answer).code, "precondition-failed");
});

test("a 400 names every fault", async () => {
  const problem = refused(await api.POST("/v1/namespaces/{ns}/services", {
    params: ns,
    body: { name: "No Name", externalNetwork: "a", externalNetworkSelector: "b", ports: [{ port: 0 }] },
  }));
  assert.equal(problem.code, "validation-failed");
  assert.deepEqual(Object.keys(problem.errors ?? {}).sort(), ["externalNetworkSelector", "name", "ports[0].port"]);
});

test("a 404 names what does not exist", async () => {
  const problem = refused(await api.GET("/v1/namespaces/{ns}/services/{name}", { params: { path: { ns: "ns1", name: "absent" } } }));
  assert.deepEqual([problem.status, problem.code], [404, "not-found"]);
  assert.match(problem.detail, /ns1\/absent/);
});

test("a 409 names what uses a network", async () => {
  const problem = refused(await api.DELETE("/v1/namespaces/{ns}/external-networks/{name}", { params: { path: { ns: "ns1", name: "vn-external1" } } }));
  assert.equal(problem.code, "in-use");
  assert.match(problem.detail, /my-service/);
});

test("everything is deleted", async () => {
  for (const name of ["my-service", "my-service-2"]) {
    const one = { params: { path: { ns: "ns1", name } } };
    const { response } = await api.DELETE("/v1/namespaces/{ns}/services/{name}", one);
    assert.ok([202, 204].includes(response.status));
    await gone(() => api.GET("/v1/namespaces/{ns}/services/{name}", one));
  }

  for (const name of ["vn-external1", "vn-external2"]) {
    const { response } = await api.DELETE("/v1/namespaces/{ns}/external-networks/{name}", { params: { path: { ns: "ns1", name } } });
    assert.equal(response.status, 204);
  }

  const answers = [
    await api.DELETE("/v1/namespaces/{ns}/virtual-machine-interfaces/{name}", { params: { path: { ns: "ns1", name: "nginx-1-eth0" } } }),
    await api.DELETE("/v1/bgp-routers/{name}", { params: { path: { name: "vmx1" } } }),
    await api.DELETE("/v1/namespaces/{name}", { params: { path: { name: "ns1" } } }),
  ];
  assert.deepEqual(answers.map((a) => a.response.status), [204, 204, 204]);
});
