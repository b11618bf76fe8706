using System.Net;

namespace CN2.Network.Compilation;

/// <summary>
/// An endpoint a NAT entry translates to. <paramref name="Port"/> 0: the port is kept (one to one). <paramref name="OnlyLocal"/>: its
/// vRouter is lost, so no other one sends traffic there, but its own table keeps it (headless).
/// </summary>
public readonly record struct Backend(IPAddress Address, ushort Port, string VirtualRouter, bool OnlyLocal = false);
