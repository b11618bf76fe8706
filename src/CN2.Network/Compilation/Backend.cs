using System.Net;
using CN2.Network.Resources;

namespace CN2.Network.Compilation;

/// <summary>
/// An endpoint that a NAT entry translates to. <paramref name="Port"/> 0: the port is kept (one to one). <paramref name="OnlyLocal"/>: the
/// vRouter of the endpoint is lost, so no other vRouter sends traffic there, but its own table keeps the endpoint (headless).
/// <paramref name="Weight"/>: its share of the new flows in proportion to the other backends of the entry.
/// </summary>
public readonly record struct Backend(
    IPAddress Address, ushort Port, string VirtualRouter, bool OnlyLocal = false, int Weight = VirtualMachineInterface.LowestWeight);
