using System.Diagnostics;
using CN2.Api.Options;
using CN2.Network.Compilation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace CN2.Api.Tests.Options;

public sealed class SettingsTests
{
    [Fact]
    public void Without_a_connection_string_and_router_id_both_are_named()
    {
        Assert.Collection(FaultsOf(new() { ["Agents:Mode"] = "none" }),
            f => Assert.StartsWith("ConnectionStrings__CN2 is not set: expected a PostgreSQL connection string", f, StringComparison.Ordinal),
            f => Assert.StartsWith("Bgp__RouterId is not set: expected an IPv4 address", f, StringComparison.Ordinal));
    }

    /// <summary>The settings of several sections; each of these is one that the framework would read before the others.</summary>
    [Theory]
    [InlineData("Http:Url", "http://192.0.2.1:8080", "Http__Url")]
    [InlineData("Auth:Mode", "sometimes", "Auth__Mode")]
    [InlineData("Auth:Oidc:JwksPath", "/nonexistent/keys.json", "Auth__Oidc__JwksPath")]
    [InlineData("Connections:MostOfCaller", "0", "Connections__MostOfCaller")]
    [InlineData("Grpc:Certificate:Path", "/nonexistent/server.pem", "Grpc__Certificate__Path")]
    public void A_server_that_does_not_start_names_every_wrong_setting(string setting, string value, string name)
    {
        var faults = Assert.Throws<SettingsException>(() => ApiHost.Build(["--Bgp:Engine", "frr", $"--{setting}", value])).Faults;
        Assert.Contains(faults, f => f.StartsWith(name, StringComparison.Ordinal));
        Assert.Contains(faults, f => f.StartsWith("Bgp__Engine", StringComparison.Ordinal));
        Assert.Contains(faults, f => f.StartsWith("ConnectionStrings__CN2", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Http:Url", "ftp://127.0.0.1:1")]
    [InlineData("Http:Url", "https://cn2.example:1")]
    [InlineData("Http:Url", "http://192.0.2.1:8080")]
    [InlineData("Grpc:Url", "http://*:8081")]
    [InlineData("Kubernetes:Url", "http://[::]:8082")]
    [InlineData("Http:AllowPlain", "yes")]
    [InlineData("Grpc:AllowPlain", "1")]
    [InlineData("Http:KnownProxies:0", "10.0.0.1/24")]
    [InlineData("Http:KnownProxies:0", "proxy.example")]
    [InlineData("Http:CorsOrigins:0", "https://portal.example/")]
    [InlineData("Http:CorsOrigins:0", "https://portal.example:443")]
    [InlineData("Http:CorsOrigins:0", "*")]
    [InlineData("Http:CorsOrigins:0", "null")]
    [InlineData("AllowedHosts", "cn2.example:8080")]
    [InlineData("AllowedHosts", "cn2.example,portal.example")]
    [InlineData("Http:Url", "127.0.0.1:8080")]
    [InlineData("Grpc:Url", "http://127.0.0.1:8081/path")]
    [InlineData("Bgp:Engine", "frr")]
    [InlineData("Bgp:GoBgp:Address", "127.0.0.1:50051")]
    [InlineData("Bgp:GoBgp:StationHost", "a host")]
    [InlineData("Bgp:AutonomousSystem", "0")]
    [InlineData("Bgp:AutonomousSystem", "23456")]
    [InlineData("Bgp:AutonomousSystem", "4294967295")]
    [InlineData("Bgp:AutonomousSystem", "4294967296")]
    [InlineData("Bgp:AutonomousSystem", "sixty")]
    [InlineData("Bgp:RouterId", "10.1")]
    [InlineData("Bgp:RouterId", "2001:db8::1")]
    [InlineData("Bgp:RouterId", "0.0.0.0")]
    [InlineData("Bgp:ListenPort", "0")]
    [InlineData("Bgp:ListenPort", "-2")]
    [InlineData("Bgp:ImportedRoutesPerPeer", "0")]
    [InlineData("Bgp:ImportedRoutesPerPeer", "many")]
    [InlineData("Bgp:ListenAddresses:0", "any")]
    [InlineData("VRouters:LostAfterSeconds", "0")]
    [InlineData("VRouters:LostAfterSeconds", "0.29")]
    [InlineData("VRouters:LostAfterSeconds", "3600.1")]
    [InlineData("VRouters:LostAfterSeconds", "0,5")]
    [InlineData("VRouters:LostAfterSeconds", "NaN")]
    [InlineData("VRouters:AcknowledgeWithinSeconds", "4")]
    [InlineData("Cluster:Name", "Not_A_Name")]
    [InlineData("ServiceNetwork:V4", "10.233.0.1/18")]
    [InlineData("ServiceNetwork:V4", "fd00::/64")]
    [InlineData("ServiceNetwork:V6", "10.0.0.0/8")]
    [InlineData("ServiceNetwork:V4", "10.0.0.0/32")]
    [InlineData("ServiceNetwork:V6", "fd00::/8")]
    [InlineData("ServiceNetwork:V4", "224.0.0.0/8")]
    [InlineData("ServiceNetwork:V4", "127.0.0.0/8")]
    [InlineData("ServiceNetwork:V6", "fe80::/64")]
    [InlineData("Bgp:ListenAddresses", "127.0.0.1")]
    [InlineData("Http:Url", "http://localhost:0")]
    [InlineData("ControlNode:Name", "two words")]
    [InlineData("ControlNode:Name", "-dash")]
    [InlineData("ConnectionStrings:CN2", "Host=x;Port=65536")]
    [InlineData("ConnectionStrings:CN2", "Host=x;Maximum Pool Size=0")]
    [InlineData("ConnectionStrings:CN2", "Host=x,y;Target Session Attributes=prefer-standby")]
    [InlineData("Grpc:Url", "http://127.0.0.1:8080")]
    [InlineData("NodePorts:From", "0")]
    [InlineData("NodePorts:To", "29999")]
    [InlineData("Database:Migrate", "perhaps")]
    [InlineData("ControlNode:EngineBound", "perhaps")]
    [InlineData("ConnectionStrings:CN2", "Nonsense=1")]
    public void A_wrong_setting_is_named_with_its_value(string key, string value)
    {
        var fault = Assert.Single(FaultsOf(new(Required) { [key] = value }));
        Assert.StartsWith(key.Replace(":", "__", StringComparison.Ordinal), fault, StringComparison.Ordinal);
        Assert.Contains(key.StartsWith("Conn", StringComparison.Ordinal) ? " is set" : $"'{value}'", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("VRouters:LostAfterSeconds", "soon", "VRouters__LostAfterSeconds is 'soon': expected a number from 0.3 to 3600, such as 10 or 0.5.")]
    [InlineData("Database:Migrate", "perhaps", "Database__Migrate is 'perhaps': expected true or false.")]
    [InlineData("Bgp:Engine", "frr", "Bgp__Engine is 'frr': expected gobgp or none.")]
    [InlineData("Bgp:RouterId", "0.0.0.0", "Bgp__RouterId is '0.0.0.0': expected an IPv4 address other than 0.0.0.0.")]
    [InlineData("Bgp:ListenPort", "0", "Bgp__ListenPort is '0': expected a port from 1 to 65535, or -1 to only connect.")]
    [InlineData("Bgp:ListenAddresses:0", "any", "Bgp__ListenAddresses__0 is 'any': expected an IP address.")]
    [InlineData("Bgp:ListenAddresses", "127.0.0.1", "Bgp__ListenAddresses is '127.0.0.1': expected addresses as Bgp__ListenAddresses__0, Bgp__ListenAddresses__1, ….")]
    [InlineData("ServiceNetwork:V4", "10.0.0.1/8",
        "ServiceNetwork__V4 is '10.0.0.1/8': expected an IPv4 prefix of /8 to /30 of unicast addresses, without host bits, such as 10.233.0.0/18.")]
    [InlineData("ServiceNetwork:Distribution", "node", "ServiceNetwork__Distribution is 'node': expected all or namespace.")]
    [InlineData("ServiceNetwork:Distribution", "1", "ServiceNetwork__Distribution is '1': expected all or namespace.")]
    [InlineData("NodePorts:To", "29999", "NodePorts__To is '29999': expected at least NodePorts__From (30000).")]
    [InlineData("Grpc:Url", "http://127.0.0.1:8080", "Grpc__Url is 'http://127.0.0.1:8080': expected another port than Http__Url has (8080).")]
    [InlineData("Http:Url", "http://192.0.2.1:8080",
        "Http__Url is 'http://192.0.2.1:8080': expected https://, a loopback address, or Http__AllowPlain=true where a proxy in front speaks TLS or the network is trusted.")]
    [InlineData("Kubernetes:Url", "http://*:8082",
        "Kubernetes__Url is 'http://*:8082': expected https://, a loopback address, or Http__AllowPlain=true where a proxy in front speaks TLS or the network is trusted.")]
    [InlineData("Grpc:Certificate:Path", "/a.pem", "Grpc__Certificate__Path is '/a.pem': expected Grpc__Url with https://, or no certificate.")]
    [InlineData("Http:Certificate:KeyPath", "/a.key", "Http__Certificate__KeyPath is '/a.key': expected Http__Url with https://, or no certificate.")]
    [InlineData("Http:CorsOrigins:0", "*", "Http__CorsOrigins__0 is '*': expected an origin as a browser sends it, such as https://portal.example, without a path.")]
    [InlineData("Http:CorsOrigins", "https://a.example", "Http__CorsOrigins is 'https://a.example': expected origins as Http__CorsOrigins__0, Http__CorsOrigins__1, ….")]
    [InlineData("Http:KnownProxies:1", "proxy", "Http__KnownProxies__1 is 'proxy': expected an IP address, or a prefix without host bits such as 10.0.0.0/24.")]
    [InlineData("ConnectionStrings:CN2", "Password=secret", "ConnectionStrings__CN2 is set: expected a PostgreSQL connection string with Host=….")]
    public void A_fault_is_one_sentence_with_the_name_the_value_and_what_was_expected(string key, string value, string sentence) =>
        Assert.Equal([sentence], FaultsOf(new(Required) { [key] = value }));

    [Fact]
    public void Faults_of_all_sections_and_several_of_one_section_are_named_at_once() => Assert.Equal(
        ["Bgp__AutonomousSystem", "Bgp__ListenAddresses__0", "Bgp__ListenAddresses__2", "Bgp__ListenPort", "NodePorts__From", "NodePorts__To", "VRouters__LostAfterSeconds"],
        FaultsOf(new(Required)
        {
            ["Bgp:AutonomousSystem"] = "sixty",
            ["Bgp:ListenPort"] = "bgp",
            ["Bgp:ListenAddresses:0"] = "any",
            ["Bgp:ListenAddresses:1"] = "10.0.0.1",
            ["Bgp:ListenAddresses:2"] = "10.1",
            ["NodePorts:From"] = "1.5",
            ["NodePorts:To"] = "0x10",
            ["VRouters:LostAfterSeconds"] = "1e3",
        }).Select(f => f[..f.IndexOf(' ', StringComparison.Ordinal)]).Order(StringComparer.Ordinal));

    [Fact]
    public void Defaults_are_those_of_the_contract()
    {
        using var services = Bind(new(Required));
        services.CheckSettings();
        var listen = services.GetRequiredService<ListenerOptions>();
        Assert.Equal(("http://127.0.0.1:8080/", "http://127.0.0.1:8081/"), (listen.HttpUrl.ToString(), listen.GrpcUrl.ToString()));
        Assert.Equal((false, false, null), (listen.HttpAllowPlain, listen.GrpcAllowPlain, listen.KubernetesUrl));
        Assert.Empty(listen.KnownProxies);
        Assert.Equal(("", 0), (services.GetRequiredService<BrowserOptions>().AllowedHosts, services.GetRequiredService<BrowserOptions>().CorsOrigins.Count));
        var bgp = services.GetRequiredService<BgpOptions>();
        Assert.Equal((64512u, 179, "gobgp", "http://127.0.0.1:50051/"), (bgp.AutonomousSystem, bgp.ListenPort, bgp.Engine, bgp.GoBgpAddress.ToString()));
        Assert.Empty(bgp.ListenAddresses);
        Assert.Equal(TimeSpan.FromSeconds(10), services.GetRequiredService<VRouterOptions>().LostAfter);
        var network = services.GetRequiredService<ServiceNetworkOptions>();
        Assert.Equal(("10.233.0.0/18", "fd85:ee78:d8a6:8607::1000/116"), (network.V4.ToString(), network.V6.ToString()));
        var ports = services.GetRequiredService<NodePortOptions>();
        Assert.Equal((30000, 32767), (ports.From, ports.To));
        var names = services.GetRequiredService<ControlNodeOptions>();
        Assert.Equal((Environment.MachineName, "contrail-k8s-kubemanager-cluster1-juniper-local"), (names.Name, names.ClusterName));
        var retention = services.GetRequiredService<RetentionOptions>();
        Assert.Equal((24.0, 1.0, 24.0), (retention.EventsAge.TotalHours, retention.Changes.TotalHours, retention.IdempotencyKeys.TotalHours));
        Assert.Equal(500_000, retention.Events);
        var connections = services.GetRequiredService<ConnectionLimitOptions>();
        Assert.Equal((10_000, 1000, 10), (connections.Most, connections.MostOfCaller, connections.HeadSeconds));
        Assert.True(services.GetRequiredService<DatabaseOptions>().Migrate);
    }

    [Fact]
    public void Every_setting_is_bound_from_its_name()
    {
        using var services = Bind(new()
        {
            ["ConnectionStrings:CN2"] = "Host=db;Maximum Pool Size=7",
            ["Database:Migrate"] = " False ",
            ["Http:Url"] = "http://*:80",
            ["Http:AllowPlain"] = "true",
            ["Http:KnownProxies:0"] = "10.0.0.1",
            ["Http:KnownProxies:1"] = "FD00::/64",
            ["Http:CorsOrigins:0"] = "https://portal.example:8443",
            ["AllowedHosts"] = "cn2.example; *.portal.example",
            ["Grpc:Url"] = "http://[::2]:81",
            ["Grpc:AllowPlain"] = "True",
            ["Kubernetes:Url"] = "http://localhost:82",
            ["Bgp:Engine"] = "none",
            ["Bgp:GoBgp:Address"] = "unix:///run/gobgp.sock",
            ["Bgp:GoBgp:StationHost"] = "api",
            ["Bgp:AutonomousSystem"] = "4200000000",
            ["Bgp:RouterId"] = " 10.0.0.1 ",
            ["Bgp:ListenPort"] = "-1",
            ["Bgp:ListenAddresses:0"] = "10.0.0.1",
            ["Bgp:ListenAddresses:1"] = "FD00::1",
            ["Bgp:ImportedRoutesPerPeer"] = "5",
            ["VRouters:LostAfterSeconds"] = "3",
            ["ControlNode:Name"] = "cn.a_1",
            ["Cluster:Name"] = "c1",
            ["ServiceNetwork:V4"] = "10.0.0.0/24",
            ["ServiceNetwork:V6"] = "fd00::/112",
            ["ServiceNetwork:Distribution"] = "namespace",
            ["NodePorts:From"] = "1",
            ["NodePorts:To"] = "2",
            ["Retention:EventsHours"] = "48",
            ["Retention:ChangesHours"] = "2",
            ["Retention:Events"] = "1000",
            ["Connections:Most"] = "11",
            ["Connections:MostOfCaller"] = "12",
            ["Connections:HeadSeconds"] = "13",
            ["Agents:Mode"] = "none",
            ["Agents:CertificateHours"] = "24",
        });
        Assert.Equal((false, TimeSpan.FromDays(1)), (services.GetRequiredService<AgentOptions>().IsRequired, services.GetRequiredService<AgentOptions>().CertificateLife));
        services.CheckSettings();
        var database = services.GetRequiredService<DatabaseOptions>();
        Assert.False(database.Migrate);
        Assert.Equal("Host=db;Maximum Pool Size=7;Max Auto Prepare=200;Auto Prepare Min Usages=2;No Reset On Close=True;Timeout=2;Command Timeout=5;Cancellation Timeout=500;GSS Encryption Mode=Disable;Keepalive=30;Application Name=cn2-api",
            database.ConnectionString);
        var listen = services.GetRequiredService<ListenerOptions>();
        Assert.Equal(("http://0.0.0.0/", "http://[::2]:81/", "http://localhost:82/"), (listen.HttpUrl.ToString(), listen.GrpcUrl.ToString(), listen.KubernetesUrl!.ToString()));
        Assert.Equal((true, true), (listen.HttpAllowPlain, listen.GrpcAllowPlain));
        Assert.Equal(["10.0.0.1/32", "fd00::/64"], listen.KnownProxies.Select(p => p.ToString()));
        var browsers = services.GetRequiredService<BrowserOptions>();
        Assert.Equal("cn2.example; *.portal.example", browsers.AllowedHosts);
        Assert.Equal(["https://portal.example:8443"], browsers.CorsOrigins);
        var bgp = services.GetRequiredService<BgpOptions>();
        Assert.Equal(("none", "unix:///run/gobgp.sock", "api", 4200000000u, "10.0.0.1", -1, 5),
            (bgp.Engine, bgp.GoBgpAddress.ToString(), bgp.StationHost, bgp.AutonomousSystem, bgp.RouterId!.ToString(), bgp.ListenPort, bgp.ImportedRoutesPerPeer));
        Assert.Equal(["10.0.0.1", "fd00::1"], bgp.ListenAddresses.Select(a => a.ToString()));
        Assert.Equal(3, services.GetRequiredService<VRouterOptions>().LostAfterSeconds);
        Assert.Equal(new ControlNodeOptions { Name = "cn.a_1", ClusterName = "c1" }, services.GetRequiredService<ControlNodeOptions>());
        var network = services.GetRequiredService<ServiceNetworkOptions>();
        Assert.Equal(("10.0.0.0/24", "fd00::/112", ServiceDistribution.Namespace), (network.V4.ToString(), network.V6.ToString(), network.Distribution));
        Assert.Equal(new NodePortOptions { From = 1, To = 2 }, services.GetRequiredService<NodePortOptions>());
        Assert.Equal(new RetentionOptions { EventsHours = 48, ChangesHours = 2, Events = 1000 }, services.GetRequiredService<RetentionOptions>());
        Assert.Equal(new ConnectionLimitOptions { Most = 11, MostOfCaller = 12, HeadSeconds = 13 }, services.GetRequiredService<ConnectionLimitOptions>());
    }

    [Theory]
    [InlineData("0.3", 10, 0.3)]
    [InlineData("2.9", 10, 2.9)]
    [InlineData("3", 3, null)]
    [InlineData("12.5", 12.5, null)]
    public void A_time_that_is_too_short_to_believe_silence_alone_counts_for_vanished_nodes_and_every_other_absence_after_the_default(string text, double lostAfter, double? vanishedAfter)
    {
        using var services = Bind(new(Required) { ["VRouters:LostAfterSeconds"] = text });
        services.CheckSettings();
        var options = services.GetRequiredService<VRouterOptions>();
        Assert.Equal((TimeSpan.FromSeconds(lostAfter), vanishedAfter), (options.LostAfter, options.VanishedAfter?.TotalSeconds));
    }

    [Fact]
    public void A_blank_setting_counts_as_absent()
    {
        using var services = Bind(new(Required) { ["Bgp:ListenPort"] = "", ["NodePorts:From"] = "  ", ["Http:Url"] = "" });
        services.CheckSettings();
        Assert.Equal(179, services.GetRequiredService<BgpOptions>().ListenPort);
    }

    [Fact]
    public void IOptions_gives_the_object_that_constructors_get()
    {
        using var services = Bind(new(Required));
        Assert.Same(services.GetRequiredService<IOptions<BgpOptions>>().Value, services.GetRequiredService<BgpOptions>());
    }

    [Theory]
    [InlineData("Host=a,b", "primary", 1, 2)]
    [InlineData("Host=a:1,b:2;Target Session Attributes=read-write;Host Recheck Seconds=3;Timeout=7", "read-write", 3, 7)]
    [InlineData("Host=a", null, 10, 2)]
    public void Several_database_hosts_are_asked_for_the_primary_once_a_second(string given, string? wanted, int recheck, int timeout)
    {
        var connection = new NpgsqlConnectionStringBuilder(new DatabaseOptions { ConnectionString = given }.ConnectionString);
        Assert.Equal((wanted, recheck, timeout), (connection.TargetSessionAttributes, connection.HostRecheckSeconds, connection.Timeout));
    }

    [Fact]
    public void The_control_loop_has_a_pool_of_its_own_and_waits_two_seconds()
    {
        var options = new DatabaseOptions { ConnectionString = "Host=a,b;Maximum Pool Size=3;Command Timeout=60;Minimum Pool Size=3" };
        var requests = new NpgsqlConnectionStringBuilder(options.ConnectionString);
        var loop = new NpgsqlConnectionStringBuilder(options.ControlLoopConnectionString);
        Assert.Equal((3, 60), (requests.MaxPoolSize, requests.CommandTimeout));
        Assert.Equal((12, 2, 1, "primary"), (loop.MaxPoolSize, loop.CommandTimeout, loop.Timeout, loop.TargetSessionAttributes));
    }

    [Fact]
    public async Task The_process_names_every_fault_on_standard_error_and_exits_with_1()
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "CN2.Api.dll")])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            Environment = { ["ConnectionStrings__CN2"] = "Host=/nowhere", ["Bgp__ListenAddresses__0"] = "any", ["VRouters__LostAfterSeconds"] = "soon", ["Agents__Mode"] = "none" },
        })!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("""
            CN2.Api does not start, its settings are wrong:
              Bgp__ListenAddresses__0 is 'any': expected an IP address.
              Bgp__RouterId is not set: expected an IPv4 address that identifies this control node (or Bgp__Engine=none).
              VRouters__LostAfterSeconds is 'soon': expected a number from 0.3 to 3600, such as 10 or 0.5.

            """, errors);
        Assert.Equal("", await output);
        Assert.Equal(1, process.ExitCode);
    }

    private static readonly Dictionary<string, string?> Required = new() { ["ConnectionStrings:CN2"] = "Host=x", ["Bgp:RouterId"] = "10.0.0.1", ["Agents:Mode"] = "none" };

    private static ServiceProvider Bind(Dictionary<string, string?> values) => new ServiceCollection()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(values).Build()).AddSettings().BuildServiceProvider();

    private static IReadOnlyList<string> FaultsOf(Dictionary<string, string?> values)
    {
        using var services = Bind(values);
        return Assert.Throws<SettingsException>(services.CheckSettings).Faults;
    }
}
