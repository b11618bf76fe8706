using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Nft;

/// <summary>Tables with many Services that somebody flushes. What it takes is printed, next to nft with the same text.</summary>
public sealed class FlushedTableTests(NodeLab lab, ITestOutputHelper output) : NftLabTest(lab), IClassFixture<NodeLab>
{
    private const int Services = 10_000;

    [Fact]
    public async Task They_are_back_with_ten_thousand_Services()
    {
        var config = Configs.Config([.. Enumerable.Range(1, Services).SelectMany(Entries)]);
        var text = NftContents.Whole(new NftOptions("cn2", IPAddress.Parse(NodeLab.NodeAddress), IPAddress.Parse(NodeLab.NodeAddress6)), config).Text;
        await ApplyAsync(config);
        using var reference = new NetworkNamespace("reference");
        for (var round = 1; round <= 3; round++)
        {
            var clock = Stopwatch.StartNew();
            reference.ExecWith(text, "nft", "-f", "-");
            var load = clock.Elapsed;
            Lab.Node.Exec("nft", "flush", "ruleset");
            clock.Restart();
            await DriftAsync();
            var noticed = clock.Elapsed;
            await ApplyAsync(config);
            output.WriteLine($"{text.Length / 1024} KiB, round {round}: back after {clock.ElapsedMilliseconds} ms, noticed after {noticed.TotalMilliseconds:0} ms; nft alone {load.TotalMilliseconds:0} ms");
            Assert.Equal("pod1", (await EchoClient.OnceAsync(Lab.ClientHost, ProtocolType.Tcp, "100.0.39.16", 8080))?.Endpoint);
        }
    }

    // A cluster IP and a FloatingIP each, one endpoint in a thousand.
    private static IEnumerable<DataplaneNatEntry> Entries(int number)
    {
        var endpoint = number == Services ? NodeLab.Pod1 : $"10.244.{number % 1000 / 250}.{(number % 250) + 1}";
        yield return Configs.NatEntry($"100.0.{number / 256}.{number % 256}", TransportProtocol.TCP, 8080, $"{endpoint}:80") with { RefusesOthers = true, AnswersPing = true };
        yield return Configs.NatEntry($"10.64.{number / 256}.{number % 256}", TransportProtocol.TCP, 8080, $"{endpoint}:80");
    }
}
