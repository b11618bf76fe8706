using System.Diagnostics;
using System.Net.Sockets;
using CN2.VRouter.Tests.Lab;
using CN2.VRouter.V1;

namespace CN2.VRouter.Tests;

/// <summary>The agent process in a node's namespace, from the stream to the packets.</summary>
public sealed class AgentProcessTests(NodeLab lab) : IClassFixture<NodeLab>, IAsyncLifetime
{
    private readonly List<Process> _processes = [];
    private readonly string _directory = Path.Combine(Path.GetTempPath(), "cn2t-" + Guid.NewGuid().ToString("N"));
    private StubServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await StubServer.StartAsync(lab.Node);

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
        }

        await _server.DisposeAsync();
        await Run("flush").WaitForExitAsync(CancellationToken.None);
        lab.Node.Exec("conntrack", "-F");
        if (Directory.Exists(_directory)) Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Traffic_goes_on_while_the_agent_is_killed_and_restarted_and_the_server_is_away()
    {
        var (agent, connection) = await ServingAsync();
        using var established = (await EchoClient.OpenAsync(lab.ClientHost, ProtocolType.Tcp, "100.0.0.4", 8080))!;
        agent.Kill();
        await agent.WaitForExitAsync(Cancellation);
        Assert.NotNull(await ReachAsync());
        Assert.True(await established.EchoesAsync());

        var again = Start();
        connection = await _server.NextAsync();
        Assert.NotNull(await ReachAsync());
        connection.Send(9, Wire.Items(Wire.NatEntry("100.0.0.4", 8080, "10.1.2.2:80")));
        Assert.Equal(new Applied { Revision = 9 }, await connection.AppliedAsync());
        Assert.Equal("pod2", (await ReachAsync())?.Endpoint);
        Assert.True(await established.EchoesAsync());

        await _server.DisposeAsync();
        Assert.NotNull(await ReachAsync());
        Assert.True(await established.EchoesAsync());
        Command.Run("kill", "-TERM", again.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
        await again.WaitForExitAsync(Cancellation);
        Assert.Equal(0, again.ExitCode);
        Assert.NotNull(await ReachAsync());
        Assert.True(await established.EchoesAsync());
    }

    [Theory]
    [InlineData("delete table ip cn2")]
    [InlineData("flush ruleset")]
    [InlineData("flush map ip cn2 backends")]
    public async Task A_manual_change_is_repaired_within_seconds(string command)
    {
        var (_, connection) = await ServingAsync();
        lab.Node.ExecWith(command, "nft", "-f", "-");
        await Eventually.TrueAsync(async () => await ReachAsync() is not null, "the Service answers again", 5);
        AgentMessage beat;
        do beat = await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat);
        while (beat.Heartbeat.Repairs == 0);
        Assert.Equal(1u, beat.Heartbeat.Repairs);
    }

    [Fact]
    public async Task Flush_removes_what_an_agent_left()
    {
        var (agent, _) = await ServingAsync();
        agent.Kill();
        await agent.WaitForExitAsync(Cancellation);
        var flush = Run("flush");
        await flush.WaitForExitAsync(Cancellation);
        Assert.Equal(0, flush.ExitCode);
        Assert.Empty(lab.Node.Exec("nft", "list", "ruleset"));
    }

    [Fact]
    public async Task A_node_with_forwarding_turned_off_is_reported()
    {
        lab.Node.Sysctl("net/ipv4/ip_forward", "0");
        try
        {
            Start();
            var connection = await _server.NextAsync();
            var message = (await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat)).Heartbeat.Message;
            Assert.Contains("net.ipv4.ip_forward is 0", message, StringComparison.Ordinal);
        }
        finally
        {
            lab.Node.Sysctl("net/ipv4/ip_forward", "1");
        }
    }

    /// <summary>fabric0 has the node's address; pod1 leads to an endpoint.</summary>
    [Theory]
    [InlineData("fabric0", false)]
    [InlineData("pod1", false)]
    [InlineData("pod2", true)]
    public async Task An_interface_with_forwarding_turned_off_is_reported_where_it_matters(string device, bool isNobodys)
    {
        var (_, connection) = await ServingAsync();
        lab.Node.Sysctl($"net/ipv4/conf/{device}/forwarding", "0");
        try
        {
            // The routes to endpoints are looked at every few seconds.
            Heartbeat beat;
            var left = isNobodys ? 6 : 30;
            do beat = (await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat)).Heartbeat;
            while (beat.Node is not { Faults.Count: > 0 } && left-- > 0);
            Assert.Equal(isNobodys ? [] : ["ForwardingOff"], beat.Node.Faults.Select(f => f.Reason));
            if (!isNobodys) Assert.StartsWith($"net.ipv4.conf.{device}.forwarding is 0", beat.Node.Faults[0].Message, StringComparison.Ordinal);
        }
        finally
        {
            lab.Node.Sysctl($"net/ipv4/conf/{device}/forwarding", "1");
        }
    }

    [Fact]
    public async Task A_foreign_chain_that_drops_is_reported_by_name_and_no_longer_when_it_is_gone()
    {
        var (_, connection) = await ServingAsync();
        while ((await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat)).Heartbeat is { Node: not { Faults.Count: 0 } })
        {
        }

        lab.Node.ExecWith("table inet foreign { chain stop { type filter hook forward priority 10; policy drop; }; }", "nft", "-f", "-");
        Heartbeat beat;
        do beat = (await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat)).Heartbeat;
        while (beat.Node.Faults.Count == 0);
        Assert.Null(await ReachAsync());
        Assert.Equal(["ForeignChainDrops"], beat.Node.Faults.Select(f => f.Reason).Distinct());
        Assert.All(beat.Node.Faults, f => Assert.False(f.Suspicion));
        Assert.Contains("chain stop of table inet foreign (hook forward, priority 10, policy drop)", beat.Node.Faults[0].Message, StringComparison.Ordinal);
        Assert.Contains(beat.Node.Faults[0].Message, beat.Message, StringComparison.Ordinal); // for servers that know no report

        lab.Node.Exec("nft", "delete", "table", "inet", "foreign");
        do beat = (await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat)).Heartbeat;
        while (beat.Node.Faults.Count > 0);
        Assert.NotNull(await ReachAsync());
    }

    [Theory]
    [InlineData("0", false)]
    [InlineData("1", true)]
    public async Task A_strict_reverse_path_filter_is_reported_where_it_drops(string filter, bool drops)
    {
        var (_, connection) = await ServingAsync();
        foreach (var device in (string[])["all", "fabric0"]) lab.Node.Sysctl($"net/ipv4/conf/{device}/rp_filter", filter);
        try
        {
            // The node drops an ARP request with a sender that it would drop too.
            lab.OtherNode.Sysctl("net/ipv4/conf/all/arp_announce", "2");
            // A client behind the default route, which leaves by the interface of the other client's network, comes in by the fabric.
            lab.OtherNode.Ip("route add 100.0.0.4/32 via 172.16.0.1 src 10.9.0.1");
            lab.Node.Ip("route del 10.9.0.0/24 via 172.16.0.2");
            // The counter is read every few seconds, and its first reading says nothing.
            Heartbeat beat;
            var left = drops ? 30 : 3;
            do
            {
                _ = await EchoClient.OnceAsync(lab.OtherNode, ProtocolType.Tcp, "100.0.0.4", 8080, "10.9.0.1");
                beat = (await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat)).Heartbeat;
            }
            while (beat.Node is not { Faults.Count: > 0 } && left-- > 0);

            Assert.Equal(drops ? ["StrictReversePathFilter"] : [], beat.Node.Faults.Select(f => f.Reason));
            if (drops) Assert.Contains("rp_filter is 1, and the default route leaves by client0", beat.Node.Faults[0].Message, StringComparison.Ordinal);
        }
        finally
        {
            foreach (var device in (string[])["all", "fabric0"]) lab.Node.Sysctl($"net/ipv4/conf/{device}/rp_filter", "0");
            lab.OtherNode.Ip("route del 100.0.0.4/32 via 172.16.0.1");
            lab.Node.Ip("route add 10.9.0.0/24 via 172.16.0.2");
        }
    }

    [Fact]
    public async Task Health_is_found_by_HTTP_TCP_and_PING_and_kept_over_a_restart()
    {
        var (agent, connection) = await ServingAsync();
        var items = Wire.Items();
        items.Probes.Add(Probe(1, MonitorType.Ping, NodeLab.Pod1, 0));
        items.Probes.Add(Probe(2, MonitorType.Tcp, NodeLab.Pod2, 80));
        items.Probes.Add(Probe(3, MonitorType.Http, NodeLab.Pod1, 80)); // the echo server does not speak HTTP
        items.Probes.Add(Probe(4, MonitorType.Ping, NodeLab.Pod1v6, 0));
        connection.Send(10, items);
        Health[] expected = [Health.Healthy, Health.Healthy, Health.Unhealthy, Health.Healthy];
        Assert.Equal(expected, await FoundAsync(connection));
        var file = Path.Combine(_directory, "state", "health.json");
        await Eventually.TrueAsync(async () => File.Exists(file) && (await File.ReadAllTextAsync(file, Cancellation)).Split("ealthy").Length >= 5, "every result is in the file", 5);
        agent.Kill();
        await agent.WaitForExitAsync(Cancellation);

        Start();
        connection = await _server.NextAsync();
        foreach (var probe in items.Probes) probe.DelaySeconds = 600; // a known state is not probed at once
        connection.Send(11, items);
        Assert.Equal(expected, await FoundAsync(connection));

        static async Task<IEnumerable<Health>> FoundAsync(StubServer.Connection connection)
        {
            var found = new SortedDictionary<int, Health>();
            while (found.Count < 4)
            {
                foreach (var endpoint in (await connection.NextAsync(AgentMessage.BodyOneofCase.Health)).Health.Endpoints) found[endpoint.Uid[15]] = endpoint.Health;
            }

            return found.Values;
        }
    }

    [Fact]
    public async Task A_second_agent_of_the_same_table_is_refused()
    {
        await ServingAsync();
        var second = Start();
        await second.WaitForExitAsync(Cancellation);
        Assert.Equal(1, second.ExitCode);
        Assert.Contains("another agent", await second.StandardError.ReadToEndAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_CAP_NET_ADMIN_the_agent_says_so()
    {
        var process = Run("flush", before: ["setpriv", "--bounding-set=-net_admin"]);
        await process.WaitForExitAsync(Cancellation);
        Assert.Equal(1, process.ExitCode);
        Assert.Contains("CAP_NET_ADMIN", await process.StandardError.ReadToEndAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_options_are_named_and_the_exit_code_is_2()
    {
        var process = Run("--server ftp://x --name compute1 --address 10.0.0.300");
        await process.WaitForExitAsync(Cancellation);
        Assert.Equal(2, process.ExitCode);
        var errors = await process.StandardError.ReadToEndAsync(Cancellation);
        Assert.Contains("--server ftp://x", errors, StringComparison.Ordinal);
        Assert.Contains("--address 10.0.0.300", errors, StringComparison.Ordinal);
    }

    private static Probe Probe(byte number, MonitorType type, string address, uint port)
    {
        var uid = new byte[16];
        uid[15] = number;
        return new Probe
        {
            Uid = Google.Protobuf.ByteString.CopyFrom(uid),
            Address = Wire.Address(address),
            MonitorType = type,
            Port = port,
            DelaySeconds = 1,
            TimeoutSeconds = 1,
            MaxRetries = 2,
        };
    }

    private async Task<(Process Agent, StubServer.Connection Connection)> ServingAsync()
    {
        var agent = Start();
        var connection = await _server.NextAsync();
        connection.Send(7, Wire.Items(Wire.NatEntry("100.0.0.4", 8080, "10.1.1.2:80")));
        Assert.Equal(new Applied { Revision = 7 }, await connection.AppliedAsync());
        Assert.Equal(new Answer("pod1", NodeLab.Client), await ReachAsync());
        return (agent, connection);
    }

    private Task<Answer?> ReachAsync() => EchoClient.OnceAsync(lab.ClientHost, ProtocolType.Tcp, "100.0.0.4", 8080, NodeLab.Client);

    private Process Start() => Run($"--server {_server.Url} --name compute1 --address {NodeLab.NodeAddress} --address6 {NodeLab.NodeAddress6} --state-dir {_directory}/state");

    private Process Run(string line, params string[] before)
    {
        // The agent must start from any working directory.
        var start = new ProcessStartInfo("ip", ["netns", "exec", lab.Node.Name, .. before, Path.Combine(AppContext.BaseDirectory, "cn2-vrouter"), .. line.Split(' ')])
        {
            WorkingDirectory = "/",
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        var process = Process.Start(start)!;
        _processes.Add(process);
        return process;
    }
}
