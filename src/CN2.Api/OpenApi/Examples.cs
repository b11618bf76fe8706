using System.Text.Json.Nodes;

namespace CN2.Api.OpenApi;

/// <summary>
/// An example for every request. Sent unchanged to a fresh server in the order of the tags, and in a tag in the document's order, each
/// succeeds (a test does it): POST makes what later tags refer to, PUT makes a second one, PATCH changes the first, DELETE takes the second.
/// The ControlNodes are no request's: the test adds them.
/// </summary>
public static class Examples
{
    /// <summary>The order in which a user meets the resources; what a tag's examples refer to stands in an earlier one.</summary>
    public static readonly IReadOnlyList<string> Tags =
    [
        "Namespaces", "Grants", "VirtualRouters", "ServiceHealthChecks", "VirtualMachineInterfaces", "ExternalNetworkSelectors", "ExternalNetworks", "Services",
        "FloatingIPs", "BgpRouters", "ControlNodes", "Tokens", "RoleBindings", "Watch", "Events", "Audit",
    ];

    /// <summary>Body of an operation by its id.</summary>
    public static JsonNode? Body(string operationId) => Bodies.TryGetValue(operationId, out var json) ? JsonNode.Parse(json) : null;

    /// <summary>An answer where the schema alone does not tell what to expect; null elsewhere.</summary>
    public static JsonNode? Answer(string operationId) => operationId switch
    {
        "ListExternalNetworkRoutes" => JsonNode.Parse(Routes),
        "ListAudit" => JsonNode.Parse(Entries),
        "CreateJoinToken" => JsonNode.Parse(JoinToken),
        _ => null,
    };

    /// <summary>Value of the path's <c>{name}</c>, by tag and method: PUT and DELETE work on the second one.</summary>
    public static string Name(string tag, string method) => Names.TryGetValue(tag, out var names) ? method is "PUT" or "DELETE" ? names.Second : names.First : "name";

    private static readonly Dictionary<string, (string First, string Second)> Names = new()
    {
        ["Namespaces"] = ("ns1", "scratch"),
        ["VirtualRouters"] = ("compute1", "compute9"),
        ["ServiceHealthChecks"] = ("http-hc", "tcp-hc"),
        ["VirtualMachineInterfaces"] = ("nginx-1-eth0", "nginx-9-eth0"),
        ["ExternalNetworkSelectors"] = ("default-external", "gold"),
        ["ExternalNetworks"] = ("vn-external1", "vn-external9"),
        ["Services"] = ("my-service", "my-service9"),
        ["FloatingIPs"] = ("web-vip", "web-vip9"),
        ["BgpRouters"] = ("vmx1", "vmx9"),
        ["ControlNodes"] = ("control", "control9"),
        ["RoleBindings"] = ("web-team", "auditors"),
        ["Tokens"] = ("portal", "portal"),
    };

    private const string Routes =
        """
        {"items": [
          {"prefix": "10.99.0.0/24", "family": "inet-vpn", "source": "vmx1", "nextHop": "172.27.115.245", "routeDistinguisher": "64512:1", "label": 299856,
           "encapsulations": ["MPLS-in-UDP", "GRE"], "routeTargets": ["target:64512:1"], "localPreference": 100, "med": 0, "asPathLength": 0, "used": true},
          {"prefix": "30.0.0.2/32", "family": "inet-vpn", "source": "own", "floatingIP": "ns1/contrail-k8s-kubemanager-cluster1-juniper-local-my-service-d7fd4d39",
           "service": "ns1/my-service", "nextHop": "172.27.115.242", "routeDistinguisher": "172.27.115.242:3", "label": 19, "encapsulations": ["MPLS-in-UDP", "GRE"],
           "routeTargets": ["target:64512:1", "target:64512:8000003"], "localPreference": 200, "med": 100,
           "controlNodes": [{"name": "cn-a", "advertisedTo": ["vmx1"]}]}
        ], "nextCursor": null}
        """;

    private const string Entries =
        """
        {"items": [
          {"at": "2026-12-05T10:00:07.124881Z", "caller": {"kind": "Token", "name": "portal"}, "source": "192.0.2.7", "requestId": "0193953aa1c47f0e9d5c1b1c64a7a1f2", "method": "PATCH",
           "path": "/v1/namespaces/ns1/services/my-service", "verb": "patch", "resource": "services", "namespace": "ns1", "name": "my-service", "uid": "01939539-7f51-7e0c-8a52-5e4a3b0d5f10", "generation": 2,
           "status": 200, "code": null, "dryRun": false, "changes": ["ports[0].port", "labels.app"], "repeated": 1},
          {"at": "2026-12-05T10:00:03.907213Z", "caller": {"kind": "User", "name": "eve"}, "source": "192.0.2.99", "requestId": "019395399b1e7c6fb3a4ab4bc2f5f3d8", "method": "DELETE",
           "path": "/v1/namespaces/ns1/services/my-service", "verb": "delete", "resource": "services", "namespace": "ns1", "name": "my-service", "uid": null, "generation": null,
           "status": 403, "code": "forbidden", "dryRun": false, "changes": [], "repeated": 3}
        ], "nextCursor": null}
        """;

    private const string JoinToken =
        """
        {"token": "cn2j_hT3sVx1m0b8Qq6mXvJk7c2yRzE4nW9aLdG5uPf0iKtY", "expiresAt": "2026-11-29T13:00:00Z",
         "caHash": "sha256:5d0f3a7c1e9b48264d7c80af5b1e63920c8d7f4a3b2e1960d5c4f8a7e6b3d210",
         "command": "cn2-vrouter join --server https://cn2.example:8444 --token cn2j_hT3sVx1m0b8Qq6mXvJk7c2yRzE4nW9aLdG5uPf0iKtY --ca-hash sha256:5d0f3a7c1e9b48264d7c80af5b1e63920c8d7f4a3b2e1960d5c4f8a7e6b3d210 --state-dir /var/lib/cn2-vrouter --ca-file ca.pem"}
        """;

