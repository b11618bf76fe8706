using System.Net;
using CN2.VRouter.Overlay.Model;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>Rules and routes in the kernel that packets of the new state do not use. They are removed after that state is published.</summary>
internal sealed record StalePlumbing(IReadOnlyList<OverlayRule> Rules, IReadOnlyList<(RoutingInstanceState Instance, IPNetwork Prefix)> Routes);
