using System.Net;

namespace CN2.Simulation.Tests.Bgp;

/// <summary>The paths of a prefix, oldest first. Numbers are given in the order of arrival and never twice in the life of the engine.</summary>
internal sealed class EnginePrefix(string text, IPAddress? address)
{
    private uint _last;

    public string Text { get; } = text;

    /// <summary>Null: not a unicast host route.</summary>
    public IPAddress? Address { get; } = address;

    public List<EnginePath> Paths { get; } = [];

    public uint Next => _last + 1;

    public uint NextNumber() => ++_last;
}
