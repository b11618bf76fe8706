using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Tables;

namespace CN2.Api.Tests.Kubernetes.Tables;

/// <summary>Tables as kubectl prints them: what the document that this product implements shows, and what real clusters print.</summary>
public sealed class TableLayoutsTests
{
    private static readonly TableContext Context = new(new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero), "contrail-k8s-kubemanager-cluster1-juniper-local");

    public static TheoryData<string> Kinds => [.. KubernetesResources.All.Select(r => r.Kind).Distinct()];

    [Fact]
    public void A_service_is_printed_as_in_the_document() => Expect("Service",
        """
        {"metadata":{"name":"my-service","creationTimestamp":"2026-11-29T11:54:39Z"},
         "spec":{"type":"LoadBalancer","clusterIPs":["10.233.33.83"],"clusterIP":"10.233.33.83","selector":{"tier":"front","app":"web"},
                 "ports":[{"port":8080,"protocol":"TCP","nodePort":30597,"targetPort":80}]},
         "status":{"loadBalancer":{"ingress":[{"ip":"100.0.0.4"}]}}}
        """,
        "NAME my-service | TYPE LoadBalancer | CLUSTER-IP 10.233.33.83 | EXTERNAL-IP 100.0.0.4 | PORT(S) 8080:30597/TCP | AGE 5m21s | *SELECTOR app=web,tier=front");

    [Theory]
    [InlineData("""{"type":"LoadBalancer"}""", "{}", "<pending>")]
    [InlineData("""{"type":"LoadBalancer"}""", """{"loadBalancer":{"ingress":[{"ip":"fd00::2"},{"ip":"100.0.0.4"}]}}""", "100.0.0.4,fd00::2")]
    [InlineData("""{"type":"LoadBalancer","externalIPs":["192.0.2.1"]}""", "{}", "192.0.2.1")]
    [InlineData("""{"type":"LoadBalancer","externalIPs":["192.0.2.1"]}""", """{"loadBalancer":{"ingress":[{"hostname":"a.example"}]}}""", "a.example,192.0.2.1")]
    [InlineData("""{"type":"ClusterIP"}""", "{}", "<none>")]
    [InlineData("""{"type":"NodePort","externalIPs":["192.0.2.1","192.0.2.2"]}""", "{}", "192.0.2.1,192.0.2.2")]
    [InlineData("""{"type":"ExternalName","externalName":"a.example"}""", "{}", "a.example")]
    public void External_addresses_follow_the_type(string spec, string status, string expected)
    {
        var cells = Cells("Service", $$"""{"metadata":{"name":"a"},"spec":{{spec}},"status":{{status}}}""");
        Assert.Equal(expected, cells["EXTERNAL-IP"]);
        Assert.Equal("<none>", cells["PORT(S)"]);
        Assert.Equal("<none>", cells["CLUSTER-IP"]);
        Assert.Equal("<none>", cells["*SELECTOR"]);
    }

    [Fact]
    public void Ports_are_separated_by_commas() =>
        Assert.Equal("80/TCP,53:30053/UDP", Cells("Service", """{"spec":{"ports":[{"port":80,"protocol":"TCP"},{"port":53,"protocol":"UDP","nodePort":30053}]}}""")["PORT(S)"]);

    [Fact]
    public void A_floating_ip_is_printed_as_in_the_document() => Expect("FloatingIP",
        """
        {"metadata":{"name":"contrail-k8s-kubemanager-cluster1-juniper-local-my-service-d7fd4d39","creationTimestamp":"2026-11-29T11:54:48Z"},
         "spec":{"floatingIPAddress":"100.0.0.4","virtualMachineInterfaceReferences":[{"name":"a"}],
                 "floatingIPPortMappings":{"portMappings":[{"protocol":"TCP","srcPort":8080,"dstPort":80},{"protocol":"UDP","srcPort":53,"dstPort":5353}]}},
         "status":{"state":"Success"}}
        """,
        "NAME contrail-k8s-kubemanager-cluster1-juniper-local-my-service-d7fd4d39 | IPADDRESS 100.0.0.4 | INTERFACES 1 | PORTMAPPING TCP/8080->80,UDP/53->5353 | STATE Success | AGE 5m12s");

    [Fact]
    public void A_virtual_network_is_printed() => Expect("VirtualNetwork",
        """
        {"metadata":{"name":"vn1","creationTimestamp":"2026-11-29T11:00:00Z"},"spec":{"v4SubnetReference":{"name":"s4"},"v6SubnetReference":{"name":"s6"}},
         "status":{"state":"Success","virtualNetworkNetworkId":4097}}
        """,
        "NAME vn1 | VNI 4097 | IP-FAMILIES v6,v4 | STATE Success | AGE 60m");

    [Fact]
    public void A_subnet_is_printed() => Expect("Subnet",
        """{"metadata":{"name":"s4","creationTimestamp":"2026-11-29T11:00:00Z"},"spec":{"cidr":"100.0.0.0/24"},"status":{"state":"Success","allocationUsage":"1.17%"}}""",
        "NAME s4 | CIDR 100.0.0.0/24 | USAGE 1.17% | STATE Success | AGE 60m");

    [Fact]
    public void A_routing_instance_is_printed() => Expect("RoutingInstance",
        """{"metadata":{"name":"vn1","creationTimestamp":"2026-11-29T11:00:00Z"},"status":{"state":"Success","routeTargets":["target:64512:1","target:64512:2"]}}""",
        "NAME vn1 | ROUTETARGET target:64512:1,target:64512:2 | STATE Success | AGE 60m");

    [Fact]
    public void A_virtual_machine_interface_begins_with_its_cluster() => Expect("VirtualMachineInterface",
        """
        {"metadata":{"name":"web-0-1a2b3c4d","creationTimestamp":"2026-11-29T11:00:00Z","annotations":{"interface":"eth0","kube-manager.juniper.net/pod-name":"web-0"}},
         "spec":{"virtualNetworkReference":{"name":"default-podnetwork"}},"status":{"state":"Success"}}
        """,
        "CLUSTERNAME contrail-k8s-kubemanager-cluster1-juniper-local | NAME web-0-1a2b3c4d | NETWORK default-podnetwork | PODNAME web-0 | IFCNAME eth0 | STATE Success | AGE 60m");

    [Fact]
    public void A_bgp_router_is_printed() => Expect("BGPRouter",
        """
        {"metadata":{"name":"vmx1","creationTimestamp":"2026-11-29T11:00:00Z"},"spec":{"bgpRouterParameters":{"routerType":"router","identifier":"172.27.115.1"}},
         "status":{"state":"Success"}}
        """,
        "NAME vmx1 | TYPE router | IDENTIFIER 172.27.115.1 | STATE Success | AGE 60m");

    [Fact]
    public void A_custom_resource_without_columns_has_name_and_age() =>
        Expect("Kubemanager", """{"metadata":{"name":"contrail-k8s-kubemanager","creationTimestamp":"2026-11-29T11:00:00Z"}}""", "NAME contrail-k8s-kubemanager | AGE 60m");

    [Fact]
    public void A_namespace_is_printed() =>
        Expect("Namespace", """{"metadata":{"name":"ns1","creationTimestamp":"2026-11-29T11:00:00Z"},"status":{"phase":"Active"}}""", "NAME ns1 | STATUS Active | AGE 60m");

    [Fact]
    public void A_node_is_printed() => Expect("Node",
        """
        {"metadata":{"name":"compute1","creationTimestamp":"2026-11-29T11:00:00Z","labels":{"node-role.kubernetes.io/worker":"","kubernetes.io/role":"edge"}},
         "spec":{"unschedulable":true},
         "status":{"conditions":[{"type":"Ready","status":"True"}],"addresses":[{"type":"InternalIP","address":"172.27.115.242"}],
                   "nodeInfo":{"kubeletVersion":"v0.1.0","osImage":"Debian"}}}
        """,
        "NAME compute1 | STATUS Ready,SchedulingDisabled | ROLES edge,worker | AGE 60m | VERSION v0.1.0 | *INTERNAL-IP 172.27.115.242 | *EXTERNAL-IP <none> | *OS-IMAGE Debian "
        + "| *KERNEL-VERSION <unknown> | *CONTAINER-RUNTIME <unknown>");

    [Fact]
    public void An_event_is_printed() => Expect("Event",
        """
        {"metadata":{"name":"my-service.1"},"involvedObject":{"kind":"Service","name":"my-service","fieldPath":"spec"},"type":"Normal","reason":"Allocated",
         "message":"100.0.0.4 of vn-external1\n","count":3,"firstTimestamp":"2026-11-29T11:00:00Z","lastTimestamp":"2026-11-29T11:59:00Z","source":{"component":"cn2","host":"node1"}}
        """,
        "LAST SEEN 60s | TYPE Normal | REASON Allocated | OBJECT service/my-service | *SUBOBJECT spec | *SOURCE cn2, node1 | MESSAGE 100.0.0.4 of vn-external1 | *FIRST SEEN 60m | *COUNT 3 "
        + "| *NAME my-service.1");

    [Fact]
    public void Endpoints_show_three_addresses_and_how_many_follow()
    {
        Expect("Endpoints",
            """
            {"metadata":{"name":"a","creationTimestamp":"2026-11-29T11:00:00Z"},
             "subsets":[{"addresses":[{"ip":"10.0.0.1"},{"ip":"fd00::1"}],"notReadyAddresses":[{"ip":"10.0.0.9"}],"ports":[{"port":80},{"port":443}]}]}
            """,
            "NAME a | ENDPOINTS 10.0.0.1:80,[fd00::1]:80,10.0.0.1:443 + 1 more... | AGE 60m");
        Assert.Equal("<none>", Cells("Endpoints", "{}")["ENDPOINTS"]);
    }

    [Fact]
    public void An_endpoint_slice_is_printed()
    {
        Expect("EndpointSlice",
            """
            {"metadata":{"name":"a-1","creationTimestamp":"2026-11-29T11:00:00Z"},"addressType":"IPv4","ports":[{"port":80},{"name":"any"}],
             "endpoints":[{"addresses":["10.0.0.1"]},{"addresses":["10.0.0.2"]}]}
            """,
            "NAME a-1 | ADDRESSTYPE IPv4 | PORTS 80,* | ENDPOINTS 10.0.0.1,10.0.0.2 | AGE 60m");
        Assert.Equal("<unset>", Cells("EndpointSlice", "{}")["PORTS"]);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Each_cell_has_a_column_and_the_name_is_marked(string kind)
    {
        var layout = LayoutOf(kind);
        Assert.Equal(layout.Columns.Count, layout.Cells([], Context).Length);
        Assert.Single(layout.Columns, c => c is { Name: "Name", Format: "name" });
        Assert.All(layout.Columns, c => Assert.EndsWith(".", c.Description, StringComparison.Ordinal));
        Assert.Equal(layout.Columns.Count, layout.Columns.Select(c => c.Name).Distinct().Count());
    }

    /// <summary>Kept fields may have any form; a cell is never an exception.</summary>
    [Theory, MemberData(nameof(Kinds))]
    public void Objects_of_any_form_are_printed(string kind)
    {
        var layout = LayoutOf(kind);
        foreach (var wrong in (string[])["null", "7", "\"a\"", "[1,[],{}]", "{\"a\":1}"])
        {
            foreach (var path in Paths(KubernetesResources.All.First(r => r.Kind == kind).Schema, 3))
            {
                var source = new JsonObject();
                var at = source;
                foreach (var member in path[..^1]) at[member] = at = [];
                at[path[^1]] = JsonNode.Parse(wrong);
                Assert.Equal(layout.Columns.Count, layout.Cells(source, Context).Length);
            }
        }
    }

    private static IEnumerable<string[]> Paths(Schema schema, int depth) => schema is not Schema.Structure form || depth == 0
        ? []
        : form.Fields.SelectMany(f => Paths(f.Schema, depth - 1).Select(p => (string[])[f.Name, .. p]).Prepend([f.Name]));

    private static void Expect(string kind, string json, string expected) =>
        Assert.Equal(expected, string.Join(" | ", Cells(kind, json).Select(c => $"{c.Key} {c.Value}")));

    /// <summary>Cells by their heads, as kubectl writes them; those of <c>-o wide</c> begin with a star.</summary>
    private static Dictionary<string, string> Cells(string kind, string json)
    {
        var layout = LayoutOf(kind);
        return layout.Columns.Zip(layout.Cells(JsonNode.Parse(json)!.AsObject(), Context)).ToDictionary(
            p => (p.First.Priority > 0 ? "*" : "") + p.First.Name.ToUpperInvariant(), p => p.Second.ToString());
    }

    private static TableLayout LayoutOf(string kind) => TableLayouts.Of(KubernetesResources.All.First(r => r.Kind == kind));
}
