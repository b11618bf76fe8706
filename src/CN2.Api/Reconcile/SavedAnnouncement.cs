using System.Net;
using CN2.Network.Compilation;

namespace CN2.Api.Reconcile;

/// <summary>An announcement row as it is stored: the paths that may be announced, each with the number by which routers know it (0: not known).</summary>
public sealed record SavedAnnouncement(Guid FloatingIP, IPAddress Address, IReadOnlyDictionary<RouteKey, uint> Paths);
