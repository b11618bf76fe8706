namespace CN2.Api.Allocation;

/// <summary>A number of node ports of one protocol (IANA number); <see cref="Taken"/> has fewer when the range is exhausted.</summary>
public sealed class NodePortDemand(short protocol, int count)
{
    public short Protocol { get; } = protocol;

    public int Count { get; } = count;

    public List<int> Taken { get; } = [];
}
