using CN2.Api.Drivers.GoBgp;
using CN2.Api.Options;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using Grpc.Core;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;
using Wire = CN2.Api.Drivers.GoBgp.Wire;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>What gobgpd answers to a stream with paths that it cannot read.</summary>
public sealed class GoBgpEngineTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData(1, new[] { 0 })]
    [InlineData(3, new[] { 1 })]
    [InlineData(250, new[] { 0, 120, 249 })]
    [InlineData(5000, new[] { 17 })]
    public async Task Paths_that_the_engine_refuses_are_found_and_all_others_are_taken(int count, int[] bad)
    {
        var gobgpd = _lab.Keep(new GoBgpd(_lab));
        var engine = await StartAsync(gobgpd);
        var mapper = new PathMapper(64512);
        var refused = await engine.SendAsync(Enumerable.Range(0, count).ToList(), Encode, Token);
        Assert.Equal(bad, refused.Select(r => r.Item));
        Assert.All(refused, r => Assert.NotEmpty(r.Reason));
        Assert.Equal(count - bad.Length, await engine.CountPathsAsync(RouteFamily.Inet.ToWire(), Token));

        Wire.Path Encode(int i)
        {
            var (key, nextHop, attributes) = mapper.Map(Path($"100.{i / 65536}.{i / 256 % 256}.{i % 256}", "172.27.115.242"));
            var path = PathMapper.Encode(new(key, new(nextHop, attributes, nextHop.Identifier), IsWithdraw: false));
            if (bad.Contains(i)) path.Nlri = null;
            return path;
        }
    }

    [Fact]
    public async Task An_engine_whose_BGP_server_is_stopped_refuses_no_path()
    {
        var gobgpd = _lab.Keep(new GoBgpd(_lab));
        var engine = await StartAsync(gobgpd);
        await engine.StopAsync(Token);
        await Assert.ThrowsAsync<RpcException>(() => engine.SendAsync([0], _ => new Wire.Path(), Token));
    }

    private static async Task<GoBgpEngine> StartAsync(GoBgpd gobgpd)
    {
        var options = new BgpOptions { GoBgpAddress = new Uri(gobgpd.Address), AutonomousSystem = Asn, RouterId = System.Net.IPAddress.Parse("172.27.115.241") };
        var engine = new GoBgpEngine(gobgpd.ByHand, options, TimeProvider.System);
        await Eventually.TrueAsync(() => File.Exists(gobgpd.Address[7..]), "the engine's socket");
        await engine.StartAsync([], Token);
        return engine;
    }
}
