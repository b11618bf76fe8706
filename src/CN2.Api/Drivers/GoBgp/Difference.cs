namespace CN2.Api.Drivers.GoBgp;

/// <summary>What the engine must be told to hold what is wanted; additions first, so that routers always have a path.</summary>
internal sealed class Difference
{
    private readonly List<Wire.Path> _add = [];
    private readonly List<Wire.Path> _remove = [];

    public int Added => _add.Count;

    public int Removed => _remove.Count;

    public bool IsEmpty => Added + Removed == 0;

    public IEnumerable<Wire.Path> Paths => _add.Concat(_remove);

    public void Add(EngineRouteKey key, HeldPath path) => _add.Add(PathMapper.Encode(new(key, path, IsWithdraw: false)));

    public void Remove(Wire.Path path) => _remove.Add(PathMapper.EncodeWithdraw(path));
}
