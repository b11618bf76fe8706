namespace CN2.Api.Drivers.GoBgp;

/// <summary>What has to be sent so that the engine holds what is wanted.</summary>
internal sealed class PathDifference
{
    private readonly List<PathChange> _missing = [];
    private readonly List<Wire.Path> _foreign = [];

    public bool IsEmpty => _missing.Count + _foreign.Count == 0;

    /// <summary>Paths that the engine lacks, or has with other attributes. They are sent first, so that routers always have a path.</summary>
    public IReadOnlyList<PathChange> Missing => _missing;

    /// <summary>Withdrawals of paths that are in the engine and not wanted.</summary>
    public IReadOnlyList<Wire.Path> Foreign => _foreign;

    public void AddMissing(EngineRouteKey key, HeldPath path) => _missing.Add(new(key, path, IsWithdraw: false));

    public void AddForeign(Wire.Path path) => _foreign.Add(PathMapper.EncodeWithdraw(path));
}
