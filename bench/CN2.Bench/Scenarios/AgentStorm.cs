extern alias agent;

using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using agent::CN2.Agents.V1;
using agent::CN2.VRouter.Certificates;
using CN2.Bench.Lab;
using CN2.Bench.Load;
using Grpc.Net.Client;

namespace CN2.Bench.Scenarios;

/// <summary>
/// Part of (i): 500 agents connect at the same moment, as after the restart of a control node; with certificates, next to the same agents over plain
/// HTTP/2 of another server. The agents have certificates of the join protocol and are played by the bench.
/// </summary>
internal sealed class AgentStorm(PrivateNetwork network, Report report, BenchOptions options, ApiDatabase postgres)
{
    private const int Agents = 500;
    private const int Rounds = 3;
    private const int Clients = 8;

    /// <summary>The server takes ten streams of one connection.</summary>
    private const int JoinsAtOnce = 8;

    private readonly byte[][] _instances = [.. Enumerable.Range(0, Agents).Select(_ => RandomNumberGenerator.GetBytes(16))];
    private readonly SslStreamCertificateContext?[] _certificates = new SslStreamCertificateContext?[Agents];
    private readonly string _authorityFile = Path.Combine(network.Directory, "storm-ca.pem");
    private ulong _connection;

    public async Task RunAsync()
    {
        Progress.Step($"(i) two servers, {Agents} VirtualRouters each: with certificates of agents, and without");
        var sides = new List<Side>();
        try
        {
            sides.Add(await StartAsync("TLS, certificates", 8080, "https://127.0.0.1:8444", [("Agents__Mode", "required"), .. Certificate()]));
            sides.Add(await StartAsync("plain", 8090, "http://127.0.0.1:8445"));
            await JoinAsync(sides[0]);
            foreach (var side in sides)
            {
                Progress.Step($"(i) {side.Name}: warming up");
                ServiceLoad.For(Clients, options.WarmUp / 5, "warm", side.Door);
                await ConnectAsync(side);
            }

            for (var round = 0; round < Rounds; round++)
            {
                Progress.Step($"(i) {Agents} agents connect, round {round + 1} of {Rounds}");
                foreach (var side in sides) side.Runs.Add(await RoundAsync(side, $"r{round}"));
            }

            Tell(sides);
        }
        finally
        {
            foreach (var side in sides) side.Api.Dispose();
        }
    }

    private async Task<Side> StartAsync(string name, int port, string server, params (string, string)[] settings)
    {
        var api = new ApiProcess(network, postgres.Copy($"storm_{port}"),
        [
            .. Identity.Settings, ("Http__Url", $"http://127.0.0.1:{port}"), ("Grpc__Url", server),
            ("VRouters__LostAfterSeconds", "300"), // nobody is lost between two storms
            .. settings,
        ]);
        await api.ReadyAsync();
        await Parallel.ForAsync(0, Agents, new ParallelOptions { MaxDegreeOfParallelism = Clients }, async (i, _) =>
            await api.SendAsync(HttpMethod.Put, $"/v1/virtual-routers/{NameOf(i)}", $$"""{"address":"{{AddressOf(i)}}"}"""));
        return new Side(name, api, Door.V1 with { Port = port }, new Uri(server));
    }

    /// <summary>The server's own, of a CA that the agents know by file.</summary>
    private (string, string)[] Certificate()
    {
        using var authority = new TestAuthority("Bench root");
        var (certificate, key) = authority.Issue();
        var (path, keyPath) = (Path.Combine(network.Directory, "storm.pem"), Path.Combine(network.Directory, "storm.key"));
        File.WriteAllText(_authorityFile, authority.RootPem);
        File.WriteAllText(path, certificate);
        File.WriteAllText(keyPath, key);
        return [("Grpc__Certificate__Path", path), ("Grpc__Certificate__KeyPath", keyPath)];
    }

    /// <summary>Every agent joins by a token of its own and gets its certificate.</summary>
    private async Task JoinAsync(Side side)
    {
        Progress.Step($"(i) {Agents} agents join");
        using var handler = new SocketsHttpHandler { UseProxy = false, SslOptions = new ServerTrust(_authorityFile).ForConnection(side.Server) };
        using var channel = GrpcChannel.ForAddress(side.Server, new GrpcChannelOptions { HttpHandler = handler });
        var client = new AgentJoin.AgentJoinClient(channel);
        await Parallel.ForAsync(0, Agents, new ParallelOptions { MaxDegreeOfParallelism = JoinsAtOnce }, async (i, ct) =>
        {
            var token = (string)JsonNode.Parse(await side.Api.SendAsync(HttpMethod.Post, $"/v1/virtual-routers/{NameOf(i)}:join-token", ""))!["token"]!;
            using var key = new KeyRequest();
            var (certificate, _) = key.Read(await client.JoinAsync(new JoinRequest { Token = token, Name = NameOf(i), CertificateRequest = key.Request }, cancellationToken: ct));
            _certificates[i] = SslStreamCertificateContext.Create(certificate.CopyWithPrivateKey(key.Key), null, offline: true);
        });
    }

