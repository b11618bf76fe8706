namespace CN2.Api.Drivers.GoBgp;

/// <summary>What the engine must be told to hold what is wanted; additions first, so that routers always have a path.</summary>
internal sealed class Difference
{
    private readonly List<PathChange> _add = [];
    private readonly List<Wire.Path> _remove = [];

    public bool IsEmpty => _add.Count + _remove.Count == 0;

    /// <summary>Paths to give to the engine.</summary>
    public IReadOnlyList<PathChange> Missing => _add;

    /// <summary>Withdrawals of paths that the engine should not have.</summary>
    public IReadOnlyList<Wire.Path> Foreign => _remove;

    public void Add(EngineRouteKey key, HeldPath path) => _add.Add(new(key, path, IsWithdraw: false));

    public void Remove(Wire.Path path) => _remove.Add(PathMapper.EncodeWithdraw(path));
}
