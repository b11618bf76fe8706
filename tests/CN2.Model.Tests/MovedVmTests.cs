using System.Net;
using System.Text.Json.Nodes;
using CN2.Model.Tests.Clients;
using CN2.Model.Tests.Lab;

namespace CN2.Model.Tests;

/// <summary>
/// A VM that moves from vr1 to vr2 and back with the TCP connections that clients outside have to it, while its VirtualMachineInterface is given the other VirtualRouter:
/// client 198.51.100.2 — FRR — vr1 or vr2 — switch — VM 10.98.0.2. The longest time without data is printed; what is asserted is that all connections go on.
/// </summary>
[Collection("processes")] // one such world at a time
public sealed class MovedVmTests : IAsyncLifetime
{
    private const string FloatingIP = "100.64.0.2";
    private const string Client = "198.51.100.2";
    private const string Vm = "10.98.0.2";
    private const int FrrNumber = 8;
    private const int TargetPort = 9000;
    private static readonly string FrrAddress = $"172.31.7.{FrrNumber}";

    /// <summary>How long a VM that is copied to another node is out of the network.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    private readonly ModelLab _lab = new();
    private readonly HttpClient _http;
    private readonly ApiClient _api;
    private readonly NetworkNamespace _clientHost = new("client");
    private readonly NetworkNamespace _vmHost = new("vm");
    private readonly NetworkNamespace _switch = new("switch");
    private FrrRouter _frr = null!;

    public MovedVmTests()
    {
        _http = _lab.OpenHttp();
        _api = new ApiClient(_http);
    }

    public async ValueTask InitializeAsync()
    {
        var router = _lab.AddHost("frr", FrrNumber);
        router.Sysctl("net/ipv4/ip_forward", "1");
        router.Ip($"link add client0 type veth peer name eth0 netns {_clientHost.Name}\naddr add 198.51.100.1/24 dev client0\nlink set client0 up");
        _clientHost.Ip($"addr add {Client}/24 dev eth0\nlink set eth0 up\nroute add default via 198.51.100.1");
        _switch.AddBridge("br0");
        _switch.Ip($"link add vm type veth peer name eth0 netns {_vmHost.Name}\nlink set vm master br0 up");
        _vmHost.Ip($"addr add {Vm}/30 dev eth0\nlink set eth0 up\nroute add default via 10.98.0.1");
        foreach (var (name, node) in _lab.Nodes)
        {
            // The same address on both nodes, so the VM notices nothing but the pause.
            _switch.Ip($"link add {name} type veth peer name vm0 address 02:00:00:00:98:01 netns {node.Name}\nlink set {name} up");
            node.Ip($"addr add 10.98.0.1/30 dev vm0\nlink set vm0 up\nroute add default via {FrrAddress}");
        }

        Plug("vr1", "vr2");
        _frr = new FrrRouter(router.Name, Path.Combine(_lab.Directory, "frr"),
            $"""
             hostname frr
             router bgp 64512
              bgp router-id {FrrAddress}
              no bgp default ipv4-unicast
              neighbor {ModelLab.ControlAddress} remote-as 64512
              neighbor {ModelLab.ControlAddress} timers connect 1
              address-family ipv4 unicast
               neighbor {ModelLab.ControlAddress} activate
               maximum-paths ibgp 16
              exit-address-family
             """);
        await Eventually.TrueAsync(async () => (await _api.GetAsync("/readyz")).Accepted, "the API is ready", 60);
        await PutAsync("bgp-routers/router", $$"""{"address":"{{FrrAddress}}","autonomousSystem":64512,"addressFamilies":["inet"]}""");
        await PutAsync("namespaces/default/external-networks/net", $$$"""{"labels":{"{{{Playground.SelectorLabel}}}":"default-external"},"subnets":[{"cidr":"100.64.0.0/28"}],"fabricForwarding":true}""");
        await PutAsync("namespaces/default/virtual-machine-interfaces/vm", $$"""{"labels":{"app":"a"},"addresses":["{{Vm}}"],"virtualRouter":"vr1"}""");
        await PutAsync("namespaces/default/services/web", """{"selector":{"app":"a"},"ports":[{"port":80,"targetPort":9000}]}""");
        await RoutedToAsync("vr1");
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _frr?.Dispose();
        foreach (var home in (NetworkNamespace[])[_switch, _vmHost, _clientHost]) home.Dispose();
        await _lab.DisposeAsync();
    }