    private async Task<Round> RoundAsync(Side side, string prefix)
    {
        var alone = ServiceLoad.For(Clients, options.LoadTime / 4, prefix + "alone", side.Door);
        await side.Api.QuietAsync(still: 0.5);
        var quiet = await ConnectAsync(side);
        await using var storm = NewStorm(side);
        var begun = storm.StartAsync();
        var during = await Task.Run(() => ServiceLoad.Until(begun, Clients, prefix + "during", side.Door));
        await begun;
        var after = ServiceLoad.For(Clients, options.LoadTime / 4, prefix + "after", side.Door);
        storm.CheckStreams();
        await storm.DisposeAsync();
        await side.Api.QuietAsync(still: 0.5);
        return new Round(quiet, alone, during, after, storm.Begun);
    }

    /// <summary>A storm while nothing else happens.</summary>
    private async Task<Connecting> ConnectAsync(Side side)
    {
        await using var storm = NewStorm(side);
        var before = side.Api.ProcessorTime;
        await storm.StartAsync();
        var processor = side.Api.ProcessorTime - before;
        storm.CheckStreams();
        await storm.DisposeAsync();
        await side.Api.QuietAsync(still: 0.5);
        return new Connecting(storm.Reached, storm.HalfTaken, storm.Taken, storm.Late, storm.Begun, processor.TotalMilliseconds / Agents);
    }

    private Storm NewStorm(Side side)
    {
        _connection++;
        var trust = new ServerTrust(_authorityFile);
        return new Storm(Agents, (i, start) => new StormAgent(side.Server, StormAgent.HelloOf(NameOf(i), AddressOf(i), _instances[i], _connection), start, trust, _certificates[i]));
    }

    private void Tell(List<Side> sides)
    {
        report.Table(
            ["500 agents at once", .. sides.Select(s => s.Name), "ratio"],
            [
                Row("connections/s, until the last handshake", s => s.Runs.Median(r => Agents / r.Quiet.Reached)),
                Row("half of the streams, s", s => s.Runs.Median(r => r.Quiet.HalfTaken)),
                Row("all streams, s", s => s.Runs.Median(r => r.Quiet.Taken)),
                Row($"streams later than {StormAgent.PatienceOfAgents} s", s => s.Runs.Median(r => r.Quiet.Late)),
                Row("all first snapshots, s", s => s.Runs.Median(r => r.Quiet.Begun)),
                Row("CPU API an agent, ms", s => s.Runs.Median(r => r.Quiet.ApiMilliseconds)),
                Row("all first snapshots beside creates, s", s => s.Runs.Median(r => r.Busy)),
                Row("creates p99 ms, no agents", s => s.Runs.Median(r => r.Alone.Latencies.P99)),
                Row("creates p99 ms, while they connect", s => s.Runs.Median(r => r.During.Latencies.P99)),
                Row("creates p99 ms, 500 connected", s => s.Runs.Median(r => r.After.Latencies.P99)),
                Row("creates/s, no agents", s => s.Runs.Median(r => r.Alone.Rate)),
                Row("creates/s, while they connect", s => s.Runs.Median(r => r.During.Rate)),
                Row("creates/s, 500 connected", s => s.Runs.Median(r => r.After.Rate)),
            ]);
        report.Text($"Mutual TLS (Agents__Mode required, ECDSA P-256 on both sides, no session is resumed) next to plain HTTP/2 (none). A stream is there when the first message of the server has come. The agents are played by the bench on the same processors, so half of the work of each handshake is theirs; they wait as long as it takes, where cn2-vrouter tries again when it has heard nothing for {StormAgent.PatienceOfAgents} s. Creates: {Clients} clients. Medians of {Rounds} rounds in turns.");

        object[] Row(string what, Func<Side, double> value) => [what, .. sides.Select(s => (object)value(s)), value(sides[1]) == 0 ? "" : value(sides[0]) / value(sides[1])];
    }

    private static string NameOf(int i) => $"storm{i}";

    private static IPAddress AddressOf(int i) => new([172, 28, (byte)(i / 250), (byte)(i % 250 + 1)]);

    private sealed record Side(string Name, ApiProcess Api, Door Door, Uri Server)
    {
        public List<Round> Runs { get; } = [];
    }

    /// <summary>Seconds until the last handshake, half of the streams, the last stream; streams that were late; seconds until the last snapshot; processor time of the server for each agent.</summary>
    private sealed record Connecting(double Reached, double HalfTaken, double Taken, int Late, double Begun, double ApiMilliseconds);

    private sealed record Round(Connecting Quiet, LoadResult Alone, LoadResult During, LoadResult After, double Busy);
}
