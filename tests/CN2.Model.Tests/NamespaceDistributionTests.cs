using System.Net;
using System.Text.Json.Nodes;
using CN2.Model.Tests.Clients;
using CN2.Model.Tests.Invariants;
using CN2.Model.Tests.Lab;

namespace CN2.Model.Tests;

/// <summary>
/// With <c>ServiceNetwork__Distribution=namespace</c>: the server of a namespace is behind vr1, a client behind vr2. The node of the client gets the cluster IP with the
/// client's VirtualMachineInterface, and loses it with that.
/// </summary>
[Collection("processes")] // one such world at a time
public sealed class NamespaceDistributionTests : IAsyncLifetime
{
    private const int TargetPort = 9000;
    private readonly ModelLab _lab = new(distribution: "namespace");
    private readonly HttpClient _http;
    private readonly ApiClient _api;
    private readonly NetworkNamespace _server = new("server");
    private readonly NetworkNamespace _client = new("client");

    public NamespaceDistributionTests()
    {
        _http = _lab.OpenHttp();
        _api = new ApiClient(_http);
    }

    public async ValueTask InitializeAsync()
    {
        Plug("vr1", _server, "10.97.1", otherPods: "10.97.2", other: "vr2");
        Plug("vr2", _client, "10.97.2", otherPods: "10.97.1", other: "vr1");
        await Eventually.TrueAsync(async () => (await _api.GetAsync("/readyz")).Accepted, "the API is ready", 60);
        foreach (var ns in (string[])["ns1", "ns2"]) await PutAsync($"namespaces/{ns}", $$"""{"name":"{{ns}}"}""");
        foreach (var ns in (string[])["ns1", "ns2"]) await PutAsync($"namespaces/{ns}/services/web", """{"type":"NodePort","selector":{"app":"web"},"ports":[{"port":80,"targetPort":9000}]}""");
        await PutAsync("namespaces/ns1/virtual-machine-interfaces/server", """{"labels":{"app":"web"},"addresses":["10.97.1.2"],"virtualRouter":"vr1"}""");
        await PutAsync("namespaces/ns2/virtual-machine-interfaces/other", """{"labels":{"app":"web"},"addresses":["10.97.2.3"],"virtualRouter":"vr2"}""");
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        foreach (var home in (NetworkNamespace[])[_server, _client]) home.Dispose();
        await _lab.DisposeAsync();
    }

    [Fact]
    public async Task A_node_has_the_cluster_IPs_of_a_namespace_from_its_first_pod_there_to_its_last()
    {
        var (ours, others) = (await ClusterIPOfAsync("ns1"), await ClusterIPOfAsync("ns2"));
        await HasAsync("vr1", ours);
        await HasAsync("vr2", others);
        Assert.False(Reaches(ours));

        // Node ports are on every node.
        var nodePort = (await GetAsync("namespaces/ns1/services/web"))["ports"]![0]!["nodePort"]!.ToString();
        foreach (var name in ModelLab.VirtualRouters) Assert.Contains($"node port IPv4 TCP {nodePort}", NodeTable.Read(_lab.Nodes[name]).Entries.Keys);

        await PutAsync("namespaces/ns1/virtual-machine-interfaces/client", """{"labels":{"app":"client"},"addresses":["10.97.2.2"],"virtualRouter":"vr2"}""");
        await HasAsync("vr2", ours, others);
        await HasAsync("vr1", ours);
        using var session = await TcpSession.OpenAsync(_client, _server, new IPEndPoint(IPAddress.Parse(ours), 80), TargetPort);
        Assert.True(await session.ClientSpeaksAsync());
        Assert.True(await session.ServerSpeaksAsync());

        // A second pod there, and the first one gone: one is enough.
        await PutAsync("namespaces/ns1/virtual-machine-interfaces/second", """{"labels":{"app":"client"},"addresses":["10.97.2.4"],"virtualRouter":"vr2"}""");
        await DeleteAsync("namespaces/ns1/virtual-machine-interfaces/client");
        await SettledAsync();
        await HasAsync("vr2", ours, others);
        using (var another = await TcpSession.OpenAsync(_client, _server, new IPEndPoint(IPAddress.Parse(ours), 80), TargetPort)) Assert.True(await another.ServerSpeaksAsync());

        await DeleteAsync("namespaces/ns1/virtual-machine-interfaces/second");
        await HasAsync("vr2", others);
        await HasAsync("vr1", ours);
        Assert.False(Reaches(ours));
        // What was established goes on.
        Assert.True(await session.ClientSpeaksAsync());
        Assert.True(await session.ServerSpeaksAsync());
    }

    /// <summary>Two pod networks, one behind each node, that reach each other.</summary>
    private void Plug(string name, NetworkNamespace pod, string network, string otherPods, string other)
    {
        var node = _lab.Nodes[name];
        node.Ip($"link add extra type veth peer name eth0 netns {pod.Name}\naddr add {network}.1/24 dev extra\nlink set extra up\nroute add {otherPods}.0/24 via {ModelLab.AddressOf(other, 4)}");
        pod.Ip($"addr add {network}.2/24 dev eth0\nlink set eth0 up\nroute add default via {network}.1");
    }

    /// <summary>The cluster IPs of the node's table are these and no others.</summary>
    private async Task HasAsync(string virtualRouter, params string[] addresses)
    {
        var has = "";
        await Eventually.TrueAsync(
            () =>
            {
                has = string.Join(' ', NodeTable.Read(_lab.Nodes[virtualRouter]).Entries.Keys.Where(k => k.StartsWith("10.233.", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
                return has == string.Join(' ', addresses.Select(a => $"{a} TCP 80").Order(StringComparer.Ordinal));
            },
            $"{virtualRouter} has the cluster IPs {string.Join(' ', addresses)} and no others", seen: () => has);
    }

    /// <summary>Both nodes have acknowledged what was written until now: a Service that comes later is in force everywhere.</summary>
    private async Task SettledAsync()
    {
        await PutAsync("namespaces/ns2/services/last", """{"type":"NodePort","selector":{"app":"web"},"ports":[{"port":81,"targetPort":9000}]}""");
        var nodePort = (await GetAsync("namespaces/ns2/services/last"))["ports"]![0]!["nodePort"]!.ToString();
        foreach (var node in _lab.Nodes.Values)
            await Eventually.TrueAsync(() => NodeTable.Read(node).Entries.ContainsKey($"node port IPv4 TCP {nodePort}"), "the later Service is in force");
        await DeleteAsync("namespaces/ns2/services/last");
    }

    private bool Reaches(string clusterIP) => _client.Try("timeout", "1", "bash", "-c", $"exec 3<>/dev/tcp/{clusterIP}/80").Code == 0;

    private async Task<string> ClusterIPOfAsync(string ns) => (string)(await GetAsync($"namespaces/{ns}/services/web"))["status"]!["clusterIPs"]![0]!;

    private async Task<JsonNode> GetAsync(string path)
    {
        var reply = await _api.GetAsync("/v1/" + path);
        Assert.True(reply.Accepted, reply.Text);
        return reply.Json!;
    }

    private async Task PutAsync(string path, string body)
    {
        var reply = await _api.PutAsync("/v1/" + path, JsonNode.Parse(body)!);
        Assert.True(reply.Accepted, reply.Text);
    }

    private async Task DeleteAsync(string path)
    {
        var reply = await _api.DeleteAsync("/v1/" + path);
        Assert.True(reply.Accepted, reply.Text);
    }
}
