using System.Net;
using Path = CN2.Api.Drivers.GoBgp.Wire.Path;

namespace CN2.Simulation.Tests.Bgp;

/// <summary>A local path in an engine's table.</summary>
/// <param name="Number">The identifier that routers see (RFC 7911).</param>
internal sealed record EnginePath(Path Wire, uint Identifier, uint Number, IPAddress? NextHop)
{
    public IReadOnlyList<string> Communities { get; init; } = [];
}
