using System.Net;

namespace CN2.Simulation.Tests.Database;

/// <summary>The free addresses of a network.</summary>
internal sealed class AddressPool
{
    private readonly SortedSet<int> _free;
    private readonly byte _network;

    public AddressPool(byte network, int size)
    {
        _network = network;
        Size = size;
        _free = [.. Enumerable.Range(1, size)];
    }

    private AddressPool(AddressPool other) => (_network, Size, _free) = (other._network, other.Size, new(other._free));

    public int Size { get; }

    public int Free => _free.Count;

    public AddressPool Copy() => new(this);

    /// <summary>The lowest free address.</summary>
    public IPAddress? Take()
    {
        if (_free.Count == 0) return null;
        var lowest = _free.Min;
        _free.Remove(lowest);
        return new IPAddress([100, _network, (byte)(lowest >> 8), (byte)lowest]);
    }

    public void Give(IPAddress address)
    {
        var bytes = address.GetAddressBytes();
        if (!_free.Add((bytes[2] << 8) + bytes[3])) throw new InvalidOperationException($"{address} was freed twice.");
    }
}
