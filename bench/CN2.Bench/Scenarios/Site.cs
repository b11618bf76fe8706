using System.Diagnostics;
using CN2.Bench.Lab;
using CN2.Bench.Load;

namespace CN2.Bench.Scenarios;

/// <summary>
/// One network that grows, for (b) to (e): a control node, FRR as external router, a compute node with cn2-vrouter, a pod with nginx, a
/// client behind the router. A thousand endpoints; Service number i selects endpoint i mod 1000, so that every Service is programmed
/// and advertised and one endpoint carries a thousandth of them.
/// </summary>
internal sealed class Site : IDisposable
{
    public const string ControlNode = "172.27.115.241";
    public const string Router = "vmx1";
    public const string Compute = "compute1";
    public const string Client = "client";
    public const string PodAddress = "10.244.255.2";
    public const int Endpoints = 1000;

    /// <summary>A page of the pod, besides its short one at /.</summary>
    public const string LargePage = "/large";
    public const int LargePageBytes = 16 << 20;

    private const string Pod = "pod";

    /// <summary>The lab's vmx1: one iBGP session to the control node.</summary>
    private const string FrrConfiguration =
        $"""
        frr defaults traditional
        hostname vmx1
        router bgp 64512
         bgp router-id 172.27.115.245
         no bgp default ipv4-unicast
         neighbor {ControlNode} remote-as 64512
         neighbor {ControlNode} timers connect 1
         address-family ipv4 unicast
          neighbor {ControlNode} activate
          maximum-paths ibgp 16
         exit-address-family

        """;

    private readonly PrivateNetwork _network;
    private readonly Report _report;
    private readonly RunningProcess _agent;

    public Site(PrivateNetwork network, Report report)
    {
        (_network, _report) = (network, report);
        Progress.Step($"(b-e) the network: PostgreSQL, gobgpd, FRR, CN2.Api, cn2-vrouter, nginx");
        BuildNodes();
        Postgres = new ApiDatabase(network, "pg-network");
        Engine = new BgpEngine(network);
        Frr = new FrrRouter(Router, Path.Combine(network.Directory, Router), FrrConfiguration);
        Routes = new RouteWatch(Router);
        Api = new ApiProcess(network, Postgres.ConnectionString);
        Api.ReadyAsync().Wait();
        _agent = new RunningProcess("ip",
            ["netns", "exec", Compute, Published.VRouter, "--server", "http://172.27.115.241:8081", "--name", Compute, "--address", "172.27.115.242"],
            Path.Combine(network.Directory, "vrouter.log"));
    }

    public ApiDatabase Postgres { get; }

    public BgpEngine Engine { get; }

    public FrrRouter Frr { get; }

    /// <summary>FRR's routes as its kernel has them.</summary>
    public RouteWatch Routes { get; }

    public ApiProcess Api { get; }

    /// <summary>The FloatingIP whose endpoint is the pod.</summary>
    public string WebAddress { get; private set; } = "";

    /// <summary>Services so far, each with one path.</summary>
    public int Services { get; private set; }

    /// <summary>Network, router, endpoints, and the first Service: the pod's.</summary>
    public async Task PrepareAsync()
    {
        await Api.AddExternalNetworkAsync();
        await Api.SendAsync(HttpMethod.Post, "/v1/bgp-routers", """{"name":"vmx1","address":"172.27.115.245","autonomousSystem":64512,"addressFamilies":["inet"]}""");
        foreach (var numbers in Enumerable.Range(0, Endpoints).Chunk(500))
            await Api.SendAsync(HttpMethod.Post, "/v1/namespaces/default/virtual-machine-interfaces:batch", $$"""{"items":[{{string.Join(',', numbers.Select(Interface))}}]}""");
        await Api.SendAsync(HttpMethod.Post, "/v1/namespaces/default/virtual-machine-interfaces",
            $$"""{"name":"web","labels":{"app":"web"},"addresses":["{{PodAddress}}"],"virtualRouter":"compute1"}""");
        using var line = ServiceLoad.Connect();
        WebAddress = Create(line, "web", "web");
        await Routes.SeenAsync(WebAddress);
        await Api.QuietAsync();

        static string Interface(int i) => $$"""{"name":"g{{i}}","labels":{"app":"g{{i}}"},"addresses":["10.244.{{i / 250}}.{{(i % 250) + 1}}"],"virtualRouter":"compute1"}""";
    }