    private static readonly Dictionary<string, string> Bodies = new()
    {
        ["CreateNamespace"] = """{"name": "ns1", "labels": {"ns": "ns1"}}""",
        ["PutNamespace"] = """{"labels": {"purpose": "trial"}}""",
        ["PatchNamespace"] = """{"annotations": {"owner": "web team"}}""",

        ["PutGrant"] = """{"prefixes": ["203.0.113.0/24"], "routeTargets": ["target:64512:100-199"], "communities": ["64512:*"], "endpointPrefixes": ["10.64.0.0/16"], "quota": {"services": 100, "floatingIPs": 50, "nodePorts": 100, "virtualMachineInterfaces": 1000, "externalNetworks": 5}}""",

        ["CreateVirtualRouter"] = """{"name": "compute1", "address": "172.27.115.242"}""",
        ["PutVirtualRouter"] = """{"address": "172.27.115.249", "labels": {"rack": "9"}}""",
        ["PatchVirtualRouter"] = """{"labels": {"rack": "1"}}""",

        ["CreateServiceHealthCheck"] = """{"name": "http-hc", "monitorType": "HTTP", "delay": 2, "timeout": 5, "maxRetries": 5, "httpMethod": "GET", "urlPath": "/health", "expectedCodes": "200-299", "port": 80}""",
        ["PutServiceHealthCheck"] = """{"monitorType": "TCP", "port": 80}""",
        ["PatchServiceHealthCheck"] = """{"maxRetries": 3}""",

        ["CreateVirtualMachineInterface"] = """{"name": "nginx-1-eth0", "labels": {"app": "web"}, "addresses": ["10.233.64.10"], "virtualRouter": "compute1", "ready": true}""",
        ["BatchVirtualMachineInterfaces"] = """{"items": [{"name": "nginx-2-eth0", "labels": {"app": "web"}, "addresses": ["10.233.64.11"], "virtualRouter": "compute1"}, {"name": "nginx-3-eth0", "labels": {"app": "web"}, "addresses": ["10.233.65.10"], "virtualRouter": "compute2"}]}""",
        ["PutVirtualMachineInterface"] = """{"labels": {"app": "trial"}, "addresses": ["10.233.64.99"], "virtualRouter": "compute1", "ready": true}""",
        ["PatchVirtualMachineInterface"] = """{"healthCheck": "http-hc", "weight": 2}""",

        ["CreateExternalNetworkSelector"] = """{"name": "silver", "networkSelector": {"matchLabels": {"tier": "silver"}}, "namespaceSelector": {"matchLabels": {"ns": "ns1"}}}""",
        ["PutExternalNetworkSelector"] = """{"networkSelector": {"matchExpressions": [{"key": "tier", "operator": "In", "values": ["gold"]}]}, "namespaceSelector": {}}""",
        ["PatchExternalNetworkSelector"] = """{"namespaceSelector": {"matchLabels": {"ns": "ns1"}}}""",

        ["CreateExternalNetwork"] = """{"name": "vn-external1", "labels": {"service.contrail.juniper.net/externalNetwork": "default-external"}, "subnets": [{"cidr": "100.0.0.0/24", "gateway": "100.0.0.1"}], "fabricForwarding": true}""",
        ["PutExternalNetwork"] = """{"subnets": [{"cidr": "192.0.2.0/24"}, {"cidr": "2001:db8:9::/64"}], "fabricForwarding": true, "autoAssign": false}""",
        ["PatchExternalNetwork"] = """{"advertisement": {"communities": ["64512:100"], "weighted": true}}""",

        ["CreateService"] = """{"name": "my-service", "type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"name": "http", "protocol": "TCP", "port": 8080, "targetPort": 80}]}""",
        ["PutService"] = """{"type": "ClusterIP", "selector": {"app": "web"}, "ports": [{"protocol": "TCP", "port": 80}]}""",
        ["PatchService"] = """{"sessionAffinity": "ClientIP"}""",

        ["CreateFloatingIP"] = """{"name": "web-vip", "externalNetwork": "ns1/vn-external1", "address": "100.0.0.9"}""",
        ["PutFloatingIP"] = """{"externalNetwork": "ns1/vn-external1"}""",
        ["PatchFloatingIP"] = """{"interfaces": ["nginx-1-eth0"], "portMappings": [{"protocol": "TCP", "port": 8080, "targetPort": 80}]}""",

        ["CreateBgpRouter"] = """{"name": "vmx1", "address": "172.27.115.245", "autonomousSystem": 64512}""",
        ["PutBgpRouter"] = """{"address": "172.27.115.249", "autonomousSystem": 65001, "multihopTtl": 4, "authKey": "write-only"}""",
        ["PatchBgpRouter"] = """{"holdTime": 30}""",

        ["CreateRoleBinding"] = """{"name": "web-team", "subjects": [{"kind": "Group", "name": "web-team"}, {"kind": "Token", "name": "portal"}], "role": "editor", "namespaces": ["ns1"]}""",
        ["PutRoleBinding"] = """{"subjects": [{"kind": "User", "name": "alice"}], "role": "viewer", "namespaces": ["*"]}""",
        ["PatchRoleBinding"] = """{"role": "viewer"}""",
        ["CreateToken"] = """{"name": "portal", "expiresAt": "2036-01-01T00:00:00Z"}""",
    };
}
