using System.Diagnostics;
using System.Net.Sockets;
using CN2.VRouter.Tests.Lab;
using CN2.VRouter.V1;

namespace CN2.VRouter.Tests;

/// <summary>What the agent process does when something on the node is missing, and how often it calls nft.</summary>
public sealed class AgentCommandTests : IClassFixture<NodeLab>, IAsyncLifetime
{
    private readonly NodeLab _lab;
    private readonly List<Process> _processes = [];
    private readonly string _directory = Directory.CreateTempSubdirectory("cn2t-").FullName;
    private StubServer _server = null!;

    public AgentCommandTests(NodeLab lab) => _lab = lab;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Options => $"--server {_server.Url} --name compute1 --address {NodeLab.NodeAddress}";

    public async ValueTask InitializeAsync() => _server = await StubServer.StartAsync(_lab.Node);

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
        }

        await _server.DisposeAsync();
        await _lab.Node.RunAsync(() => CN2.VRouter.Nft.NftDataplane.FlushAsync("cn2"));
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Without_nft_the_agent_says_what_to_install()
    {
        var (code, errors) = await EndAsync(Run(Options, path: "/nowhere"));
        Assert.Equal(1, code);
        Assert.Contains("nft cannot be run", errors, StringComparison.Ordinal);
        Assert.Contains("install nftables", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_CAP_NET_ADMIN_the_agent_says_which_capability_it_needs()
    {
        var (code, errors) = await EndAsync(Run(Options, before: ["setpriv", "--bounding-set=-net_admin"]));
        Assert.Equal((1, "cn2-vrouter: CAP_NET_ADMIN is missing; run it as root, or give it that capability"), (code, errors.Trim()));
    }

    [Fact]
    public async Task A_state_directory_that_cannot_be_made_is_named()
    {
        var (code, errors) = await EndAsync(Run(Options + " --state-dir /proc/cn2"));
        Assert.Equal(1, code);
        Assert.StartsWith("cn2-vrouter: --state-dir /proc/cn2: expected a directory", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_CAP_NET_RAW_a_PING_probe_says_which_capability_it_needs()
    {
        Run(Options, path: Path.GetDirectoryName(await WrapNftAsync()), before: ["setpriv", "--bounding-set=-net_raw"]);
        var connection = await _server.NextAsync();
        var items = Wire.Items();
        items.Probes.Add(new Probe { Uid = WireMapping.Uid(Guid.NewGuid()), Address = Wire.Address(NodeLab.Pod1), MonitorType = MonitorType.Ping, DelaySeconds = 1, TimeoutSeconds = 1, MaxRetries = 1 });
        connection.Send(1, items);
        var endpoint = Assert.Single((await connection.NextAsync(AgentMessage.BodyOneofCase.Health)).Health.Endpoints);
        Assert.Equal((Health.Unhealthy, "a PING probe needs CAP_NET_RAW; give the agent that capability"), (endpoint.Health, endpoint.Message));
    }

    [Fact]
    public async Task Nft_runs_once_for_a_change_once_for_a_repair_and_not_without_a_reason()
    {
        var wrapper = await WrapNftAsync();
        Run(Options, path: Path.GetDirectoryName(wrapper));
        var connection = await _server.NextAsync();
        connection.Send(1, Wire.Items(Wire.NatEntry("100.0.0.4", 8080, "10.1.1.2:80")));
        Assert.Equal(new Applied { Revision = 1 }, await connection.AppliedAsync());
        Assert.Equal(
            [
                "-c -f -", "-n list set ip cn2 floating_ips", "-n list set ip cn2 vpn_floating_ips", "-n list set ip6 cn2 floating_ips",
                "-n list set ip6 cn2 vpn_floating_ips", "-f -",
            ],
            Calls());

        connection.Send(Wire.Delta(2, Wire.NatEntry("100.0.0.4", 8080, "10.1.2.2:80")));
        Assert.Equal(new Applied { Revision = 2 }, await connection.AppliedAsync());
        connection.Send(3, Wire.Items(Wire.NatEntry("100.0.0.4", 8080, "10.1.2.2:80"))); // the same configuration again
        Assert.Equal(new Applied { Revision = 3 }, await connection.AppliedAsync());
        Assert.Equal(7, Calls().Length);

        for (var i = 0; i < 3; i++) await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat);
        Assert.Equal(7, Calls().Length);

        _lab.Node.Exec("nft", "flush ruleset");
        AgentMessage beat;
        do beat = await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat);
        while (beat.Heartbeat.Repairs == 0);
        await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat);
        Assert.Equal(8, Calls().Length);
    }

    [Fact]
    public async Task An_nft_killed_after_the_kernel_accepted_its_change_does_no_harm()
    {
        var wrapper = await WrapNftAsync();
        Run(Options, path: Path.GetDirectoryName(wrapper));
        var connection = await _server.NextAsync();
        connection.Send(1, Wire.Items(Wire.NatEntry("100.0.0.4", 8080, "10.1.1.2:80")));
        await connection.AppliedAsync();

        await File.WriteAllTextAsync(_directory + "/break", "", Cancellation);
        connection.Send(Wire.Delta(2, Wire.NatEntry("100.0.0.4", 8080, "10.1.2.2:80")));
        Assert.Equal(new Applied { Revision = 2 }, await connection.AppliedAsync());
        Assert.False(File.Exists(_directory + "/break"));
        Assert.Equal("pod2", (await EchoClient.OnceAsync(_lab.ClientHost, ProtocolType.Tcp, "100.0.0.4", 8080))?.Endpoint);
        Assert.DoesNotContain("10.1.1.2", _lab.Node.Exec("nft", "list", "ruleset"), StringComparison.Ordinal);
    }

    /// <summary>A script in front of the real nft, with the same process id: it records the arguments, and can be made to die of a broken pipe.</summary>
    private async Task<string> WrapNftAsync()
    {
        var real = Command.Run("sh", "-c", "command -v nft").Trim();
        var wrapper = _directory + "/bin/nft";
        Directory.CreateDirectory(_directory + "/bin");
        await File.WriteAllTextAsync(
            wrapper,
            $$"""
            #!/bin/bash
            echo "$*" >> {{_directory}}/calls
            if [ -e {{_directory}}/break ]; then
              /bin/rm {{_directory}}/break
              /usr/bin/mkfifo {{_directory}}/pipe
              exec 3<>{{_directory}}/pipe 4>{{_directory}}/pipe 3<&-
              exec /usr/bin/env --default-signal=PIPE {{real}} -e "$@" >&4
            fi
            exec {{real}} "$@"

            """,
            Cancellation);
        Command.Run("chmod", "500", wrapper);
        return wrapper;
    }

    private string[] Calls() => File.ReadAllLines(_directory + "/calls");

    private static async Task<(int Code, string Errors)> EndAsync(Process process)
    {
        var errors = await process.StandardError.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        return (process.ExitCode, errors);
    }

    private Process Run(string options, string? path = null, params string[] before)
    {
        string[] environment = path is null ? [] : ["env", "PATH=" + path];
        var command = Path.Combine(AppContext.BaseDirectory, "cn2-vrouter");
        var start = new ProcessStartInfo("ip", ["netns", "exec", _lab.Node.Name, .. before, .. environment, command, .. options.Split(' ')])
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
