using CN2.Network.Addressing;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>A membership (RFC 4684 §4): this AS asks for the routes of this target. A route reflector passes on those of its clients.</summary>
internal readonly record struct RouteTargetMembership(uint OriginAS, RouteTarget Target);
