using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using Wire = CN2.Api.Drivers.GoBgp.Wire;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>The contract with a real gobgpd.</summary>
public sealed class GoBgpSpeakerTests : BgpSpeakerContract
{
    private readonly BgpLab _lab = new();
    private readonly GoBgpd _engine;

    public GoBgpSpeakerTests() => _engine = _lab.Keep(new GoBgpd(_lab));

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _lab.Dispose();
    }

    protected override IBgpSpeaker NewSpeaker() => Spec.Speaker(_engine);

    protected override async Task StopAsync(IBgpSpeaker speaker) => await ((GoBgpSpeaker)speaker).DisposeAsync();

    protected override Task<IReadOnlyCollection<BgpPath>> EngineHoldsAsync() => _engine.HoldsAsync();

    protected override async Task DeleteByHandAsync(BgpPath path)
    {
        var target = await _engine.FindAsync(path) ?? throw new InvalidOperationException("not there");
        target.Pattrs.Clear();
        await _engine.ByHand.AddPathStreamAsync(PathMapper.EncodeWithdraw(target));
    }

    protected override Task AddByHandAsync(BgpPath path)
    {
        var (key, nextHop, attributes) = new PathMapper(64512).Map(path);
        return _engine.ByHand.AddPathStreamAsync(PathMapper.Encode(new(key, new(nextHop, attributes, nextHop.Identifier), IsWithdraw: false)));
    }

    protected override void KillEngine() => _engine.Kill();

    protected override void StartEngine() => _engine.Start();
}

internal static class ByHand
{
    public static async Task AddPathStreamAsync(this Wire.GobgpApi.GobgpApiClient client, params Wire.Path[] paths)
    {
        using var call = client.AddPathStream();
        await call.RequestStream.WriteAsync(new() { Paths = { paths } });
        await call.RequestStream.CompleteAsync();
        await call;
    }

    /// <summary>All paths in the engine; one that the speaker never sends is answered as 192.0.2.255.</summary>
    public static async Task<IReadOnlyCollection<BgpPath>> HoldsAsync(this GoBgpd engine)
    {
        var mapper = new PathMapper(64512);
        var paths = new List<BgpPath>();
        foreach (var path in await engine.ListAsync())
        {
            if (mapper.Decode(path) is { Key: { } key, NextHop: { } nextHop, Attributes: { } attributes })
                paths.Add(PathMapper.ToBgpPath(key, new(mapper.NextHopOf(nextHop), attributes, path.Identifier)));
            else
                paths.Add(Spec.Path("192.0.2.255", "192.0.2.255"));
        }
        return paths;
    }

    public static async Task<Wire.Path?> FindAsync(this GoBgpd engine, BgpPath wanted)
    {
        var mapper = new PathMapper(64512);
        return (await engine.ListAsync()).FirstOrDefault(p => mapper.Decode(p) is { } found
            && found.Key == EngineRouteKey.From(wanted.Key) && wanted.NextHop.Equals(found.NextHop));
    }

    public static async Task<List<Wire.Path>> ListAsync(this GoBgpd engine)
    {
        var paths = new List<Wire.Path>();
        foreach (var family in RouteFamilies.All)
        {
            using var call = engine.ByHand.ListPath(new() { Family = family.ToWire() });
            while (await call.ResponseStream.MoveNext(Spec.Token)) paths.AddRange(call.ResponseStream.Current.Destination.Paths);
        }
        return paths;
    }
}