    /// <param name="changed">When the VirtualMachineInterface is changed. Before: the route leads to the new node when the VM leaves the old one.</param>
    [Theory]
    [InlineData("before the move")]
    [InlineData("while the VM is away")]
    [InlineData("after the move")]
    public async Task Idle_and_busy_connections_go_on(string changed)
    {
        using var speaksFirst = await OpenAsync();
        using var isAskedFirst = await OpenAsync();
        using var busy = await OpenAsync();
        await using var download = new TcpDownload(busy);
        await download.GoesOnAsync(100_000);
        foreach (var (from, to) in ((string, string)[])[("vr1", "vr2"), ("vr2", "vr1")])
        {
            var before = download.TakeLongest();
            if (changed == "before the move")
            {
                await ChangeAsync(to);
                await RoutedToAsync(to);
            }

            _switch.Ip($"link set {from} nomaster");
            var change = changed == "while the VM is away" ? ChangeAsync(to) : Task.CompletedTask;
            await Task.Delay(Pause, TestContext.Current.CancellationToken);
            Plug(to, from);
            await change;
            if (changed == "after the move") await ChangeAsync(to);
            await RoutedToAsync(to);
            await GoesOnAsync(download, to);
            Print($"{from} to {to}, changed {changed}: {download.TakeLongest().TotalMilliseconds:0} ms without data, of which the VM was away {Pause.TotalMilliseconds:0} ms; before {before.TotalMilliseconds:0} ms");
            Assert.True(await speaksFirst.ServerSpeaksAsync());
            Assert.True(await speaksFirst.ClientSpeaksAsync());
            Assert.True(await isAskedFirst.ClientSpeaksAsync());
            Assert.True(await isAskedFirst.ServerSpeaksAsync());
            // Until then the entry of the old node says that the VM is there, and no change tells the node that it is back.
            await Eventually.TrueAsync(() => !_lab.Nodes[from].Exec("nft", "list", "set", "ip", "cn2", "endpoints").Contains(Vm, StringComparison.Ordinal), "the old node has given up its entry");
        }
    }

    /// <summary>Somebody gives the VirtualMachineInterface the other VirtualRouter by mistake, and takes it back at once: for a moment the route leads where the VM is not.</summary>
    [Theory]
    [InlineData("Local")]
    [InlineData("Cluster")]
    public async Task Connections_go_on_when_the_VM_stays_where_it_is(string policy)
    {
        await PutAsync("namespaces/default/services/web", $$"""{"selector":{"app":"a"},"ports":[{"port":80,"targetPort":9000}],"externalTrafficPolicy":"{{policy}}"}""");
        await RoutedToAsync("vr1");
        var sessions = new List<TcpSession>();
        var downloads = new List<TcpDownload>();
        try
        {
            for (var i = 0; i < 4; i++) sessions.Add(await OpenAsync());
            downloads.AddRange(sessions.Take(3).Select(s => new TcpDownload(s)));
            for (var i = 0; i < 4; i++)
            {
                await ChangeAsync("vr2");
                // From before the route follows until after it has: the clients' acknowledgements come to either node.
                await Task.Delay(100 + (i * 100), TestContext.Current.CancellationToken);
                await ChangeAsync("vr1");
                await RoutedToAsync("vr1");
                foreach (var download in downloads) await GoesOnAsync(download, "vr2");
                Print($"longest time without data: {string.Join(", ", downloads.Select(d => $"{d.TakeLongest().TotalMilliseconds:0} ms"))}");
                await Eventually.TrueAsync(() => !_lab.Nodes["vr2"].Exec("nft", "list", "set", "ip", "cn2", "endpoints").Contains(Vm, StringComparison.Ordinal), "the other node has given up its entry");
            }

            Assert.True(await sessions[^1].ClientSpeaksAsync());
            Assert.True(await sessions[^1].ServerSpeaksAsync());
        }
        finally
        {
            foreach (var download in downloads) await download.DisposeAsync();
            foreach (var session in sessions) session.Dispose();
        }
    }

    private async Task GoesOnAsync(TcpDownload download, string node)
    {
        try
        {
            await download.GoesOnAsync(200_000);
        }
        catch
        {
            Print($"flows of {node}:\n{_lab.Nodes[node].Exec("conntrack", "-L", "-p", "tcp")}\n{_lab.Nodes[node].Exec("conntrack", "-S")}");
            throw;
        }
    }

    private static void Print(FormattableString text) => TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant(text));

    /// <summary>A node where the VM is not reaches it by the other one.</summary>
    private void Plug(string here, string other)
    {
        _lab.Nodes[here].Try("ip", "route", "del", $"{Vm}/32");
        _switch.Ip($"link set {here} master br0");
        _lab.Nodes[other].Ip($"route add {Vm}/32 via {ModelLab.AddressOf(here, 4)}");
    }

    private Task<TcpSession> OpenAsync() => TcpSession.OpenAsync(_clientHost, _vmHost, IPEndPoint.Parse($"{FloatingIP}:80"), TargetPort);

    private async Task ChangeAsync(string virtualRouter)
    {
        var reply = await _api.PatchAsync("/v1/namespaces/default/virtual-machine-interfaces/vm", new JsonObject { ["virtualRouter"] = virtualRouter });
        Assert.True(reply.Accepted, reply.Text);
    }

    private async Task PutAsync(string path, string body)
    {
        var reply = await _api.PutAsync("/v1/" + path, JsonNode.Parse(body)!);
        Assert.True(reply.Accepted, reply.Text);
    }

    private Task RoutedToAsync(string virtualRouter)
    {
        var hop = ModelLab.AddressOf(virtualRouter, 4);
        return Eventually.TrueAsync(() => _frr.NextHops($"{FloatingIP}/32").SequenceEqual([hop]) && _frr.Kernel($"{FloatingIP}/32").Contains($"via {hop} ", StringComparison.Ordinal),
            $"the route leads to {virtualRouter} alone", 60, () => _frr.Show("show bgp ipv4 unicast") + _frr.Show("show bgp summary") + _frr.Kernel($"{FloatingIP}/32"));
    }
}