    /// <summary>One Service by POST; returns its external address.</summary>
    public string Create(HttpLine line, string name, string app)
    {
        var address = ServiceLoad.One(line, name, app);
        Services++;
        return address;
    }

    /// <summary>Up to so many Services, each of them in FRR's kernel.</summary>
    public async Task GrowAsync(int services)
    {
        var more = services - Services;
        if (more <= 0) return;
        Progress.Step($"growing to {services:N0} Services");
        var clock = Stopwatch.StartNew();
        ServiceSeed.Insert(Postgres, Services + 1, services, Endpoints);
        Services = services;
        var inserted = clock.Elapsed;
        await Eventually.TrueAsync(() =>
        {
            Progress.Still($"growing: {Routes.Present:N0} of {services:N0} in FRR's kernel");
            return Routes.Present >= services;
        }, "all routes in FRR's kernel", 600, everyMilliseconds: 50);
        Growth.Add([services, more, inserted.TotalSeconds, clock.Elapsed.TotalSeconds, more / clock.Elapsed.TotalSeconds]);
        await Api.QuietAsync();
    }

    /// <summary>How it grew, a row each time.</summary>
    public List<object[]> Growth { get; } = [];

    public void Tell()
    {
        _report.Heading("The network of (b) to (e)");
        _report.Table(["Services", "added", "rows written s", "last path in FRR's kernel s", "Services/s"], Growth);
        _report.Text($"The rows are those that as many POSTs leave, written by SQL, the change feed included; from there on all is as with POST: change feed, compilation, vRouter, acknowledgement, gobgpd, FRR. One endpoint in {Endpoints:N0} carries a thousandth of the Services; node ports are not allocated, cluster IPs come from 10.0.0.0/10.");
    }

    public void Dispose()
    {
        _agent.Dispose();
        Api.Dispose();
        Routes.Dispose();
        Frr.Dispose();
        Engine.Dispose();
        Postgres.Dispose();
    }

    private void BuildNodes()
    {
        PrivateNetwork.AddNode(Router, 245);
        PrivateNetwork.AddNode(Compute, 242);
        PrivateNetwork.Ip(Compute, "route", "add", "default", "via", "172.27.115.245");
        PrivateNetwork.AddNamespace(Client);
        PrivateNetwork.Wire(Router, "client", Client, "eth0");
        PrivateNetwork.Ip(Router, "addr", "add", "10.99.0.1/24", "dev", "client");
        PrivateNetwork.Ip(Client, "addr", "add", "10.99.0.2/24", "dev", "eth0");
        PrivateNetwork.Ip(Client, "route", "add", "default", "via", "10.99.0.1");
        PrivateNetwork.AddNamespace(Pod);
        PrivateNetwork.Wire(Compute, "pod", Pod, "eth0");
        PrivateNetwork.Ip(Compute, "addr", "add", "10.244.255.1/24", "dev", "pod");
        PrivateNetwork.Ip(Pod, "addr", "add", PodAddress + "/24", "dev", "eth0");
        PrivateNetwork.Ip(Pod, "route", "add", "default", "via", "10.244.255.1");
        PrivateNetwork.Ip(Router, "route", "add", "10.244.255.0/24", "via", "172.27.115.242");
        var directory = Path.Combine(_network.Directory, "nginx");
        Directory.CreateDirectory(directory);
        File.WriteAllBytes(Path.Combine(directory, LargePage[1..]), new byte[LargePageBytes]);
        // Two ports: flows through the FloatingIP and straight ones must not meet in the pod's table of connections that are ending.
        File.WriteAllText(Path.Combine(directory, "nginx.conf"),
            $$"""
            user root; worker_processes 1; daemon on; pid {{directory}}/nginx.pid; error_log {{directory}}/error.log warn;
            events { worker_connections 4096; }
            http {
              access_log off; client_body_temp_path {{directory}}/body; proxy_temp_path {{directory}}/proxy; fastcgi_temp_path {{directory}}/fastcgi;
              uwsgi_temp_path {{directory}}/uwsgi; scgi_temp_path {{directory}}/scgi;
              server {
                listen 80 backlog=4096; listen 81 backlog=4096; root {{directory}}; sendfile on;
                location / { return 200 "pod\n"; }
                location = {{LargePage}} { }
              }
            }
            """);
        // It ends with the rest of this world.
        PrivateNetwork.Exec(Pod, "nginx", "-e", Path.Combine(directory, "error.log"), "-c", Path.Combine(directory, "nginx.conf"));
    }
}
